"""Two programs from one ancestor made into one: call by call, never one text after the other. Pure.

A unit is one simple statement, one header of a compound statement, or one comment line, at its
depth. What both changed in the same place is a conflict and said; two edits of different arguments
of one call are not. Names one side invented never collide with the other's.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from collections.abc import Sequence
from typing import NamedTuple

from aspire_tui.library.program_text import Edit, apply_edits, segment

_END = re.compile(r"# skill [a-z0-9-]+: end\Z")


class MergeConflict(ValueError):
    """The two cannot be joined. One line: where, and what each side did there."""


class Unit(NamedTuple):
    """Lines of a program that belong together. ``key`` is equal when they mean the same."""

    key: str
    text: str
    line: int


class _Hunk(NamedTuple):
    """Units [lo, hi) of the base are these units on one side."""

    lo: int
    hi: int
    units: tuple[Unit, ...]


def merge(base: str, mine: str, theirs: str) -> str:
    """The base with the edits of both.

    Raises:
        MergeConflict: Both changed the same place differently, or nothing is left to join.
    """
    for name, text in (("base", base), ("first", mine), ("second", theirs)):
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise MergeConflict(f"the {name} program is not Python: {error}") from None
    theirs = _without_collisions(base, mine, theirs)
    root = units_of(base)
    ours, others = _hunks(root, units_of(mine)), _hunks(root, units_of(theirs))
    merged = "".join(u.text for u in _joined(root, ours, others))
    try:
        ast.parse(merged)
    except SyntaxError as error:
        raise MergeConflict(f"joined, line {error.lineno} is not Python: {error.msg}") from None
    return merged


def units_of(program: str) -> list[Unit]:
    """A program as units in the order of its lines; every line is in exactly one."""
    lines = program.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    owner: dict[int, tuple[int, str]] = {}
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.stmt):
            last = _header_end(node)
            key = f"{node.col_offset}:{_meaning(node)}"
            for line in range(node.lineno, last + 1):
                owner.setdefault(line, (last, key))
    out: list[Unit] = []
    number = 1
    while number <= len(lines):
        last, key = owner.get(number, (number, ""))
        text = "".join(lines[number - 1 : last])
        out.append(Unit(key or text.rstrip(), text, number))
        number = last + 1
    return out


def _header_end(node: ast.stmt) -> int:
    """Last line of what is the statement's own, its body left out."""
    body = [
        child.lineno
        for name in ("body", "orelse", "finalbody", "handlers", "cases")
        for child in getattr(node, name, [])
        if isinstance(child, ast.stmt | ast.ExceptHandler)
    ]
    end = node.end_lineno or node.lineno
    return max(node.lineno, min([end, *(line - 1 for line in body)])) if body else end


def _meaning(node: ast.stmt) -> str:
    """The statement whatever its layout, its body left out."""
    if hasattr(node, "body") or isinstance(node, ast.Match):
        return ast.unparse(node).splitlines()[0]
    return ast.dump(node)


def _hunks(base: Sequence[Unit], side: Sequence[Unit]) -> list[_Hunk]:
    matcher = difflib.SequenceMatcher(
        None, [u.key for u in base], [u.key for u in side], autojunk=False
    )
    return [
        _Hunk(i1, i2, tuple(side[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _joined(base: list[Unit], ours: list[_Hunk], others: list[_Hunk]) -> list[Unit]:
    out: list[Unit] = []
    at = 0
    mine, theirs = list(ours), list(others)
    while mine or theirs:
        hunk, both = _next(base, mine, theirs)
        out += base[at : hunk.lo]
        out += both
        at = hunk.hi
    return out + base[at:]


def _next(
    base: list[Unit], mine: list[_Hunk], theirs: list[_Hunk]
) -> tuple[_Hunk, tuple[Unit, ...]]:
    """Take the next edit of either side, or both where they meet."""
    if mine and theirs and _meet(mine[0], theirs[0]):
        a, b = mine.pop(0), theirs.pop(0)
        if (a.lo, a.hi, [u.key for u in a.units]) == (b.lo, b.hi, [u.key for u in b.units]):
            return a, a.units
        one_call = a.hi - a.lo == len(a.units) == len(b.units) == 1 and (a.lo, a.hi) == (b.lo, b.hi)
        if one_call:
            text = merge_calls(base[a.lo].text, a.units[0].text, b.units[0].text)
            if text is not None:
                return a, (Unit("", text, base[a.lo].line),)
        line = base[min(a.lo, len(base) - 1)].line if base else 1
        raise MergeConflict(
            f"line {line}: both changed it: {_said(a)} against {_said(b)}; choose one"
        )
    if not theirs or (mine and _order(mine[0]) < _order(theirs[0])):
        taken = mine.pop(0)
    else:
        taken = theirs.pop(0)
    return taken, taken.units


def _meet(a: _Hunk, b: _Hunk) -> bool:
    """Whether two edits claim the same place. What is put in beside a statement that the other
    replaced has its own place, before or after it."""
    if a.lo == a.hi and b.lo == b.hi:
        return a.lo == b.lo and not (_closes(a) or _closes(b))
    if a.lo == a.hi or b.lo == b.hi:
        point, span = (a, b) if a.lo == a.hi else (b, a)
        return span.lo < point.lo < span.hi
    return a.lo < b.hi and b.lo < a.hi


def _order(hunk: _Hunk) -> tuple[int, int, bool]:
    return hunk.lo, hunk.hi, not _closes(hunk)


def _closes(hunk: _Hunk) -> bool:
    """Only the closing comment of a splice: it belongs to the statement before it."""
    return all(_END.match(u.text.strip()) for u in hunk.units)


def merge_calls(base: str, mine: str, theirs: str) -> str | None:
    """One statement whose calls both edited, argument by argument; None when that cannot be."""
    margin = mine[: len(mine) - len(mine.lstrip())]
    texts = [t.strip() for t in (base, mine, theirs)]
    try:
        trees = [ast.parse(t) for t in texts]
    except SyntaxError:
        return None
    calls = [[n for n in ast.walk(tree) if isinstance(n, ast.Call)] for tree in trees]
    if not calls[0] or len({len(c) for c in calls}) != 1:
        return None
    edits: list[Edit] = []
    for one, two, three in zip(*calls, strict=True):
        arguments = [_arguments(c) for c in (one, two, three)]
        if len({tuple(a) for a in arguments}) != 1:
            return None
        for name in arguments[0]:
            was, a, b = (ast.dump(x[name]) for x in arguments)
            if was == a and was != b:
                edits.append(Edit.of(arguments[1][name], segment(texts[2], arguments[2][name])))
            elif len({was, a, b}) == 3:
                return None
    if not edits or _skeleton(trees[0]) != _skeleton(trees[1]):
        return None
    if _skeleton(trees[0]) != _skeleton(trees[2]):
        return None
    outer = [e for e in edits if not any(_inside(e, o) for o in edits if o is not e)]
    return margin + apply_edits(texts[1], outer) + "\n"


def _arguments(call: ast.Call) -> dict[str, ast.expr]:
    given: dict[str, ast.expr] = {str(i): a for i, a in enumerate(call.args)}
    return given | {k.arg or "**": k.value for k in call.keywords}


def _skeleton(tree: ast.Module) -> str:
    """The statement with the values of all arguments left out."""
    copy = ast.parse(ast.unparse(tree))
    for node in ast.walk(copy):
        if isinstance(node, ast.Call):
            node.args = [ast.Constant(None) for _ in node.args]
            node.keywords = [ast.keyword(k.arg, ast.Constant(None)) for k in node.keywords]
    return ast.dump(copy)


def _inside(e: Edit, o: Edit) -> bool:
    return (o.first_line, o.start) <= (e.first_line, e.start) and (e.last_line, e.end) <= (
        o.last_line,
        o.end,
    )


def _without_collisions(base: str, mine: str, theirs: str) -> str:
    """The second program with its own new names made others than the first one's new names."""
    known = _names(base)
    new_here, new_there = _bound(mine) - known, _bound(theirs) - known
    taken = known | _names(mine) | _names(theirs)
    renamed: dict[str, str] = {}
    for name in sorted(new_here & new_there):
        if _assignments(mine, name) == _assignments(theirs, name):
            continue  # the same edit on both sides
        n = 2
        while f"{name}_{n}" in taken:
            n += 1
        renamed[name] = f"{name}_{n}"
        taken.add(renamed[name])
    if not renamed:
        return theirs
    edits = []
    for token in tokenize.generate_tokens(io.StringIO(theirs).readline):
        if token.type == tokenize.NAME and token.string in renamed:
            line = token.line
            if _is_attribute_or_keyword(line, token.start[1], token.end[1]):
                continue
            start = len(line[: token.start[1]].encode())
            end = len(line[: token.end[1]].encode())
            edits.append(Edit(token.start[0], start, token.end[0], end, renamed[token.string]))
    return apply_edits(theirs, edits)


def _is_attribute_or_keyword(line: str, start: int, end: int) -> bool:
    before, after = line[:start].rstrip(), line[end:].lstrip()
    keyword = after.startswith("=") and not after.startswith("==") and before.endswith(("(", ","))
    return before.endswith(".") or keyword


def _names(program: str) -> set[str]:
    return {n.id for n in ast.walk(ast.parse(program)) if isinstance(n, ast.Name)}


def _bound(program: str) -> set[str]:
    return {
        n.id
        for n in ast.walk(ast.parse(program))
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _assignments(program: str, name: str) -> list[str]:
    """Every statement that names it, in order: what the name means there."""
    return [
        u.key
        for u in units_of(program)
        if any(isinstance(n, ast.Name) and n.id == name for n in _parsed(u.text))
    ]


def _parsed(text: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(text.strip())))
    except SyntaxError:
        header = text.strip() + "\n    pass\n"
        try:
            return list(ast.walk(ast.parse(header)))
        except SyntaxError:
            return []


def _said(hunk: _Hunk) -> str:
    text = " / ".join(u.text.strip() for u in hunk.units) or "removed"
    return repr(text[:70])
