"""The tree as git sees it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from stopped_clock import StoppedClock
from story import opening
from typer.testing import CliRunner

from aspire_tui.cli import app
from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.errors import ConfigError
from aspire_tui.events import (
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    ProgramStored,
    RunEnded,
)
from aspire_tui.evolution import git_export
from aspire_tui.session.recorder import Recorder


def call(workspace: Path, *args: str):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(app, ["--workspace", str(workspace), "export", *args])


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def session(folder: Path, parents: dict[int, int | None], borrowed: dict[int, tuple[int, ...]]):
    """A tree with the given parents; the odd ones were kept."""
    path = folder / "tree.db"
    with Recorder.create(path, clock=StoppedClock(), ballast_bytes=0) as recorder:
        recorder.append([opening()])
        for n, parent in parents.items():
            text = f"wait({n})\n".encode()
            sha = sha256_hex(text)
            blob = Blob(sha, "text/x-python", len(text))
            recorder.append([ProgramStored(sha, blob, "rules")], {sha: ("text/x-python", text)})
            claim = f"claim\n{n} \x1b[31m"
            recorder.append(
                [
                    HypothesisOpened(
                        n, parent, claim, f"+{n}", "it fails", sha, "ann <x>",
                        borrowed_from=borrowed.get(n, ()),
                    ),
                    HypothesisScored(n, "selection", n, 10, 0.1, 0.9),
                    HypothesisDecided(n, "kept" if n % 2 else "pruned", f"because\n{n}"),
                ]
            )  # fmt: skip
        recorder.append([RunEnded("PASS", "done", max(parents))])
    return path


def test_a_branch_per_line_a_commit_per_hypothesis_and_a_merge_that_borrowed(
    tmp_path: Path,
) -> None:
    path = session(tmp_path, {1: None, 2: 1, 3: 1, 4: 2, 5: 3}, {5: (4,)})
    done = call(tmp_path, str(path), str(tmp_path / "out"))
    assert done.exit_code == 0, done.exception
    out = tmp_path / "out"
    assert sorted(git(out, "branch", "--format=%(refname:short)").split()) == [
        "idea-1-claim-1-31m",
        "idea-2-claim-2-31m",
        "main",
    ]
    assert git(out, "rev-list", "--all", "--count").strip() == "5"
    five = git(out, "log", "-1", "--format=%P", "main").split()
    assert [git(out, "log", "-1", "--format=%s", p).strip() for p in five] == [
        "H3: claim 3 [31m",
        "H4: claim 4 [31m",
    ]
    trailers = git(out, "log", "-1", "--format=%(trailers:only)", "main")
    for line in ("Status: kept", "Score-Selection: 5/10 [0.100, 0.900]", "Borrowed-From: H4"):
        assert line in trailers.splitlines()
    assert "Reason: because 5" in trailers
    assert (out / "program.py").read_text() == "wait(5)\n"
    assert git(out, "fsck", "--strict") == "" and git(out, "status", "--porcelain") == ""


def test_the_same_session_gives_the_same_commits(tmp_path: Path) -> None:
    heads = []
    for name in ("a", "b"):
        assert call(tmp_path, "stack-repaired", str(tmp_path / name)).exit_code == 0
        heads.append(git(tmp_path / name, "show-ref"))
    assert heads[0] == heads[1]
    log = git(tmp_path / "a", "log", "--all", "--format=%(trailers:key=Score-Selection)")
    assert "31/32 [0.843, 0.994]" in log


def test_a_missing_parent_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    path = session(tmp_path, {1: None, 3: 2}, {})
    done = call(tmp_path, str(path), str(tmp_path / "out"))
    assert isinstance(done.exception, ConfigError)
    assert "hypothesis 3 comes from 2, which is not in the tree" in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("lift-held", "OUT"), "has no hypotheses"),
        (("stack-repaired", "OUT", "--to", "mcap"), "reserved"),
        (("stack-repaired", "."), "is there already"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    tmp_path: Path, args: tuple[str, ...], said: str
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").touch()
    given = [str(tmp_path / "out") if a == "OUT" else str(full) if a == "." else a for a in args]
    done = call(tmp_path, *given)
    assert isinstance(done.exception, ConfigError) and said in str(done.exception)


def test_without_git_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_export.shutil, "which", lambda _: None)
    done = call(tmp_path, "stack-repaired", str(tmp_path / "out"))
    assert "git is not installed" in str(done.exception)
