"""What is pruned and what is not, and when a trial is refused for want of room."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from story import opening
from typer.testing import CliRunner

from aspire_tui.cli import app
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.keeping import (
    DAY_S,
    Retention,
    Room,
    Stored,
    being_recorded,
    recorded_in,
    remove,
    to_prune,
)
from aspire_tui.session.recorder import Recorder

NOW_S = 1e9


def session(name: str, days: float, size: int = 10, live: bool = False) -> Stored:
    return Stored(Path(f"{name}.db"), size, NOW_S - days * DAY_S, live)


def pruned(sessions: list[Stored], **keep: float) -> list[str]:
    return [d.session.path.stem for d in to_prune(sessions, Retention(**keep), NOW_S)]


def test_age_first_then_the_oldest_over_the_quota_and_never_a_live_one() -> None:
    kept = [
        session("new", 1),
        session("old", 40),
        session("older", 50),
        session("live", 99, 10, True),
    ]
    assert pruned(kept) == []
    assert pruned(kept, keep_days=45) == ["older"]
    assert pruned(kept, quota_bytes=40) == []
    assert pruned(kept, quota_bytes=35) == ["older"]
    assert pruned(kept, quota_bytes=0) == ["older", "old", "new"]
    assert pruned(kept, keep_days=45, quota_bytes=25) == ["older", "old"]


def test_only_what_a_run_recorded_is_looked_at(tmp_path: Path) -> None:
    for name in ("20260101-120000-cube_lift-ab12.db", "lift-held.db", "20260101-notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert [s.path.name for s in recorded_in(tmp_path)] == ["20260101-120000-cube_lift-ab12.db"]


def test_a_live_session_is_not_removed_and_a_finished_one_goes_with_all_its_files(
    tmp_path: Path,
) -> None:
    path = tmp_path / "20260101-120000-cube_lift-ab12.db"
    with Recorder.create(path, ballast_bytes=4096) as recorder:
        recorder.append([opening()])
        assert being_recorded(path) and recorded_in(tmp_path)[0].live
        with pytest.raises(SessionFileError, match="is being recorded by another process"):
            remove(path)
    assert not being_recorded(path)
    path.with_name(path.name + "-wal").write_bytes(b"")
    assert remove(path) > 0
    assert list(tmp_path.iterdir()) == []


def room(folder: Path, free: list[int], now: list[float], **keep: int) -> Room:
    return Room(folder, Retention(**keep), mono_s=lambda: now[0], free_bytes=lambda _: free[0])


def test_a_trial_is_refused_while_there_is_room_to_say_so(tmp_path: Path) -> None:
    free, now = [5_000_000_000], [0.0]
    asked = room(tmp_path, free, now, least_free_bytes=500_000_000)
    assert asked.lacking() == ""
    free[0] = 400_000_000
    assert asked.lacking() == "", "looked up a moment ago"
    now[0] += 3
    assert "0.40 GB are left" in asked.lacking() and "sessions prune" in asked.lacking()


def test_a_quota_counts_the_sessions_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "20260101-120000-cube_lift-ab12.db").write_bytes(os.urandom(100_000))
    assert room(tmp_path, [0], [0.0], quota_bytes=200_000).lacking() == ""
    assert "sessions.quota_gb" in room(tmp_path, [0], [0.0], quota_bytes=90_000).lacking()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "sessions").mkdir()
    for n, name in enumerate(("20260101-120000-cube_lift-ab12", "20260201-120000-cube_lift-cd34")):
        path = tmp_path / "sessions" / f"{name}.db"
        with Recorder.create(path, ballast_bytes=0) as recorder:
            recorder.append([opening()])
        at_s = time.time() - (200 - 190 * n) * DAY_S
        os.utime(path, (at_s, at_s))
    return tmp_path


def ask(workspace: Path, *words: str) -> tuple[int, str, list[str]]:
    done = CliRunner().invoke(app, ["--workspace", str(workspace), "sessions", *words])
    left = sorted(p.stem[:8] for p in (workspace / "sessions").glob("*.db"))
    said = done.output + (str(done.exception) if done.exception else "")
    return done.exit_code, said, left


def test_prune_lists_asks_and_deletes_by_the_settings(workspace: Path) -> None:
    code, said, left = ask(workspace, "prune", "--dry-run")
    assert (code, left) == (0, ["20260101", "20260201"])
    assert "20260101-120000-cube_lift-ab12" in said and "200 days old, 90 are kept" in said
    code, said, left = ask(workspace, "prune")
    assert code != 0 and "--yes" in said and len(left) == 2
    code, said, left = ask(workspace, "prune", "--yes")
    assert (code, left) == (0, ["20260201"])
    (workspace / "settings.toml").write_text("[sessions]\nkeep_days = 5\n")
    assert ask(workspace, "prune", "--yes")[2] == []


def test_rm_refuses_what_ships_and_what_is_live(workspace: Path) -> None:
    assert "ships with this release" in ask(workspace, "rm", "lift-held", "--yes")[1]
    name = "20260201-120000-cube_lift-cd34"
    with Recorder.open(workspace / "sessions" / f"{name}.db", ballast_bytes=0):
        code, said, left = ask(workspace, "rm", name, "--yes")
        assert code != 0 and "is being recorded" in said and len(left) == 2
    assert ask(workspace, "rm", name, "--yes")[2] == ["20260101"]


def test_showing_a_damaged_session_says_how_to_salvage_it(workspace: Path) -> None:
    path = workspace / "sessions" / "20260101-120000-cube_lift-ab12.db"
    path.write_bytes(path.read_bytes()[:30_000])
    code, said, _ = ask(workspace, "show", path.stem)
    assert code != 0 and f"`aspire-tui sessions salvage {path}`" in said
    assert said.count("salvage") == 1 and "defect" not in said
