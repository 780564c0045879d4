"""A code sketch drafted from a repair: what one program has at a failing call and another has not.

Whoever wrote the repair, the difference of the two texts says what it was. Texts of the failing
call's arguments become placeholders; what is left that only this one program has is named, because
a person has to replace it. Pure; the result is checked like any sketch before anything uses it.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import re
from collections.abc import Mapping
from typing import NamedTuple

from aspire_tui.errors import ConfigError
from aspire_tui.library.call_site import CallSite, SpliceError, find_call
from aspire_tui.library.program_text import Edit, apply_edits, segment
from aspire_tui.library.sketch import ANSWER, MODULES, read_sketch
from aspire_tui.library.skill import Skill, Splice
from aspire_tui.library.splice import Call, splice

_GIVEN = frozenset(dir(builtins)) | MODULES | {"PrimitiveError"}


class DraftedSketch(NamedTuple):
    """Where the sketch goes, its text, and what in it a person has to mend."""

    splice: Splice
    text: str
    leftovers: tuple[str, ...]


class _Hunk(NamedTuple):
    """Lines [lo, hi) of the first program are ``lines`` in the second. From 0."""

    lo: int
    hi: int
    lines: tuple[str, ...]


def draft_sketch(before: str, after: str, call: Call) -> DraftedSketch:
    """The repair that makes ``after`` of ``before`` at this call.

    Raises:
        ConfigError: One line: the programs do not differ there, or it cannot be a sketch.
    """
    before, after = _plain(before), _plain(after)
    try:
        site = find_call(before, call.line, call.names)
    except SpliceError as error:
        raise ConfigError(f"no sketch can be drafted: {error}") from None
    first, last = site.statement.lineno - 1, site.statement.end_lineno or site.statement.lineno
    near, far = _hunks_at(before, after, first, last)
    leftovers = [f"the judged program also differs at line {h.lo + 1}: {_brief(h)}" for h in far]
    if not near:
        raise ConfigError(
            f"the programs do not differ at the failing call in line {call.line}"
            + (f", but at line {far[0].lo + 1}" if far else "")
        )
    block = _block(before, near, first, last)
    where, text = _shaped(block, site, before, near, first, last)
    text = _with_placeholders(text, site, call)
    leftovers += own_names(text, call.names)
    read_sketch(text, where, ())
    return DraftedSketch(where, text, tuple(leftovers))


def own_names(text: str, primitives: tuple[str, ...] = ()) -> list[str]:
    """Names a sketch reads that neither it nor Python gives, one line each: one program's own."""
    tree = ast.parse(text)
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    braces = {id(n.elts[0]) for n in ast.walk(tree) if isinstance(n, ast.Set) and len(n.elts) == 1}
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assigned = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    known = assigned | _GIVEN | set(primitives)
    found = {
        n.id: n.lineno
        for n in reversed(names)
        if id(n) not in braces and id(n) not in called and n.id not in known
    }
    return [
        f"sketch line {line}: reads {name}, which only one program has; ask for an argument in "
        "braces or compute it"
        for name, line in sorted(found.items(), key=lambda f: f[1])
    ]


def makes(skill: Skill, values: Mapping[str, float], before: str, after: str, call: Call) -> bool:
    """Whether this skill at this call makes ``after`` of ``before``, comments apart."""
    try:
        spliced = splice(_plain(before), call, skill, values)
    except SpliceError:
        return False
    site = find_call(_plain(before), call.line, call.names)
    return _meaning(spliced, site.assigned_name()) == _meaning(_plain(after), None)


def _meaning(program: str, takes_the_answer: str | None) -> str:
    """The program's syntax without comments, and without the name a splice needs in between."""
    tree = ast.parse(program)
    return ast.dump(_WithoutAnswer(takes_the_answer).visit(tree))


class _WithoutAnswer(ast.NodeTransformer):
    """``answer = E`` is ``E`` where nothing takes it, and ``name = E`` where one name does."""

    def __init__(self, name: str | None) -> None:
        self._name = name

    def visit_Name(self, node: ast.Name) -> ast.AST:
        renamed = node.id == ANSWER and self._name is not None
        return ast.Name(self._name, node.ctx) if renamed and self._name else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        self.generic_visit(node)
        target = node.targets[0] if len(node.targets) == 1 else None
        if not isinstance(target, ast.Name):
            return node
        if isinstance(node.value, ast.Name) and node.value.id == target.id:
            return None
        if target.id == ANSWER and self._name is None:
            return None if isinstance(node.value, ast.Constant) else ast.Expr(node.value)
        return node


def _plain(program: str) -> str:
    return program.replace("\r\n", "\n").replace("\r", "\n")


def _hunks_at(before: str, after: str, first: int, last: int) -> tuple[list[_Hunk], list[_Hunk]]:
    """Differences at the statement in lines [first, last), and those elsewhere."""
    old, new = before.split("\n"), after.split("\n")
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    near: list[_Hunk] = []
    far: list[_Hunk] = []
    for tag, lo, hi, start, end in matcher.get_opcodes():
        hunk = _Hunk(lo, hi, tuple(new[start:end]))
        if tag == "equal" or not any(_code(t) for t in (*old[lo:hi], *hunk.lines)):
            continue
        above = lo <= hi <= first and not any(_code(t) for t in old[hi:first])
        below = lo >= last and not any(_code(t) for t in old[last:lo])
        touches = lo < last and hi > first
        (near if above or below or touches else far).append(hunk)
    return near, far


def _block(before: str, near: list[_Hunk], first: int, last: int) -> list[str]:
    """The lines that stand where the statement stood, what is new around it included."""
    old = before.split("\n")
    lo, hi = min(first, near[0].lo), max(last, near[-1].hi)
    out: list[str] = []
    at = lo
    for hunk in near:
        out += [*old[at : hunk.lo], *hunk.lines]
        at = hunk.hi
    return [*out, *old[at:hi]]


def _shaped(
    block: list[str], site: CallSite, before: str, near: list[_Hunk], first: int, last: int
) -> tuple[Splice, str]:
    statement = before.split("\n")[first:last]
    text = _dedented(block, site.margin)
    name = site.assigned_name()
    taken = name is not None and any(_uses(line, name) for h in near for line in h.lines)
    if all(h.hi <= first for h in near):
        return "before", _dedented(block[: len(block) - len(statement)], site.margin)
    if all(h.lo >= last for h in near) and not (taken and name in _stored(text, but=site)):
        lines = _dedented(block[len(statement) :], site.margin)
        return "after", _renamed(lines, name, "{result}") if name else lines
    stripped = [line.strip() for line in block]
    if not taken and len(statement) == 1 and stripped.count(statement[0].strip()) == 1:
        at = stripped.index(statement[0].strip())
        margin = block[at][: len(block[at]) - len(block[at].lstrip())]
        block = [*block[:at], margin + "{statement}", *block[at + 1 :]]
        return "wrap", _dedented(block, site.margin)
    return "replace", _answering(text, site)


def _uses(line: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", line) is not None


def _stored(text: str, but: CallSite) -> set[str]:
    """Names the text assigns, apart from the statement itself."""
    own = ast.dump(but.statement)
    statements = [s for s in ast.walk(_parsed(text)) if isinstance(s, ast.stmt)]
    return {
        n.id
        for s in statements
        if ast.dump(s) != own
        for n in ast.walk(s)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        if not isinstance(s, ast.Module)
    }


def _renamed(text: str, name: str, to: str) -> str:
    uses = [n for n in ast.walk(_parsed(text)) if isinstance(n, ast.Name) and n.id == name]
    return apply_edits(text, [Edit.of(n, to) for n in uses])


def _answering(text: str, site: CallSite) -> str:
    """The text of a sketch that replaces: the call's value is what it assigns to ``answer``."""
    same = ast.dump(site.call)
    calls = [n for n in ast.walk(_parsed(text)) if isinstance(n, ast.Call) and ast.dump(n) == same]
    text = apply_edits(text, [Edit.of(n, "{call}") for n in calls])
    name = site.assigned_name()
    if name is not None:
        return _renamed(text, name, ANSWER)
    alone = [
        n
        for n in ast.walk(_parsed(text))
        if isinstance(n, ast.Expr) and (_braced(n.value) == "call" or _calls(n.value, site.call))
    ]
    if not alone:
        return f"{text.rstrip()}\n{ANSWER} = None\n"
    last = max(alone, key=lambda n: n.lineno)
    return apply_edits(text, [Edit.of(last.value, f"{ANSWER} = {segment(text, last)}")])


def _braced(node: ast.expr) -> str:
    """The name of a placeholder; empty for anything else."""
    inside = node.elts[0] if isinstance(node, ast.Set) and len(node.elts) == 1 else None
    return inside.id if isinstance(inside, ast.Name) else ""


def _calls(node: ast.expr, like: ast.Call) -> bool:
    return isinstance(node, ast.Call) and ast.dump(node.func) == ast.dump(like.func)


def _with_placeholders(text: str, site: CallSite, call: Call) -> str:
    """The sketch with the failing call's arguments, and texts said before it, in braces."""
    try:
        given = site.arguments(tuple(call.parameters))
    except SpliceError:
        given = {}
    wanted: dict[str, str] = {}
    for name, value in call.context.items():
        wanted[ast.dump(ast.parse(value, mode="eval").body)] = name
    for name, node in given.items():
        simple = isinstance(node, ast.Name | ast.Subscript | ast.Attribute)
        if simple or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            wanted[ast.dump(node)] = name
    tree = _parsed(text)
    stored = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    edits: list[Edit] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        part = waiting.pop()
        said = wanted.get(ast.dump(part)) if isinstance(part, ast.expr) else None
        own = isinstance(part, ast.Name) and part.id in stored
        if said is not None and not own and isinstance(part, ast.expr):
            edits.append(Edit.of(part, f"{{{said}}}"))
        else:
            waiting += ast.iter_child_nodes(part)
    return apply_edits(text, edits).rstrip() + "\n"


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise ConfigError(f"no sketch can be drafted of the new lines: {error.msg}") from None


def _dedented(lines: list[str], margin: str) -> str:
    out = [line.removeprefix(margin) for line in lines]
    while out and not out[0].strip():
        out.pop(0)
    while out and not out[-1].strip():
        out.pop()
    return "\n".join(out) + "\n"


def _code(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


def _brief(hunk: _Hunk) -> str:
    said = [line.strip() for line in hunk.lines if _code(line)]
    return (said[0][:60] + (" …" if len(said) > 1 else "")) if said else "lines are gone"
