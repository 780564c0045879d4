"""Puts a skill's sketch into a program at the implicated call. Pure text and syntax, nothing runs.

The rest of the program keeps its text and comments. What was spliced stands between two comments
that name the skill and the values used, so that people, diffs and later repairs can see it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, field

from aspire_tui.library.call_site import CallSite, SpliceError, find_call, names_in
from aspire_tui.library.program_text import Edit, apply_edits, indented, segment
from aspire_tui.library.sketch import ANSWER, RESERVED, Sketch, read_sketch
from aspire_tui.library.skill import Skill

__all__ = ["Call", "Spliced", "SpliceError", "splice", "spliced_regions"]

_BEGIN = re.compile(r"\s*# skill ([a-z0-9-]+) \((.*)\): begin\s*\Z")
_END = re.compile(r"\s*# skill ([a-z0-9-]+): end\s*\Z")


@dataclass(frozen=True)
class Call:
    """The implicated call, as the trace and the primitive's declaration know it.

    Attributes:
        line: Line of the program, from 1.
        names: What the program may have called it: the primitive's name and its aliases.
        parameters: Its parameters in order, with the default as source text, None when required.
        context: Other names a sketch may ask for, as source text, e.g. ``object_name`` from the
            newest earlier call that had such an argument.
    """

    line: int
    names: tuple[str, ...]
    parameters: Mapping[str, str | None]
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Spliced:
    """One spliced region of a program: lines from 1, both comments included."""

    skill: str
    values: str
    first_line: int
    last_line: int


def splice(program: str, call: Call, skill: Skill, values: Mapping[str, float]) -> str:
    """The program with the skill's sketch in it.

    Args:
        values: Parameter values; those left out take their default.

    Raises:
        SpliceError: One line: why this call cannot be repaired this way.
    """
    program = program.replace("\r\n", "\n").replace("\r", "\n")
    chosen = _chosen(skill, values)
    for region in spliced_regions(program):
        if region.skill == skill.name and region.first_line <= call.line <= region.last_line:
            raise SpliceError(f"line {call.line} already carries the skill {skill.name}")
    repair = skill.definition.repair
    sketch = read_sketch(skill.sketch, repair.splice, repair.parameters)
    site = find_call(program, call.line, call.names)
    spliced = _Splicing(site, call, skill, sketch, chosen).text()
    try:
        compile(spliced, "<spliced>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise SpliceError(f"skill {skill.name} does not fit line {call.line}: {error}") from None
    return spliced


def spliced_regions(program: str) -> tuple[Spliced, ...]:
    """What was spliced into this program, outer regions before inner ones."""
    found: list[Spliced] = []
    open_regions: list[tuple[str, str, int]] = []
    for number, comment in _comments(program):
        begin, end = _BEGIN.match(comment), _END.match(comment)
        if begin:
            open_regions.append((begin[1], begin[2], number))
        elif end and open_regions and open_regions[-1][0] == end[1]:
            name, values, first = open_regions.pop()
            found.append(Spliced(name, values, first, number))
    return tuple(sorted(found, key=lambda r: r.first_line))


def _comments(program: str) -> list[tuple[int, str]]:
    """Comments with their lines: a text that looks like one is no comment."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(program).readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    return [(t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT]


def _chosen(skill: Skill, values: Mapping[str, float]) -> dict[str, str]:
    """Every parameter as source text."""
    parameters = skill.definition.repair.parameters
    for name, value in values.items():
        if name not in parameters:
            raise SpliceError(f"skill {skill.name} has no parameter {name!r}")
        p = parameters[name]
        if not p.lo <= value <= p.hi:
            raise SpliceError(f"{name} = {value:g} is outside {p.lo:g} to {p.hi:g} {p.unit}")
    return {name: p.literal(values.get(name, p.default)) for name, p in parameters.items()}


class _Splicing:
    """One splice at work: names are made free, then the text is put together."""

    def __init__(
        self,
        site: CallSite,
        call: Call,
        skill: Skill,
        sketch: Sketch,
        values: Mapping[str, str],
    ) -> None:
        self.site = site
        self.call = call
        self.skill = skill
        self.sketch = sketch
        self.values = values
        self.where = skill.definition.repair.splice
        self.taken = names_in(site.tree) | set(sketch.uses) | set(call.names)
        self.own = {name: self._free(name) for name in dict.fromkeys(p.name for p in sketch.names)}
        self.named_arguments: dict[str, str] = {}
        self.hoisted: list[str] = []
        self.call_edits: list[Edit] = []
        self._name_arguments()

    def text(self) -> str:
        """The program with the sketch in it."""
        fill = {name: self._replacement(name) for name in self.sketch.wanted()}
        before: list[str] = []
        after: list[str] = []
        statement: str | None = self.site.statement_text(self.call_edits)
        if self.where == "before":
            before = self._filled(fill)
        elif self.where == "replace":
            before = self._filled({**fill, "call": self._call_text()})
            statement = self._statement_with(self.own[ANSWER])
        elif self.where == "wrap":
            self.site.refuse_to_wrap()
            before, statement = self._wrapped(fill, statement or ""), None
        else:
            self._refuse_after()
            name = self.site.assigned_name()
            if "result" in fill and name is None:
                name = self._free("result")
                before = [f"{name} = {self._call_text()}"]
                statement = self._statement_with(name)
            after = self._filled({**fill, "result": name or ""})
        if statement is None and self.where == "replace" and self.site.comment():
            before = [self.site.comment(), *before]
        shown = ", ".join(f"{k}={v}" for k, v in self.values.items())
        begin = f"# skill {self.skill.name} ({shown}): begin"
        end = f"# skill {self.skill.name}: end"
        return self.site.replaced([begin, *self.hoisted, *before], statement, [*after, end])

    def _name_arguments(self) -> None:
        """Give arguments that call something a name, so that the sketch may use them repeatedly.

        All of them, as soon as the sketch wants one: otherwise their order would change.
        """
        wanted = self.sketch.wanted() - set(self.values)
        if not wanted & set(self.call.parameters):
            return
        given = self.site.arguments(tuple(self.call.parameters))
        if not any(_calls(given[name]) for name in wanted & set(given)):
            return
        self.site.refuse_to_hoist()
        for name, node in sorted(given.items(), key=lambda g: (g[1].lineno, g[1].col_offset)):
            if _calls(node):
                free = self._free(name)
                self.named_arguments[name] = free
                self.hoisted.append(f"{free} = {_one_line(self.site.program, node)}")
                self.call_edits.append(Edit.of(node, free))

    def _replacement(self, name: str) -> str:
        if name in RESERVED[self.where]:
            return ""
        if name in self.values:
            return self.values[name]
        if name in self.named_arguments:
            return self.named_arguments[name]
        if name in self.call.parameters:
            node = self.site.arguments(tuple(self.call.parameters)).get(name)
            if node is not None:
                text = _one_line(self.site.program, node)
                simple = isinstance(node, ast.Name | ast.Constant | ast.Subscript | ast.Attribute)
                return text if simple else f"({text})"
            default = self.call.parameters[name]
            if default is not None:
                return default
        if name in self.call.context:
            return self.call.context[name]
        raise SpliceError(
            f"skill {self.skill.name} needs {name!r}, which neither the call in line "
            f"{self.call.line} nor what ran before it gives"
        )

    def _statement_with(self, name: str) -> str | None:
        """The statement with a name in the call's place; None when nothing is left of it."""
        self.site.refuse_to_hoist()
        if self.site.is_bare():
            return None
        return self.site.statement_text([Edit.of(self.site.call, name)])

    def _wrapped(self, fill: Mapping[str, str], statement: str) -> list[str]:
        first, *rest = statement.split("\n")
        lines = [first, *(line.removeprefix(self.site.margin) for line in rest)]
        out: list[str] = []
        for line in self._filled({**fill, "statement": "{statement}"}):
            if line.strip() == "{statement}":
                out += indented(lines, line[: len(line) - len(line.lstrip())])
            else:
                out.append(line)
        return out

    def _refuse_after(self) -> None:
        if isinstance(self.site.statement, ast.Return | ast.Raise):
            raise SpliceError(f"line {self.call.line}: nothing runs after this statement")

    def _call_text(self) -> str:
        text = apply_edits(self.site.program, self.call_edits, within=self.site.call)
        return ast.unparse(ast.parse(text, mode="eval")) if "\n" in text else text

    def _filled(self, fill: Mapping[str, str]) -> list[str]:
        """The sketch's lines with every placeholder filled and its own names made free."""
        edits = [Edit.placed(p, fill[p.name]) for p in self.sketch.placeholders]
        edits += [Edit.placed(p, self.own[p.name]) for p in self.sketch.names]
        return apply_edits(self.sketch.text, edits).strip("\n").split("\n")

    def _free(self, name: str) -> str:
        """A name like this that the program does not use yet."""
        free, n = name, 1
        while free in self.taken:
            n += 1
            free = f"{name}_{n}"
        self.taken.add(free)
        return free


def _calls(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Call | ast.NamedExpr) for n in ast.walk(node))


def _one_line(program: str, node: ast.expr) -> str:
    text = segment(program, node)
    return ast.unparse(node) if "\n" in text else text
