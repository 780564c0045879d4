from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from recorded import Story, first_half, second_half, whole_session

from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import ListedTrial, TreeRow
from aspire_tui.tui import tree_reading
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.source import Seek, SessionSource
from aspire_tui.tui.tree import Tree


@contextmanager
def reading(path: Path, live: bool = False, *seeks: Seek) -> Iterator[SessionSource]:
    source = SessionSource(path, live=live)
    source.moments = queue.Queue()  # type: ignore[attr-defined]
    for seek in seeks:
        source.seek(seek)
    source.start(source.moments.put, pytest.fail)  # type: ignore[attr-defined]
    try:
        assert source.settle()
        yield source
    finally:
        source.close()


def newest(source: SessionSource) -> Moment:
    moments: queue.Queue[Moment] = source.moments  # type: ignore[attr-defined]
    moment = moments.get(timeout=5)
    while not moments.empty():
        moment = moments.get()
    return moment


def test_steps_asked_faster_than_read_are_all_taken(tmp_path: Path) -> None:
    path = whole_session(tmp_path / "s.db")
    with reading(path, False, Seek("start"), *[Seek("call")] * 5) as source:
        assert newest(source).call.intent.call == 5  # type: ignore[union-attr]


def test_seconds_always_move_and_never_leave_the_session(tmp_path: Path) -> None:
    path = whole_session(tmp_path / "s.db")
    tiny = Seek("seconds", seconds=0.0)
    with reading(path, False, Seek("start"), tiny, tiny) as source:
        assert newest(source).snapshot.seq == 3
        for _ in range(30):
            source.seek(Seek("seconds", forward=False, seconds=10.0))
        assert source.settle()
        assert newest(source).snapshot.seq == 1


def test_a_live_file_is_followed_and_a_pinned_call_stays(tmp_path: Path) -> None:
    story = Story(tmp_path / "live.db")
    program = first_half(story)
    with reading(story.path, live=True) as source:
        source.choose(trial=1, call=2)
        assert source.settle()
        second_half(story, program)
        moment = newest(source)
        while moment.snapshot.ended is None:
            moment = newest(source)
        assert moment.trial.trial == 1 and moment.call.intent.call == 2  # type: ignore[union-attr]
    story.close()


def test_many_commits_are_folded_into_few_moments(tmp_path: Path) -> None:
    story = Story(tmp_path / "live.db")
    program = first_half(story)
    with reading(story.path, live=True) as source:
        newest(source)
        second_half(story, program)  # some hundred commits
        count, moment = 0, newest(source)
        while moment.snapshot.ended is None:
            moment = source.moments.get(timeout=5)  # type: ignore[attr-defined]
            count += 1
        assert count < 40
    story.close()


def test_what_cannot_be_read_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "junk.db"
    path.write_bytes(b"junk" * 100)
    said: queue.Queue[str] = queue.Queue()
    source = SessionSource(path, live=True)
    source.start(lambda moment: pytest.fail(str(moment)), said.put)
    assert "junk.db" in said.get(timeout=5)
    assert source.settle(), "nobody waits for a file that cannot be read"
    source.close()


def test_going_far_shows_the_call_before_the_tree_and_then_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_reading, "READ_AT_ONCE", 0)
    path = whole_session(tmp_path / "s.db")
    with reading(path) as source:
        whole = newest(source)
        source.choose(at_seq=30)
        assert source.settle()
        moments: queue.Queue[Moment] = source.moments  # type: ignore[attr-defined]
        first, then = moments.get(timeout=5), moments.get(timeout=5)
        assert moments.empty()
        assert first.snapshot.seq == then.snapshot.seq == 30 and first.calls == then.calls
        assert first.tree is whole.tree, "of the moment before"
        assert then.tree == Tree.of(*_tree_at(path, 30)) and then.tree != whole.tree
        monkeypatch.setattr(tree_reading, "FOLLOWED", 5)
        source.choose(at_seq=whole.snapshot.seq)
        assert source.settle()
        onward, last = moments.get(timeout=5), moments.get(timeout=5)
        assert onward.tree is then.tree and last.tree == whole.tree, "far forward no less"


def _tree_at(path: Path, seq: int) -> tuple[list[TreeRow], list[ListedTrial]]:
    with SessionReader(path) as reader:
        return reader.tree_rows(seq), reader.listed_trials(100, seq)
