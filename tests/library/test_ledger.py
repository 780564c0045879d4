"""The ledger: whatever is done by hand is found and named; two promotions are one too many."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aspire_tui.errors import ConfigError, PolicyRefused
from aspire_tui.library.ledger import Ledger, LedgerProblem
from aspire_tui.library.load import load_library
from aspire_tui.library.promotion import Shelf, difference

FIXTURES = Path(__file__).parent / "fixtures"
REGRASP, LOOK = "regrasp-after-empty", "look-again-from-home"


def shelf(folder: Path, who: str = "ann") -> Shelf:
    ticks = itertools.count(1_700_000_000)
    return Shelf(folder, who, lambda: float(next(ticks)))


def admit(s: Shelf, name: str, folder: Path = FIXTURES) -> None:
    s.add(folder / name, name, "a test")
    s.begin(name)
    s.edit(name, "as it is", {})
    s.finish(name, "admitted")


@pytest.fixture
def full(tmp_path: Path) -> Shelf:
    s = shelf(tmp_path / "skills")
    admit(s, REGRASP)
    admit(s, LOOK)
    s.retire(LOOK, "the cell looks by itself now")
    return s


def test_a_promotion_is_four_lines_with_the_files_before_and_after(full: Shelf) -> None:
    entries = full.ledger.entries()
    assert [e.act for e in entries] == [
        "add", "begin", "edit", "finish", "add", "begin", "edit", "finish", "retire",
    ]  # fmt: skip
    begun, finished = entries[1], entries[3]
    new = {c.path for c in difference(begun.files, finished.files)}
    assert f"{REGRASP}/SKILL.md" in new and f"{REGRASP}/scripts/regrasp.py" in new
    assert all(len(h) == 64 for h in finished.files.values())
    assert full.standings() == {REGRASP: "admitted", LOOK: "retired"}


def test_what_was_retired_or_waits_is_not_loaded(full: Shelf) -> None:
    full.add(FIXTURES / LOOK, LOOK, "again")
    assert [s.name for s in load_library([full.skills]).skills] == [REGRASP]
    assert [s.name for s in load_library([full.skills, FIXTURES]).skills] == [REGRASP]


def test_a_skill_that_ships_is_hidden_and_stays_where_it_is(tmp_path: Path) -> None:
    s = shelf(tmp_path / "skills")
    s.retire(LOOK, "not on this bench")
    assert [x.name for x in load_library([s.skills, FIXTURES]).skills] == [REGRASP]
    assert (FIXTURES / LOOK / "SKILL.md").is_file()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_hand_edited_character_is_found_in_its_line(full: Shelf, data: st.DataObject) -> None:
    good = full.ledger.path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 2))
    other = data.draw(st.integers(32, 126).filter(lambda c: c != good[at]))
    if good[at : at + 1] == b"\n":
        return
    line = good[:at].count(b"\n") + 1
    try:
        full.ledger.path.write_bytes(good[:at] + bytes([other]) + good[at + 1 :])
        with pytest.raises(LedgerProblem, match=rf"ledger\.jsonl line {line} ") as found:
            full.ledger.entries()
        assert "\n" not in str(found.value)
    finally:
        full.ledger.path.write_bytes(good)


@pytest.mark.parametrize("gone", range(9))
def test_a_line_taken_out_is_missed(full: Shelf, gone: int) -> None:
    lines = full.ledger.path.read_bytes().splitlines(keepends=True)
    full.ledger.path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
    with pytest.raises(LedgerProblem, match="line"):
        full.ledger.entries()


def test_a_line_made_to_fit_is_still_not_the_one_that_was_written(full: Shelf) -> None:
    import msgspec

    from aspire_tui.library.ledger import Entry, _encode, hash_of  # to forge one

    lines = full.ledger.path.read_bytes().splitlines()
    last = msgspec.json.decode(lines[-1], type=Entry)
    forged = msgspec.structs.replace(last, note="because")
    forged = msgspec.structs.replace(forged, hash=hash_of(forged))
    full.ledger.path.write_bytes(b"\n".join([*lines[:-1], _encode(forged)]) + b"\n")
    with pytest.raises(LedgerProblem, match="line 9 is not the line that was written"):
        full.ledger.entries()


def test_a_writer_that_died_in_a_line_costs_that_line_only(full: Shelf) -> None:
    with full.ledger.path.open("ab") as out:
        out.write(b'{"n":10,"at_s":17')
    assert len(full.ledger.entries()) == 9
    full.retire(REGRASP, "worn out")
    entries = full.ledger.entries()
    assert len(entries) == 10 and entries[-1].details["torn_bytes_dropped"] == 17


def test_a_writer_that_died_before_the_head_costs_nothing(full: Shelf) -> None:
    head = full.ledger.path.with_name("head")
    older = head.read_bytes()
    full.add(FIXTURES / LOOK, LOOK, "again")
    head.write_bytes(older)
    assert len(full.ledger.entries()) == 10


def test_the_second_of_two_promotions_is_refused_in_one_line(tmp_path: Path) -> None:
    one, other = shelf(tmp_path / "skills"), shelf(tmp_path / "skills", "bob")
    one.add(FIXTURES / REGRASP, REGRASP, "")
    one.add(FIXTURES / LOOK, LOOK, "")
    one.begin(REGRASP)
    for act in (lambda: other.begin(LOOK), lambda: other.retire(LOOK, "x")):
        with pytest.raises(
            PolicyRefused, match="a promotion of regrasp-after-empty by ann is open"
        ):
            act()
    with pytest.raises(PolicyRefused, match="no promotion of look-again-from-home is open"):
        other.edit(LOOK, "", {})


def test_two_commands_at_the_same_moment_never_interleave(tmp_path: Path) -> None:
    one, other = shelf(tmp_path / "skills"), shelf(tmp_path / "skills", "bob")
    one.add(FIXTURES / REGRASP, REGRASP, "")
    with one.ledger.writing(), pytest.raises(PolicyRefused, match="another command is changing"):
        other.begin(REGRASP)
    assert one.open_promotion() is None


def test_files_changed_behind_the_ledger_are_named_and_stop_a_promotion(full: Shelf) -> None:
    (full.skills / REGRASP / "scripts" / "regrasp.py").write_text("answer = {call}\n")
    assert [(c.path, c.what) for c in full.changes()] == [
        (f"{REGRASP}/scripts/regrasp.py", "altered")
    ]
    for act in (
        lambda: full.add(FIXTURES / LOOK, LOOK, "again"),
        lambda: full.retire(REGRASP, "x"),
        lambda: full.verify(REGRASP, True, "x", {}),
    ):
        with pytest.raises(PolicyRefused, match=r"regrasp\.py was altered without the ledger"):
            act()
    full.verify(REGRASP, True, "mine", {}, accept=True)
    assert full.changes() == ()


def test_an_abandoned_promotion_leaves_the_files_as_they_were(full: Shelf, tmp_path: Path) -> None:
    before = full.ledger.entries()[-1].files
    newer = Path(shutil.copytree(FIXTURES / REGRASP, tmp_path / "new" / REGRASP))
    (newer / "SKILL.md").write_text((newer / "SKILL.md").read_text() + "More.\n")
    full.add(newer, REGRASP, "newer")
    full.begin(REGRASP)
    full.edit(REGRASP, "try", {})
    assert full.open_promotion() is not None
    full.abandon(REGRASP, "broke a scene")
    assert full.ledger.entries()[-1].files == before
    assert full.open_promotion() is None and full.quarantined(REGRASP).is_dir()


def test_a_promotion_that_changes_nothing_needs_a_reason(full: Shelf) -> None:
    full.add(FIXTURES / REGRASP, REGRASP, "the same again")
    full.begin(REGRASP)
    full.edit(REGRASP, "", {})
    with pytest.raises(ConfigError, match="changed no file; say why"):
        full.finish(REGRASP, "admitted")
    full.finish(REGRASP, "admitted", note="proven again on the new cell")


def test_a_broken_ledger_is_a_problem_and_the_skills_still_load(full: Shelf) -> None:
    lines = full.ledger.path.read_text().splitlines()
    lines[2] = json.dumps(json.loads(lines[2]) | {"who": "eve"})
    full.ledger.path.write_text("\n".join(lines) + "\n")
    library = load_library([full.skills])
    assert [s.name for s in library.skills] == [REGRASP]
    assert "line 3" in library.problems[0].text


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abefr"), st.booleans()), max_size=14))
def test_in_any_order_at_most_one_is_open_and_the_chain_holds(acts: list[tuple[str, bool]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        s = shelf(Path(folder) / "skills")
        for act, which in acts:
            name = REGRASP if which else LOOK
            was_open, before = s.open_promotion(), len(s.ledger.entries())
            try:
                if act == "a":
                    s.add(FIXTURES / name, name, "")
                elif act == "b":
                    s.begin(name)
                    assert was_open is None
                elif act == "e":
                    s.edit(name, "n", {})
                elif act == "f":
                    s.finish(name, "admitted", note="n")
                    assert was_open is not None and was_open.skill == name
                else:
                    s.retire(name, "r")
                    assert was_open is None
            except (ConfigError, PolicyRefused):
                assert len(s.ledger.entries()) == before
        Ledger(s.skills, lambda: 0.0).entries()
