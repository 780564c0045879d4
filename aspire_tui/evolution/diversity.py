"""How different two programs are, measured; and a choice of candidates that are. Pure.

Distance is in [0, 1]: half from the sequence of calls, half from the syntax tree with names and
numbers left out. Layout and comments are no difference; a number alone is a small one.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from aspire_tui.library.sketch import MODULES

NUMBERS = 0.1
"""Weight of what differs in numbers and texts alone."""


class Shape(NamedTuple):
    """What a program is compared by."""

    calls: tuple[str, ...]
    trees: Counter[str]
    values: Counter[str]


def shape_of(program: str) -> Shape:
    """Take a program apart; one that is not Python has a shape of its own text."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Shape((program,), Counter([program]), Counter())
    found = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id not in MODULES
    ]
    found.sort(key=lambda n: (n.lineno, n.col_offset))
    trees: Counter[str] = Counter()
    values: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr):
            trees[_kind(node)] += 1
        if isinstance(node, ast.Constant):
            values[repr(node.value)] += 1
    names = tuple(n.func.id for n in found if isinstance(n.func, ast.Name))
    return Shape(names, trees, values)


def _kind(node: ast.AST) -> str:
    """A node with its children's kinds; names, numbers and texts left out."""
    below = ",".join(type(c).__name__ for c in ast.iter_child_nodes(node))
    called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    return f"{type(node).__name__}{called}({below})"


def distance(one: Shape | str, other: Shape | str) -> float:
    """0 for the same program in another layout, 1 for nothing in common. Symmetric."""
    a = shape_of(one) if isinstance(one, str) else one
    b = shape_of(other) if isinstance(other, str) else other
    structure = 0.5 * _sequence(a.calls, b.calls) + 0.5 * _bag(a.trees, b.trees)
    return (1 - NUMBERS) * structure + NUMBERS * _bag(a.values, b.values)


def _sequence(a: Sequence[str], b: Sequence[str]) -> float:
    """Edits between two call sequences, over the longer one."""
    if not a and not b:
        return 0.0
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1] / max(len(a), len(b))


def _bag(a: Counter[str], b: Counter[str]) -> float:
    union = (a | b).total()
    return 1.0 - (a & b).total() / union if union else 0.0


class Chosen(NamedTuple):
    """Indices that were taken, and for every other one why not."""

    taken: tuple[int, ...]
    left: dict[int, str]


def choose(
    candidates: Sequence[str],
    k: int,
    eliminated: Sequence[str] = (),
    least: float = 0.02,
) -> Chosen:
    """At most ``k`` programs as far from each other as there are; the first is kept verbatim.

    Greedy from the first (the baseline): always the one farthest from all that were taken. What is
    nearer than ``least`` to one taken, or to one that was eliminated, adds nothing.
    """
    shapes = [shape_of(c) for c in candidates]
    gone = [shape_of(e) for e in eliminated]
    left: dict[int, str] = {}
    taken = [0] if candidates and k > 0 else []
    waiting = []
    for i in range(len(taken), len(candidates)):
        near = next((j for j, e in enumerate(gone) if distance(shapes[i], e) < least), None)
        if near is None:
            waiting.append(i)
        else:
            left[i] = f"was eliminated before (number {near + 1} of the list)"
    nearest = {
        i: min((distance(shapes[i], shapes[t]) for t in taken), default=1.0) for i in waiting
    }
    while waiting and len(taken) < k:
        best = max(waiting, key=lambda i: (nearest[i], -i))
        if nearest[best] < least:
            break
        taken.append(best)
        waiting.remove(best)
        for i in waiting:
            nearest[i] = min(nearest[i], distance(shapes[i], shapes[best]))
    for i in waiting:
        same = nearest[i] < least
        left[i] = "as good as one that was taken" if same else f"more than {k} candidates"
    return Chosen(tuple(sorted(taken)), dict(sorted(left.items())))
