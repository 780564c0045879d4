"""``cells new`` and ``cell accept`` as typed, and what doctor makes of the report."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from aspire_tui.config import resolve_workspace
from aspire_tui.doctor.checks import check_serial
from aspire_tui.doctor.probes import look_at_serial_ports
from drivers.acceptance import QUESTIONS, accepted, read_report, report_path
from drivers.cameras.section import CameraCalibration
from drivers.celledit import CellText
from drivers.cellfile import load_cell

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def aspire(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    from aspire_tui.cli import main

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aspire-tui", "--workspace", str(tmp_path), *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(str(end.value.code)), told.out, told.err

    return run


def doctor_says(root: Path) -> str:
    workspace = resolve_workspace(
        root, environment={}, standing_in=root, user_data=root, package=root
    )
    return check_serial(look_at_serial_ports(workspace))[-1].seen


def test_a_cell_of_ones_own_is_made_and_loads(aspire: Command, tmp_path: Path) -> None:
    code, out, _ = aspire("cells", "new", "mine")
    assert code == 0 and "cell setup mine" in out
    cell = load_cell(tmp_path / "cells" / "mine.toml")
    assert cell.info.kind == "emulated" and cell.info.name == "mine"
    assert (tmp_path / "cells" / "mine.json").is_file()
    assert "# In front of the bench" in cell.path.read_text()
    code, _, err = aspire("cells", "new", "mine")
    assert code == 2 and "there already" in err
    code, _, err = aspire("cells", "new", "Mine!")
    assert code == 2 and "lower case" in err


def test_a_real_one_names_its_port_and_cameras_that_setup_asks_for(
    aspire: Command, tmp_path: Path
) -> None:
    code, _, _ = aspire("cells", "new", "bench", "--from", "so101", "--port", "/dev/ttyACM9")
    assert code == 0
    cell = load_cell(tmp_path / "cells" / "bench.toml")
    assert cell.info.kind == "hardware" and cell.devices[0].port == "/dev/ttyACM9"
    assert {d.camera for d in cell.camera_devices} == {"scene", "wrist"}


def test_shipped_cells_and_stand_ins_are_not_set_up_taught_or_accepted(aspire: Command) -> None:
    for words in (("setup", "so101-emulated"), ("teach", "so101-emulated", "home")):
        code, _, err = aspire("cell", *words)
        assert code == 2 and "cells new my-so101-emulated" in err
    code, _, err = aspire("cell", "setup", "yam")
    assert code == 2 and "stand-in" in err
    code, _, err = aspire("cell", "accept", "so101-emulated")
    assert code == 2 and "only a real arm" in err
    code, _, err = aspire("cell", "teach", "yam", "hme")
    assert code == 2 and "expected home, rest" in err


def test_the_board_is_printed(aspire: Command, tmp_path: Path) -> None:
    code, out, _ = aspire("cell", "setup", "--board", str(tmp_path / "b.svg"))
    assert code == 0 and "188 × 140 mm" in out
    code, _, err = aspire("cell", "setup", "--board", str(tmp_path / "b.doc"))
    assert code == 2 and ".png or .svg" in err


def test_until_every_question_is_answered_well_it_is_emulator_only(
    aspire: Command, tmp_path: Path
) -> None:
    aspire("cells", "new", "bench", "--from", "so101", "--port", "/dev/ttyACM9")
    kept = report_path(tmp_path / "cells" / "bench.toml", "bench")
    code, out, _ = aspire("cell", "accept", "bench", typed="1\n2 after a second\n9\n\nq\n")
    assert code == 1 and "a number from 1 to 3" in out
    report = read_report(kept)
    assert report is not None and len(report.answers) == 2
    assert report.answers["torque_at_power_up"].seen == "stiff; after a second"
    assert "emulator only" in doctor_says(tmp_path)
    # What is left, each with its first answer; it is not accepted without the word.
    code, _, err = aspire("cell", "accept", "bench", typed="1\n" * len(QUESTIONS))
    assert code == 3 and "not confirmed" in err
    assert not accepted(read_report(kept))
    code, out, _ = aspire("cell", "accept", "bench", typed="accept\n")
    assert code == 0 and "accepted by" in out
    assert "accepted: bench" in doctor_says(tmp_path)
    code, out, _ = aspire("cell", "check", "bench")
    assert "driver was proven against an emulator only" not in " ".join(out.split())


def test_a_camera_pose_that_is_old_or_was_never_measured_is_told(
    aspire: Command, tmp_path: Path
) -> None:
    aspire("cells", "new", "bench", "--from", "so101", "--port", "/dev/ttyACM9")
    text = CellText(tmp_path / "cells" / "bench.toml")
    old = CameraCalibration("2020-05-01T10:00:00+00:00", "ann", 0.3, 1.2, 0.1, 12, 24.0)
    text.calibrated("scene", old)
    text.save()
    _, out, _ = aspire("cell", "check", "bench", "--json")
    codes = {f["code"]: f["seen"] for f in json.loads(out)["findings"]}
    assert (
        "days old" in codes["camera_calibration_old"] and "ann" in codes["camera_calibration_old"]
    )
    assert codes["camera_uncalibrated"] == "never"


def test_a_jump_cannot_be_accepted(aspire: Command, tmp_path: Path) -> None:
    aspire("cells", "new", "bench", "--from", "so101", "--port", "/dev/ttyACM9")
    jump = next(n for n, q in enumerate(QUESTIONS) if q.code == "stale_goal")
    typed = "".join("3\n" if n == jump else "1\n" for n in range(len(QUESTIONS)))
    code, out, _ = aspire("cell", "accept", "bench", typed=typed + "accept\n")
    assert code == 1 and "not accepted, because of stale_goal" in out
    kept = report_path(tmp_path / "cells" / "bench.toml", "bench")
    forged = msgspec.structs.replace(read_report(kept), accepted_by="eve")
    assert not accepted(forged)
    kept.write_text("{")
    code, _, err = aspire("cell", "accept", "bench")
    assert code == 2 and "move it away" in err
