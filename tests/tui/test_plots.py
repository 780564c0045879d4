"""The progress curve and the map from above: to scale, and only where they say something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.domain import Evidence, GraspCandidate, PlannedPath, RobotState, SeedSet
from aspire_tui.events import CallIntent, CallResult
from aspire_tui.tui.glyphs import ASCII
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.from_above import map_lines
from aspire_tui.tui.panes.progress import best_so_far, progress_lines
from aspire_tui.tui.screen.text import plain, width
from aspire_tui.tui.tree import GrowingTree, Progress

DOWN = (0.0, 0.0, 1.0, 0.0)
metres = st.floats(-1.0, 1.0)


def progress(*scores: tuple[float, int, int, SeedSet]) -> Progress:
    """Of scores as when, k, n, seed set."""
    growing = GrowingTree()
    for at_s, k, n, seed_set in scores:
        growing.scored(seed_set, k, n, at_s)
    return growing.tree().progress


def test_the_curve_never_falls_and_few_scenes_are_no_progress() -> None:
    best = progress((1, 1, 1, "dev"), (10, 3, 5, "dev"), (20, 2, 5, "dev"), (30, 5, 5, "dev"))
    curve = best_so_far(best["dev"], 40.0, 8)
    assert curve == [None, 0.6, 0.6, 0.6, 0.6, 1.0, 1.0, 1.0]
    assert list(best) == ["dev"] and best_so_far((), 40.0, 8) == [None] * 8


def test_sets_are_never_pooled_and_ascii_is_ascii() -> None:
    story = progress((1, 5, 10, "dev"), (2, 10, 10, "selection"))
    rows = [plain(row) for row in progress_lines(story, 4.0, Look(width=60, glyphs=ASCII))]
    assert rows[1].startswith("dev") and "50 %" in rows[1]
    assert rows[2].startswith("selection") and "100 %" in rows[2]
    assert all(row.isascii() for row in rows)
    assert progress_lines({}, 4.0, Look()) == []


def moved(before: tuple[float, float], after: tuple[float, float], **given: object) -> CallResult:
    states = [RobotState((0.0,), (*at, 0.1), DOWN, 0.08, 0.0) for at in (before, after)]
    evidence = Evidence(before=states[0], after=states[1], **given)  # type: ignore[arg-type]
    return CallResult(1, 1, 1, "goto_pose", "OK", "", 1.0, 2.0, evidence=evidence)


@given(
    before=st.tuples(metres, metres), after=st.tuples(metres, metres), columns=st.integers(20, 160)
)
def test_the_map_stays_in_its_room(
    before: tuple[float, float], after: tuple[float, float], columns: int
) -> None:
    path = PlannedPath("p", "ok", 1.0, ((0.0,),), ((*before, 0.1), (*after, 0.1)))
    grasps = (GraspCandidate((0.3, 0.1, 0.0), DOWN, 0.9, 0.04),)
    intent = CallIntent(1, 1, 1, "goto_pose", {"position": [*after, 0.1]}, 7, 1.0)
    result = moved(before, after, path=path, grasps=grasps)
    rows = map_lines(intent, result, Look(width=columns))
    assert all(width(row) <= max(columns, 60) for row in rows)
    assert len(rows) <= 12


def test_ahead_is_up_and_left_is_left() -> None:
    intent = CallIntent(1, 1, 1, "goto_pose", {"position": [0.4, 0.2, 0.1]}, 7, 1.0)
    rows = [plain(row) for row in map_lines(intent, moved((0.2, 0.0), (0.4, 0.2)), Look(width=60))]
    is_row = next(i for i, row in enumerate(rows) if "@" in row)
    was_row = next(i for i, row in enumerate(rows) if "o" in row and i > 0)
    assert is_row < was_row and rows[is_row].index("@") < rows[was_row].index("o")


def test_a_call_that_went_nowhere_has_no_map() -> None:
    intent = CallIntent(1, 1, 1, "wait", {}, 7, 1.0)
    assert map_lines(intent, CallResult(1, 1, 1, "wait", "OK", "", 1.0, 2.0), Look()) == []
