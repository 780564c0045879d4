"""Where programs cannot be held in, none is run: refused, with the flag that brands the session."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from aspire_tui.commands.jobs import make_job, tasks_named
from aspire_tui.config import find_workspace
from aspire_tui.domain import NO_SANDBOX, Budget, RunSpec
from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.spawn import EngineNotStarted, start_engine
from aspire_tui.events import SessionOpened
from aspire_tui.session.reader import SessionReader


def job_on(bench, monkeypatch: pytest.MonkeyPatch, cell: str, attended: bool):  # type: ignore[no-untyped-def]
    for name, value in bench.environment.items():
        monkeypatch.setenv(name, value)
    workspace = find_workspace(bench.home)
    spec = RunSpec(
        verb="exec", tasks=("cube_lift",), cell=cell, agent="manual", seed=0, attended=attended,
        budget=Budget(), program="RESULT = True", workers=1,
    )  # fmt: skip
    return make_job(spec, tasks_named(["cube_lift"], workspace), workspace)


@pytest.mark.parametrize("attended", [False, True])
def test_without_any_level_it_is_refused_and_the_flag_is_named(  # type: ignore[no-untyped-def]
    bench, monkeypatch, attended: bool
) -> None:
    job = msgspec.structs.replace(job_on(bench, monkeypatch, "yam", attended), levels=())
    with pytest.raises(EngineNotStarted, match="--i-accept-no-sandbox") as refused:
        start_engine(job)
    assert refused.value.code == 3
    assert list((bench.home / "sessions").glob("*.db")) == [], "nothing was begun"


YAM = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"
HOME = "0.0,1.6236,1.6098,-1.5570,0.0,0.0,1.0"


@pytest.fixture
def real_arm(bench) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """A cell that moves something real, for all that its engine and host can tell: an arm behind a
    server on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "drivers.emu.arm_server_gello", "--port", str(port)]
    server = subprocess.Popen([*command, "--start", HOME], stderr=subprocess.DEVNULL)
    text = YAM.read_text().split("[[cameras]]")[0]
    for old, new in (
        ('name = "yam"', 'name = "real"'),
        ('kind = "sim"', 'kind = "hardware"'),
        ('clock = "sim"', 'clock = "wall"'),
        ("tracking_limit_rad = 0.035", "tracking_limit_rad = 0.3"),
    ):
        text = text.replace(old, new, 1)
    file = bench.home / "real.toml"
    address = f"tcp://127.0.0.1:{port}"
    file.write_text(f'{text}\n[[device]]\narm = "arm"\ndriver = "gello"\nport = "{address}"\n')
    yield str(file)
    server.terminate()
    server.wait(10)


def test_a_real_arm_is_not_driven_without_a_sandbox_unless_it_was_typed(  # type: ignore[no-untyped-def]
    bench, monkeypatch, real_arm: str
) -> None:
    job = job_on(bench, monkeypatch, real_arm, attended=True)
    assert "D" not in job.levels, "it is not even tried"
    job = msgspec.structs.replace(job, levels=("D",))
    with pytest.raises(EngineNotStarted, match="moves real hardware: refused; --i-accept") as no:
        start_engine(job)
    assert no.value.code == 3
    assert list((bench.home / "sessions").glob("*.db")) == [], "nothing was begun"

    waived = msgspec.structs.replace(job.spec, sandbox_waived=True)
    started = start_engine(msgspec.structs.replace(job, spec=waived))
    try:
        with SessionReader(started.session) as reader:
            first = reader.events(limit=1)[0].event
        assert isinstance(first, SessionOpened) and first.sandbox.level == "D"
        assert NO_SANDBOX in first.brands and first.spec.sandbox_waived
        EngineClient(started.socket, "ann").send("stop")
        started.process.wait(30)
    finally:
        started.process.kill()
        started.process.wait()
    shown = bench.run("sessions", "show", str(started.session))
    assert NO_SANDBOX in shown.out
    packed = bench.run("sessions", "pack", str(started.session), str(bench.home / "copy.db"))
    assert NO_SANDBOX in packed.out
