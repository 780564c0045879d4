"""Programs changed by their lines: what is kept is kept, what does not fit is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.domain import Repair
from aspire_tui.engine.drafts import Drafts
from aspire_tui.evolution.tree import Tree
from aspire_tui.improvement.edits import Edit, EditError, edited
from aspire_tui.improvement.tools import ToolRefused

PROGRAM = "a = 1\nb = 2\nc = 3\n"


def test_lines_are_those_of_the_program_as_it_was() -> None:
    edits = [Edit(1, "a = 0\na += 1"), Edit(3, "c = 4")]
    assert edited(PROGRAM, edits) == "a = 0\na += 1\nb = 2\nc = 4\n"
    assert edited(PROGRAM, [Edit(1, "", 2)]) == "c = 3\n"


@pytest.mark.parametrize(
    ("edits", "names"),
    [([Edit(4, "x")], "line 4"), ([Edit(1, "x", 2), Edit(2, "y")], "line 2")],
)
def test_edits_that_do_not_fit_are_refused(edits: list[Edit], names: str) -> None:
    with pytest.raises(EditError, match=names):
        edited(PROGRAM, edits)


@given(st.lists(st.sampled_from(["x", "y = 2", "#"]), min_size=1, max_size=12), st.data())
def test_what_is_not_named_stays(lines: list[str], data: st.DataObject) -> None:
    line = data.draw(st.integers(1, len(lines)))
    upto = data.draw(st.integers(line, len(lines)))
    new = edited("\n".join(lines), [Edit(line, "NEW", upto)]).splitlines()
    assert new == [*lines[: line - 1], "NEW", *lines[upto:]]


def test_a_program_has_one_origin_and_a_draft_brings_its_repair() -> None:
    tree, drafts = Tree(), Drafts()
    root = tree.add(None, PROGRAM, "plain", ())
    repair = Repair(3, 2, "goto_pose", "BLOCKED", "look-closer", {}, False)
    spliced = drafts.keep(PROGRAM, PROGRAM + "d = 4\n", repair)
    assert spliced.difference[-1] == "+d = 4"
    assert drafts.text("", (), spliced.draft, root) == spliced.program
    assert drafts.repairs(spliced.program, root, anew=False) == (repair,)
    child = tree.add(1, spliced.program, "held", (repair,))
    text = drafts.text("", [Edit(1, "a = 9")], "", child)
    assert drafts.repairs(text, child, anew=False) == (repair,)
    assert drafts.repairs("RESULT = True\n", child, anew=True) == ()
    for ways in (("", (), ""), (PROGRAM, (), spliced.draft), ("", (), "nothing")):
        with pytest.raises(ToolRefused):
            drafts.text(*ways, root)
    with pytest.raises(ToolRefused, match="parent"):
        drafts.text("", [Edit(1, "x")], "", None)
