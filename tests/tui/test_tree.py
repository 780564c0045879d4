"""The hypothesis tree: kept in step with its file, and never walked to draw one screen of it."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import Story, first_half, second_half

from aspire_tui.domain import Tokens
from aspire_tui.events import HypothesisDecided, HypothesisOpened, HypothesisScored, TokensUsed
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import ListedTrial, TreeRow
from aspire_tui.session.snapshot import EMPTY
from aspire_tui.tui.moment import Asked, Moment, Remembered, read_moment
from aspire_tui.tui.panes.body import Look, Target
from aspire_tui.tui.panes.search import search_body
from aspire_tui.tui.screen.text import plain
from aspire_tui.tui.tree import GrowingTree, Tree, TreeRows
from aspire_tui.tui.tree_reading import TreeReading

SCREEN = 20


def opened(number: int, parent: int | None, program: str = "p") -> HypothesisOpened:
    return HypothesisOpened(number, parent, f"claim {number}", "a line", "it fails", program, "me")


def row(number: int, parent: int | None) -> TreeRow:
    return TreeRow(number, parent, f"claim {number}", "p", number, 1.0)


def trial(number: int, hypothesis: int | None) -> ListedTrial:
    return ListedTrial(number, hypothesis, number, "dev", 1.0, True, "PASS", wall_s=1.0)


@st.composite
def grown(draw: st.DrawFn) -> Tree:
    """Any shape of tree, its trials listed in any order."""
    nodes = range(1, draw(st.integers(1, 25)))
    parents = [draw(st.sampled_from([None, *range(1, n)])) for n in nodes]
    owners = draw(st.lists(st.sampled_from([None, *range(1, len(parents) + 1)]), max_size=12))
    numbers = draw(st.permutations(range(1, len(owners) + 1)))
    growing = GrowingTree()
    for n, parent in enumerate(parents, 1):
        growing.add(row(n, parent))
    for n, owner in zip(numbers, owners, strict=True):
        growing.try_(trial(n, owner))
    tree = growing.tree()
    assert Tree.of(tree.hypotheses, (t for mine in tree.trials.values() for t in mine)) == tree
    return tree


def told(tree: Tree, unfolded: frozenset[int]) -> list[Target]:
    """The same rows by walking the tree, which is the plain way to say what they are."""
    rows = [Target("trial", t.trial) for t in tree.trials.get(None, ())]

    def walk(parent: int | None) -> None:
        for node in tree.hypotheses:
            if node.parent == parent:
                rows.append(Target("hypothesis", node.hypothesis))
                if node.hypothesis in unfolded:
                    mine = tree.trials.get(node.hypothesis, ())
                    rows.extend(Target("trial", n) for n in sorted(t.trial for t in mine))
                walk(node.hypothesis)

    walk(None)
    return rows


@given(tree=grown(), unfolded=st.frozensets(st.integers(1, 26)))
def test_rows_are_those_of_a_walk_through_the_tree(tree: Tree, unfolded: frozenset[int]) -> None:
    rows, walked = TreeRows(tree, unfolded), told(tree, unfolded)
    assert [rows.at(n) for n in range(len(rows))] == walked
    assert [rows.row_of(target) for target in walked] == list(range(len(walked)))
    assert rows.at(len(rows)) is None and rows.at(-1) is None


def test_a_tree_that_is_followed_is_the_tree_that_is_read(tmp_path: Path) -> None:
    """At every event of a run, forward; then at random ones, back and forth."""
    story = Story(tmp_path / "run.db")
    program = first_half(story)
    second_half(story, program, ends=False)
    story.say(
        opened(3, 1, program), TokensUsed(Tokens(input=5), "m"), opened(4, 2, program),
        HypothesisScored(3, "dev", 4, 5, 0.1, 0.9), HypothesisScored(1, "dev", 3, 5, 0.1, 0.9),
        HypothesisDecided(1, "kept", "after all"), opened(5, None, program),
    )  # fmt: skip
    story.close()
    with SessionReader(story.path) as reader:
        last = reader.last_seq()
        forth = [*range(1, last + 1), *random.Random(1).choices(range(1, last + 1), k=30)]
        following = TreeReading()
        for seq in forth:
            assert following.at(reader, seq) == TreeReading().at(reader, seq), seq


def test_a_pruned_hypothesis_is_shown_with_a_score_that_comes_late(tmp_path: Path) -> None:
    story = Story(tmp_path / "late.db")
    second_half(story, first_half(story), ends=False)
    remembered = Remembered()
    with SessionReader(story.path) as reader:
        read_moment(reader, Asked(), remembered)
        story.say(HypothesisScored(1, "dev", 13, 17, 0.1, 0.9))
        moment = read_moment(reader, Asked(), remembered)
    story.close()
    body = search_body(moment, Look())
    assert any("13/17" in plain(body.lines.line(n)) for n in range(len(body.lines)))


# -- work, not time ------------------------------------------------------------------------------


def work(do: Any) -> int:
    """Bytecode instructions that something executes: the same on any machine."""
    count = 0

    def traced(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        do()
    finally:
        sys.settrace(before)
    return count


def shape(kind: str, nodes: int) -> Tree:
    parents = {"bushy": lambda n: n // 3 or 1, "chain": lambda n: n - 1, "broom": lambda n: 1}[kind]
    rows = [row(1, None), *(row(n, parents(n)) for n in range(2, nodes + 1))]
    return Tree.of(rows, [trial(n, n % nodes + 1) for n in range(1, 500)])


@pytest.mark.parametrize("kind", ["bushy", "chain", "broom"])
@pytest.mark.parametrize("lanes", [False, True])
def test_a_screen_of_ten_thousand_hypotheses_is_drawn_like_one_of_few(
    kind: str, lanes: bool
) -> None:
    look = Look(unfolded=frozenset({7, 50}), lanes=lanes)

    def draw(tree: Tree) -> int:
        moment = replace(Moment(), tree=tree, snapshot=msgspec.structs.replace(EMPTY, mono_s=9.0))

        def all_of_it() -> None:
            body = search_body(moment, look)
            middle = len(body.lines) // 2
            for index in range(middle, middle + SCREEN):
                body.lines.line(index)
            body.targets.step(middle, 1)
            body.targets.row_of(Target("hypothesis", len(tree.hypotheses)))

        all_of_it()  # widths of texts are remembered
        return work(all_of_it)

    few, many = draw(shape(kind, 200)), draw(shape(kind, 10_000))
    assert many < 1.5 * few, (few, many)


def test_one_more_score_in_ten_thousand_hypotheses_is_one_more_piece_of_work(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path / "many.db")
    program = first_half(story)
    nodes = [opened(n, n // 3 or 1, program) for n in range(2, 4_001)]
    for start in range(0, len(nodes), 1_000):
        story.recorder.append(nodes[start : start + 1_000])
    reading = TreeReading()
    with SessionReader(story.path) as reader:
        reading.at(reader, reader.last_seq())
        before = reading.built
        story.say(HypothesisScored(1, "dev", 3, 20, 0.0, 1.0), opened(4_001, 7, program))
        spent = work(lambda: reading.at(reader, reader.last_seq()))
        tree = reading.at(reader, reader.last_seq())
    story.close()
    assert reading.built == before + 2 and before >= 4_000
    assert spent < 4_000, "something walks the whole tree for one event"
    assert tree.hypotheses[0].scores["dev"].k == 3 and tree.parents[-1] == 6
