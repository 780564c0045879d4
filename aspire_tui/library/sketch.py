"""The code sketch of a skill: plain Python with ``{placeholders}``, parsed and never run.

A placeholder is a name in braces, which Python reads as a set of one name, so a sketch can be
checked, formatted and highlighted like any program. Reserved: ``{call}`` is the implicated call as
it stands, ``{statement}`` its whole statement, ``{result}`` what it returned. Any other name is a
parameter of the repair, an argument of the implicated call, or a name of its context.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from aspire_tui.errors import ConfigError
from aspire_tui.library.skill import Splice

ANSWER = "answer"
"""What a sketch that replaces the call assigns: the value that takes the call's place."""

RESERVED: dict[Splice, frozenset[str]] = {
    "before": frozenset(),
    "replace": frozenset({"call"}),
    "after": frozenset({"result"}),
    "wrap": frozenset({"statement"}),
}
MODULES = frozenset({"np", "numpy", "math", "scipy"})
LONGEST_SKETCH = 16_384
PYTHON_NAMES = frozenset(dir(builtins))

# f-strings among them: Python 3.11 does not say where in the text their parts stand.
_FORBIDDEN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.Return,
    ast.Yield,
    ast.YieldFrom,
    ast.Await,
    ast.Global,
    ast.Nonlocal,
    ast.Import,
    ast.ImportFrom,
    ast.JoinedStr,
    ast.Delete,
)
_FORBIDDEN_NAMES = frozenset(
    {
        "RESULT",  # the program's own claim of success
        "breakpoint",
        "compile",
        "delattr",
        "eval",
        "exec",
        "getattr",
        "globals",
        "input",
        "locals",
        "open",
        "setattr",
        "vars",
    }
)


@dataclass(frozen=True)
class Placed:
    """A name at a place: line from 1, columns in bytes of UTF-8, as :mod:`ast` counts."""

    name: str
    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Sketch:
    """A sketch taken apart.

    Attributes:
        placeholders: Every ``{name}``, in order.
        names: Every use of a name it assigns itself, in order; these may be renamed.
        uses: Names it calls and neither assigns nor gets from Python: primitives.
    """

    text: str
    placeholders: tuple[Placed, ...]
    names: tuple[Placed, ...]
    uses: tuple[str, ...]

    def wanted(self) -> frozenset[str]:
        """Names in braces."""
        return frozenset(p.name for p in self.placeholders)


def read_sketch(text: str, splice: Splice, parameters: Collection[str]) -> Sketch:
    """Parse a sketch and check that it can be spliced.

    Raises:
        ConfigError: One line: where in the sketch, what, and what would be right.
    """
    if len(text) > LONGEST_SKETCH:
        raise ConfigError(f"sketch has {len(text)} characters, at most {LONGEST_SKETCH}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the sketch's text, to our terminal
            compile(text, "<sketch>", "exec", dont_inherit=True)  # finds a break outside a loop
            tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else 0
        raise ConfigError(f"sketch line {line}: not Python: {error.args[0]}") from None
    except (RecursionError, MemoryError):  # which one depends on the depth
        raise ConfigError("sketch is nested too deeply") from None
    for node in ast.walk(tree):
        _refuse(node)
    placeholders = _placeholders(tree)
    _check_reserved(text, tree, placeholders, splice, parameters)
    in_braces = {(p.line, p.start + 1) for p in placeholders}
    named = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    plain = [n for n in named if (n.lineno, n.col_offset) not in in_braces]
    assigned = {n.id for n in plain if isinstance(n.ctx, ast.Store)}
    if splice == "replace" and ANSWER not in assigned:
        raise ConfigError(f"a sketch that replaces the call must assign {ANSWER!r}")
    return Sketch(
        text,
        placeholders,
        _in_order(_place(n, n.id) for n in plain if n.id in assigned),
        _uses(tree, assigned),
    )


def _refuse(node: ast.AST) -> None:
    line = getattr(node, "lineno", 0)
    if isinstance(node, _FORBIDDEN):
        raise ConfigError(f"sketch line {line}: {type(node).__name__} is not allowed in a sketch")
    if isinstance(node, ast.Name) and (node.id in _FORBIDDEN_NAMES or node.id.startswith("__")):
        raise ConfigError(f"sketch line {line}: {node.id} is not allowed in a sketch")
    if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
        raise ConfigError(f"sketch line {line}: .{node.attr} is not allowed in a sketch")
    if isinstance(node, ast.Constant) and node.end_lineno != node.lineno:
        raise ConfigError(f"sketch line {line}: texts over several lines are not allowed")
    if isinstance(node, ast.ExceptHandler) and node.name:
        raise ConfigError(f"sketch line {line}: 'except … as {node.name}' is not allowed")


def _placeholders(tree: ast.Module) -> tuple[Placed, ...]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Set) and len(node.elts) == 1 and isinstance(node.elts[0], ast.Name):
            name = node.elts[0]
            if name.col_offset != node.col_offset + 1 or node.end_lineno != node.lineno:
                raise ConfigError(f"sketch line {node.lineno}: write {{{name.id}}} without spaces")
            found.append(_place(node, name.id))
    return _in_order(found)


def _check_reserved(
    text: str,
    tree: ast.Module,
    placeholders: tuple[Placed, ...],
    splice: Splice,
    parameters: Collection[str],
) -> None:
    wanted = [p.name for p in placeholders]
    for word in ("call", "statement", "result"):
        if word in parameters:
            raise ConfigError(f"a parameter may not be called {word!r}")
        if word in wanted and word not in RESERVED[splice]:
            raise ConfigError(f"{{{word}}} has no meaning in a sketch spliced {splice!r}")
    unused = sorted(set(parameters) - set(wanted))
    if unused:
        raise ConfigError(f"parameter {unused[0]!r} is not used by the sketch")
    if splice != "wrap":
        return
    statements = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Expr)]
    lines = [p.line for p in placeholders if p.name == "statement"]
    alone = [i for i, line in enumerate(text.splitlines(), 1) if line.strip() == "{statement}"]
    if len(lines) != 1 or lines != alone or lines[0] not in statements:
        raise ConfigError("a sketch that wraps needs {statement} exactly once, alone on a line")


def _uses(tree: ast.Module, assigned: Collection[str]) -> tuple[str, ...]:
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    return tuple(sorted(called - set(assigned) - PYTHON_NAMES - MODULES))


def _place(node: ast.expr, name: str) -> Placed:
    return Placed(name, node.lineno, node.col_offset, node.end_col_offset or node.col_offset)


def _in_order(places: Iterable[Placed]) -> tuple[Placed, ...]:
    return tuple(sorted(places, key=lambda p: (p.line, p.start)))
