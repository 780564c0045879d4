"""Panes are pure and bounded: any width, any session, any foreign text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from recorded import whole_session

from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.calls_reading import Calls
from aspire_tui.tui.glyphs import ASCII, UNICODE, Glyphs
from aspire_tui.tui.moment import Asked, Moment, Remembered, read_moment
from aspire_tui.tui.panes.agent import agent_body
from aspire_tui.tui.panes.body import Body, Look
from aspire_tui.tui.panes.calls import calls_body
from aspire_tui.tui.panes.checks import checks_body
from aspire_tui.tui.panes.format import rotation, vector
from aspire_tui.tui.panes.inspector import inspector_body, program_body
from aspire_tui.tui.panes.picture import decode
from aspire_tui.tui.panes.search import search_body
from aspire_tui.tui.panes.source_code import listing
from aspire_tui.tui.panes.time_spent import time_body
from aspire_tui.tui.screen.text import plain, width
from aspire_tui.tui.themes import Palette, roles
from aspire_tui.tui.tree import Tree


def lanes_body(moment: Moment, look: Look) -> Body:
    return search_body(moment, replace(look, lanes=True))


BODIES: tuple[Callable[[Moment, Look], Body], ...] = (
    calls_body, inspector_body, program_body, checks_body, agent_body, search_body, time_body,
    lanes_body,
)  # fmt: skip
NASTY = "\x1b[2J\x1b]0;owned\x07" + "\u202eevil\u202c" + "漢" * 300 + "\x00\n\r\t" + "x" * 5000


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> SessionReader:
    return SessionReader(whole_session(tmp_path_factory.mktemp("panes") / "over.db"))


@pytest.fixture(scope="module")
def failed(reader: SessionReader) -> Moment:
    return read_moment(reader, Asked(trial=1, picture=0), Remembered())


def lines_of(body: Body) -> list[str]:
    lines = [body.lines.line(i) for i in range(len(body.lines))]
    return [plain(row) for row in (*body.head, *lines)]


def poisoned(moment: Moment) -> Moment:
    """Every foreign text of the moment is hostile."""
    assert moment.call is not None and moment.call.result is not None
    detail = msgspec.structs.replace(
        moment.call,
        intent=msgspec.structs.replace(moment.call.intent, args={NASTY: NASTY, "n": [NASTY] * 50}),
        result=msgspec.structs.replace(moment.call.result, summary=NASTY, value={"v": NASTY}),
    )
    calls = Calls.of(
        msgspec.structs.replace(c, summary=NASTY, primitive=NASTY) for c in moment.calls
    )
    assert moment.program is not None and moment.trial is not None
    program = msgspec.structs.replace(moment.program, text=NASTY * 3)
    trial = msgspec.structs.replace(moment.trial, task=NASTY, reason=NASTY)
    ended = tuple(msgspec.structs.replace(e, error=NASTY, stdout=NASTY) for e in moment.facts.ended)
    tree = Tree.of(
        (msgspec.structs.replace(h, claim=NASTY) for h in moment.tree.hypotheses),
        (
            msgspec.structs.replace(t, reason=NASTY)
            for mine in moment.tree.trials.values()
            for t in mine
        ),
    )
    return replace(
        moment, call=detail, calls=calls, program=program, trial=trial, tree=tree,
        facts=replace(moment.facts, ended=ended),
    )  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("columns", [20, 42, 76, 200])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_no_line_is_wider_than_its_pane_nor_hostile(
    failed: Moment, body: Callable[[Moment, Look], Body], columns: int, glyphs: Glyphs
) -> None:
    for moment in (failed, poisoned(failed), Moment()):
        made = body(moment, Look(width=columns, glyphs=glyphs))
        known = roles()
        for row in (*made.head, *(made.lines.line(i) for i in range(len(made.lines)))):
            text = plain(row)
            assert not any(ch in text for ch in "\x1b\x07\x00\u202e\n\r\t")
            assert all(isinstance(s.role, tuple) or s.role in known for s in row)
            if body in (calls_body, search_body, lanes_body) and moment.trial is not None:
                assert width(row) <= columns


def test_every_theme_knows_every_role() -> None:
    for name in ("dark", "light", "ansi", "mono"):
        palette = Palette(name)  # type: ignore[arg-type]
        for role in roles():
            palette.style(role)
    for role in roles():
        look = Palette("mono").style(role)
        assert look.color is None or look.color.is_default


def test_the_three_outcomes_and_the_referee_stand_apart(failed: Moment) -> None:
    text = lines_of(checks_body(failed, Look(width=90)))
    said = {row.split()[0]: row for row in text if row.startswith(("ended", "claims"))}
    assert "returned" in said["ended"] and "done" in said["claims"]
    verdict = text.index(next(row for row in text if row.startswith("✗ FAIL by")))
    referee = text.index(next(row for row in text if "truth" in row))
    assert verdict < referee
    assert any("0.02 m" in row and "≥ 0.055" in row and "scene" in row for row in text)


def test_a_call_without_result_is_in_flight_or_unknown(reader: SessionReader) -> None:
    in_flight = read_moment(reader, Asked(at_seq=28), Remembered())
    assert in_flight.calls[-1].status is None
    assert "in flight" in lines_of(calls_body(in_flight, Look()))[-1]
    assert in_flight.trial is not None
    crashed = replace(in_flight, trial=msgspec.structs.replace(in_flight.trial, closed_seq=29))
    assert "unknown outcome" in lines_of(calls_body(crashed, Look()))[-1]


def test_a_call_in_flight_for_long_is_called_slow_then_hung(reader: SessionReader) -> None:
    moment = read_moment(reader, Asked(at_seq=28), Remembered())
    since = moment.wall_s(moment.calls[-1].start_mono_s)
    for age_s, word in ((1, "since"), (11, "over 10 s"), (31, "hung?")):
        look = Look(now_s=since + age_s)
        assert word in lines_of(calls_body(moment, look))[-1]


def test_mru_names_its_clock_and_never_pools_the_two(failed: Moment) -> None:
    body = time_body(failed, Look(width=90))
    text = "\n".join(lines_of(body))
    assert "wall clock at the bench" in body.title
    assert "apart, in simulated time in workers: MRU" in text
    assert "tokens per minute, wall clock" in text


def test_folded_trials_are_only_listed_when_asked(failed: Moment) -> None:
    assert not any("trial 1" in row for row in lines_of(search_body(failed, Look())))
    rows = lines_of(search_body(failed, Look(unfolded=frozenset({2}))))
    assert sum("trial" in row for row in rows) == 7


def test_the_agent_pane_tells_when_evidence_is_from_the_same_task(failed: Moment) -> None:
    assert "same task" in " ".join(" ".join(lines_of(agent_body(failed, Look(width=120)))).split())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cannot be read"),
        (b"\xff\xd8\xff\xe0 broken", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "cannot be read"),
    ],
)
def test_a_broken_picture_is_one_line(data: bytes, why: str) -> None:
    assert why in decode(data)  # type: ignore[operator]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_huge_picture_is_refused_unread() -> None:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(out, "PNG")
    assert "too large" in decode(out.getvalue())  # type: ignore[operator]


def test_the_line_of_a_call_stands_out_in_any_text() -> None:
    rows = listing("a = 1\nif a:\n    'unfinished\n", 2, 40, UNICODE)
    assert plain(rows[1]).startswith("▸  2 if a:")
    assert rows[1][0].role == "code_here"
    assert listing("", 5, 40, UNICODE) and listing("x", 0, 40, UNICODE, around=3)


def test_reading_a_moment_needs_no_more_than_that_moment(tmp_path: Path) -> None:
    with SessionReader(whole_session(tmp_path / "s.db")) as reader:
        remembered = Remembered()
        for seq in (1, 20, 31, 60, 114, 31):
            moment = read_moment(reader, Asked(at_seq=seq), remembered)
            fresh = read_moment(reader, Asked(at_seq=seq), Remembered())
            assert moment == fresh, "what is remembered must not leak between moments"


def test_one_rotation_reads_the_same_and_no_zero_has_a_minus() -> None:
    assert rotation((0.0, -0.32, -0.95, 0.001)) == rotation((0.0, 0.32, 0.95, -0.001))
    assert "-0.00" not in vector((-0.001, -0.004), 2)
