"""Files that judge a run are edited under it: the next trial is refused and the edit is shown."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import aspire_tui
from aspire_tui.events import EvaluationChanged, TrialOpened
from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.e2e.kills import _reader
from tests.e2e.resuming import small_task
from tests.e2e.test_bench import events, until

CHECKOUT = Path(aspire_tui.__file__).parents[1]


def copy_of_the_program(folder: Path) -> tuple[Path, Path]:
    """A Python that runs a copy of this program, so that the copy can be edited."""
    for package in ("aspire_tui", "drivers"):
        shutil.copytree(
            CHECKOUT / package,
            folder / package,
            ignore=shutil.ignore_patterns("__pycache__", "shipped"),
        )
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    packages = next((folder / "venv/lib").glob("python*/site-packages"))
    paths = [str(folder), *(p for p in sys.path if p.endswith("site-packages"))]
    (packages / "copy.pth").write_text("\n".join(paths) + "\n")
    return folder, folder / "venv/bin/python"


def run_and_edit(bench: Bench, python: Path | str, task: str, edit: Path, old: str, new: str):  # type: ignore[no-untyped-def]
    """Start a search, edit a file once trials run, and wait for the end."""
    command = subprocess.Popen(
        [str(python), "-m", "aspire_tui.cli", "run", task, "--headless", "--rounds", "0", "--json"],
        env=bench.environment,
        cwd=bench.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        reader = _reader(bench)
        until(lambda: events(reader, TrialOpened), "a trial has run")
        text = edit.read_text()
        assert old in text
        beside = edit.with_suffix(".new")
        beside.write_text(text.replace(old, new, 1))
        beside.replace(edit)
        _, err = command.communicate(timeout=120)
        return command.returncode, err, reader
    finally:
        command.kill()
        command.wait()


def refused(reader: SessionReader, name: str, diff: str) -> None:
    (changed,) = events(reader, EvaluationChanged)
    (change,) = changed.event.changes
    assert change.name == name
    assert diff in change.diff
    assert [t for t in events(reader, TrialOpened) if t.seq > changed.seq] == []
    snapshot = reader.snapshot()
    assert snapshot.ended.stopped_by == "evaluation"
    assert snapshot.ended.outcome is None
    assert snapshot.evaluation == changed.event.changes


def test_a_task_edited_under_its_run_ends_it_and_is_shown(bench: Bench) -> None:
    task = small_task(bench.home)
    code, err, reader = run_and_edit(
        bench, sys.executable, task, Path(task), "min_lower_bound = 0.05", "min_lower_bound = 0.0"
    )
    assert code == 3
    assert "-min_lower_bound = 0.05" in err and "+min_lower_bound = 0.0" in err
    refused(reader, "task file small", "+min_lower_bound = 0.0")


@pytest.mark.long
def test_a_verifier_edited_under_its_run_ends_it_and_is_shown(bench: Bench, tmp_path: Path) -> None:
    folder, python = copy_of_the_program(tmp_path / "copy")
    verifier = folder / "aspire_tui" / "environment" / "verify.py"
    line = verifier.read_text().splitlines()[0]
    code, _, reader = run_and_edit(
        bench, python, small_task(bench.home), verifier, line, line + "  # lenient from now on"
    )
    assert code == 3
    refused(reader, "verifier", "# lenient from now on")
