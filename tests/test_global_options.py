"""Options for every verb stand where one types them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aspire_tui.global_options import put_first


@pytest.mark.parametrize(
    ("typed", "mine", "rest"),
    [
        ("--workspace /w sessions list", "--workspace /w", "sessions list"),
        ("sessions list --workspace /w --json", "--workspace /w", "sessions list --json"),
        ("replay --ascii s --workspace=/w", "--ascii --workspace=/w", "replay s"),
        ("exec p.py -- --workspace /w", "", "exec p.py -- --workspace /w"),
        ("sessions --workspace", "--workspace", "sessions"),
    ],
)
def test_they_are_found_wherever_they_stand(typed: str, mine: str, rest: str) -> None:
    assert put_first(typed.split()) == (mine.split(), rest.split())


def test_a_workspace_after_the_verb_is_that_workspace(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aspire_tui.cli", "sessions", "list", "--json"]
    (tmp_path / "file").touch()
    done = subprocess.run(
        [*command, "--workspace", str(tmp_path / "file")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "--workspace" in done.stderr
