"""Finds the implicated call in a program and says what may be done around it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from aspire_tui.library.program_text import Edit, apply_edits, indented

_CONDITIONAL = (
    ast.BoolOp,
    ast.IfExp,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.JoinedStr,
)
"""Expressions whose parts run later, several times, or not at all: a call cannot leave them."""

_IMMOVABLE = (
    ast.While,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
)
"""Statements whose own expressions run again, or at another time."""


class SpliceError(ValueError):
    """This call cannot be repaired by this sketch; the program is left as it is."""


@dataclass(frozen=True)
class CallSite:
    """One call in a program, and the statement it stands in, alone on its lines."""

    program: str
    tree: ast.Module
    call: ast.Call
    statement: ast.stmt

    @property
    def margin(self) -> str:
        line = self.program.split("\n")[self.statement.lineno - 1]
        return line[: len(line) - len(line.lstrip())]

    def is_bare(self) -> bool:
        """The statement is the call and nothing else."""
        return isinstance(self.statement, ast.Expr) and self.statement.value is self.call

    def assigned_name(self) -> str | None:
        """The name the statement gives to what the call returned, if it does just that."""
        s = self.statement
        if isinstance(s, ast.Assign) and s.value is self.call and len(s.targets) == 1:
            target = s.targets[0]
            return target.id if isinstance(target, ast.Name) else None
        return None

    def arguments(self, parameters: Sequence[str]) -> dict[str, ast.expr]:
        """What the call gives, by parameter name, in the order it is evaluated."""
        hidden = any(isinstance(a, ast.Starred) for a in self.call.args)
        if hidden or len(self.call.args) > len(parameters):
            raise SpliceError(f"line {self.call.lineno}: which argument is which cannot be told")
        given = dict(zip(parameters, self.call.args, strict=False))
        for k in self.call.keywords:
            if k.arg is None:
                raise SpliceError(
                    f"line {self.call.lineno}: the call hides its arguments behind **"
                )
            given[k.arg] = k.value
        return given

    def refuse_to_hoist(self) -> None:
        """Refuse when evaluating the call first would change what runs before what."""
        inside = set(ast.walk(self.call))
        for node in _own_expressions(self.statement):
            if isinstance(node, _CONDITIONAL) and self.call in set(ast.walk(node)):
                raise SpliceError(
                    f"line {self.call.lineno}: the call is part of a condition or comprehension; "
                    "put it in a statement of its own"
                )
            earlier = isinstance(node, ast.Call) and _starts(node) < _starts(self.call)
            if earlier and node not in inside and self.call not in set(ast.walk(node)):
                raise SpliceError(
                    f"line {self.call.lineno}: another call of the statement runs before this one; "
                    "put it in a statement of its own"
                )

    def refuse_to_wrap(self) -> None:
        """Refuse a statement that would mean something else inside another loop or margin."""
        for node in _outside_loops(self.statement):
            if isinstance(node, ast.Break | ast.Continue):
                raise SpliceError(
                    f"line {node.lineno}: the statement leaves a loop; cannot wrap it"
                )
        for part in ast.walk(self.statement):
            if isinstance(part, ast.JoinedStr | ast.Constant) and part.lineno != part.end_lineno:
                raise SpliceError("the statement holds a text over several lines; cannot wrap it")

    def statement_text(self, edits: Sequence[Edit]) -> str:
        """The statement, edited, from its first character to the end of its last line."""
        last = self.program.split("\n")[(self.statement.end_lineno or 1) - 1]
        tail = last.encode()[self.statement.end_col_offset or 0 :].decode()
        return apply_edits(self.program, edits, within=self.statement) + tail

    def comment(self) -> str:
        """The comment behind the statement, empty without."""
        last = self.program.split("\n")[(self.statement.end_lineno or 1) - 1]
        return last.encode()[self.statement.end_col_offset or 0 :].decode().strip(" ;\t")

    def replaced(self, before: Sequence[str], statement: str | None, after: Sequence[str]) -> str:
        """The program with lines around the statement, or in its place when that is None.

        Args:
            before, after: Lines without margin.
            statement: As from :meth:`statement_text`; its later lines carry their margin already.
        """
        source = self.program.split("\n")
        kept = [] if statement is None else [self.margin + statement]
        return "\n".join(
            [
                *source[: self.statement.lineno - 1],
                *indented(before, self.margin),
                *kept,
                *indented(after, self.margin),
                *source[self.statement.end_lineno :],
            ]
        )


def find_call(program: str, line: int, names: Collection[str]) -> CallSite:
    """The first call of one of these names that covers the line.

    Raises:
        SpliceError: The program does not parse, has no such call there, or the call stands where
            nothing can be put around it.
    """
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SpliceError(f"the program does not parse: {error}") from None
    for statement in (n for n in ast.walk(tree) if isinstance(n, ast.stmt)):
        for node in _own_expressions(statement):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in names
                and node.lineno <= line <= (node.end_lineno or node.lineno)
            ):
                _refuse_place(program, statement)
                return CallSite(program, tree, node, statement)
    raise SpliceError(f"line {line} has no call of {' or '.join(sorted(names))}")


def names_in(tree: ast.Module) -> set[str]:
    """Every name the program binds or reads."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            names.update(node.names)
    return names


def _refuse_place(program: str, statement: ast.stmt) -> None:
    at = statement.lineno
    if isinstance(statement, _IMMOVABLE):
        raise SpliceError(
            f"line {at}: the call is part of a {type(statement).__name__.lower()} header; "
            "put it in a statement of its own"
        )
    lines = program.split("\n")
    head = lines[at - 1].encode()[: statement.col_offset].decode()
    tail = lines[(statement.end_lineno or at) - 1].encode()[statement.end_col_offset or 0 :]
    rest = tail.decode().strip(" ;\t")
    if head.strip() or (rest and not rest.startswith("#")):
        raise SpliceError(f"line {at} holds several statements; give each a line of its own")
    if lines[at - 1].lstrip().startswith("elif"):
        raise SpliceError(f"line {at}: the call is part of an elif; use else and if")


def _own_expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """All expressions of a statement, without those of statements inside it; outer ones first."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(statement))
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            continue
        if isinstance(node, ast.expr):
            yield node
        waiting.extend(ast.iter_child_nodes(node))


def _outside_loops(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statement and what is in it, without the bodies of loops and functions."""
    yield statement
    if isinstance(
        statement, ast.For | ast.While | ast.AsyncFor | ast.FunctionDef | ast.AsyncFunctionDef
    ):
        return
    for child in _blocks(statement):
        yield from _outside_loops(child)


def _blocks(statement: ast.stmt) -> list[ast.stmt]:
    """Statements directly inside a statement."""
    found: list[ast.stmt] = []
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            found.append(child)
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            found.extend(child.body)
    return found


def _starts(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset
