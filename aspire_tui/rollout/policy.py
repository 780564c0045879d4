"""Reads a program before it runs, to save a trial on what is plainly wrong.

This is a courtesy, not a boundary: it gives an author the line, the reason and the nearest known
name without moving anything. What holds a program in is its process (``rollout/sandbox``), which
assumes that everything here was evaded.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import warnings
from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

Severity = Literal["error", "warn"]

PACKAGES = frozenset({"numpy", "scipy", "cv2"})
LIBRARY = frozenset(
    {
        "__future__", "abc", "array", "bisect", "cmath", "collections", "colorsys",
        "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions",
        "functools", "hashlib", "heapq", "inspect", "itertools", "json", "logging", "math",
        "numbers", "operator", "pprint", "queue", "random", "re", "statistics", "string",
        "struct", "sys", "textwrap", "time", "traceback", "types", "typing", "uuid",
        "warnings",
    }
)  # fmt: skip
"""Modules of the standard library that need no file, no network and no other process."""

GIVEN = frozenset(
    {
        "np",
        "numpy",
        "scipy",
        "math",
        "PrimitiveError",
        "Result",
        "__name__",
        "ATTEMPT",
        "EARLIER_FAILURES",
    }
)
"""Names every program has beside its primitives."""

_FORBIDDEN_BUILTINS = {
    "exec": "code made at run time cannot be read in the trace",
    "eval": "code made at run time cannot be read in the trace",
    "compile": "code made at run time cannot be read in the trace",
    "__import__": "use an import statement",
    "open": "a program has no files; print what is worth keeping",
    "input": "there is no keyboard; ask_operator(text) asks",
    "breakpoint": "there is no debugger in the sandbox",
}
_ESCAPES = frozenset(
    {
        "__class__", "__bases__", "__base__", "__mro__", "__subclasses__", "__globals__",
        "__code__", "__closure__", "__builtins__", "__import__", "__loader__", "__spec__",
        "__getattribute__", "__reduce__", "__reduce_ex__", "__self__", "f_globals",
        "f_locals", "f_back", "gi_frame", "tb_frame",
    }
)  # fmt: skip
_NO_NETWORK = "there is no network, what the cell knows comes from primitives"
_NO_FILES = "there are no files, print what is worth keeping"
_NO_PROCESSES = "there are no other processes, do it in this program"
_NO_THREADS = "there are no threads, calls are made one after the other"
_INSTEAD = {
    **dict.fromkeys(("socket", "ssl", "urllib", "http", "requests", "asyncio"), _NO_NETWORK),
    **dict.fromkeys(("os", "io", "pathlib", "shutil", "tempfile", "glob", "pickle"), _NO_FILES),
    **dict.fromkeys(("subprocess", "multiprocessing", "signal"), _NO_PROCESSES),
    **dict.fromkeys(("threading", "concurrent", "_thread"), _NO_THREADS),
}
_ABSENT = {
    "env": "primitives are bare names, without an environment object",
    "APIS": "primitives are bare names, without a registry",
}
_VERBS = (
    "get_", "goto_", "move_", "open_", "close_", "plan_", "sample_", "segment_", "select_",
    "solve_", "detect_", "grasp_", "pick_", "place_", "home_", "preview_", "execute_",
    "ask_", "navigate_", "set_", "point_", "look_",
)  # fmt: skip
_LONGEST = 200_000
_NEAR = 0.72


class PolicyFinding(msgspec.Struct, frozen=True):
    """One thing found. ``error`` means the program is refused, ``warn`` that it will run."""

    line: int
    severity: Severity
    code: str
    text: str


def check(
    program: str, names: Collection[str], packages: Collection[str] = PACKAGES
) -> list[PolicyFinding]:
    """Everything worth saying about a program, in the order of its lines.

    Args:
        program: Source text.
        names: The primitives and constants the program is given.
        packages: Packages it may import beside the harmless part of the standard library.
    """
    if len(program) > _LONGEST:
        text = f"{len(program)} characters, at most {_LONGEST}"
        return [PolicyFinding(0, "error", "size", text)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the program's text, to our terminal
            tree = ast.parse(program, "<program>")
    except SyntaxError as error:
        return [PolicyFinding(error.lineno or 0, "error", "syntax", f"SyntaxError: {error.msg}")]
    except (ValueError, RecursionError, MemoryError) as error:
        return [PolicyFinding(0, "error", "syntax", f"SyntaxError: {str(error) or 'too deep'}")]
    findings = [
        *_imports(tree, packages),
        *_escapes(tree),
        *_unknown_names(tree, names),
        *_endless_loops(tree),
        *_rebound(tree, names),
        *_sleeps(tree, names),
    ]
    return sorted(findings, key=lambda f: (f.line, f.severity, f.code))


def _imports(tree: ast.Module, packages: Collection[str]) -> Iterator[PolicyFinding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." if node.level else node.module or ""]
        else:
            continue
        for module in modules:
            top = module.partition(".")[0]
            if top not in packages and top not in LIBRARY:
                near = difflib.get_close_matches(top, {*packages, *LIBRARY}, 1, _NEAR)
                instead = _INSTEAD.get(top, f"the nearest is {near[0]}" if near else "")
                text = (
                    f"import of {module!r}: {f'{instead}; ' if instead else ''}a program may use "
                    f"{', '.join(sorted(packages))}, math and other harmless parts of the standard "
                    "library"
                )
                yield PolicyFinding(node.lineno, "error", "import", text)


def _escapes(tree: ast.Module) -> Iterator[PolicyFinding]:
    bound = {name for name, _ in _bindings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _ESCAPES:
            text = f"{node.attr} reaches into the interpreter; a program has no use for it"
            yield PolicyFinding(node.lineno, "error", "dunder", text)
        elif isinstance(node, ast.Name) and node.id in ("__builtins__", "__loader__", "__spec__"):
            text = f"{node.id} reaches into the interpreter; a program has no use for it"
            yield PolicyFinding(node.lineno, "error", "dunder", text)
        elif (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and node.id in _FORBIDDEN_BUILTINS
            and node.id not in bound
        ):
            text = f"{node.id} is not for programs: {_FORBIDDEN_BUILTINS[node.id]}"
            yield PolicyFinding(node.lineno, "error", "builtin", text)


def _unknown_names(tree: ast.Module, names: Collection[str]) -> Iterator[PolicyFinding]:
    if any(
        isinstance(n, ast.ImportFrom) and any(a.name == "*" for a in n.names)
        for n in ast.walk(tree)
    ):
        return
    known = {*names, *GIVEN, *dir(builtins), *(name for name, _ in _bindings(tree))}
    guarded = _guarded_lines(tree)
    called = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    said: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        name = node.id
        if name in known or name in said:
            continue
        said.add(name)
        near = difflib.get_close_matches(name, names, 1, _NEAR)
        hint = f"; the nearest name is {near[0]}" if near else ""
        why = f": {_ABSENT[name]}" if name in _ABSENT else hint
        primitive_like = bool(near) or name.startswith(_VERBS) or name in _ABSENT
        certain = (id(node) in called and primitive_like) or name in _ABSENT
        severity: Severity = "error" if certain and node.lineno not in guarded else "warn"
        text = f"{name} is not a name this program has{why}"
        yield PolicyFinding(node.lineno, severity, "name", text)


def _guarded_lines(tree: ast.Module) -> set[int]:
    """Lines inside a try statement: a NameError there may be meant."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node.handlers:
            lines.update(range(node.lineno, node.handlers[0].lineno))
    return lines


def _endless_loops(tree: ast.Module) -> Iterator[PolicyFinding]:
    for node in ast.walk(tree):
        match node:
            case ast.While(test=ast.Constant(value=value)) if value:
                pass
            case ast.For(iter=source) if _is_endless(source):
                pass
            case _:
                continue
        inside = [child for statement in node.body for child in ast.walk(statement)]
        ways_out = (ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Assert)
        if any(isinstance(child, ways_out) for child in inside) or _breaks(node.body):
            continue
        if any(isinstance(child, ast.Call) for child in inside):
            text = "this loop has no way out: the program's limits will end it"
            yield PolicyFinding(node.lineno, "warn", "endless", text)
        else:
            text = "this loop never ends and calls nothing"
            yield PolicyFinding(node.lineno, "error", "endless", text)


_COUNTERS = frozenset({"count", "cycle", "repeat"})


def _is_endless(source: ast.expr) -> bool:
    """Whether a loop over this never ends by itself: what itertools counts for ever."""
    match source:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=more):
            if name == "enumerate" and args:
                return _is_endless(args[0])
            bounded = name == "repeat" and (len(args) > 1 or bool(more))
            return name in _COUNTERS and _of_itertools(source.func) and not bounded
    return False


def _of_itertools(func: ast.expr) -> bool:
    """Not a method of something else, such as ``names.count(x)``."""
    match func:
        case ast.Attribute(value=ast.Name(id=module)):
            return module in ("itertools", "it")
        case ast.Name():
            return True
    return False


def _breaks(body: list[ast.stmt]) -> bool:
    """Whether a break in here leaves this loop, and not one inside of it."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Break):
            return True
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            waiting += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)
    return False


def _rebound(tree: ast.Module, names: Collection[str]) -> Iterator[PolicyFinding]:
    for name, line in (*_bindings(tree), *_through_globals(tree)):
        if name in names:
            text = f"{name} is given a new meaning: the primitive of that name is out of reach"
            yield PolicyFinding(line, "warn", "rebound", text)


_NAMESPACES = frozenset({"globals", "locals", "vars"})
_CHANGING = frozenset({"update", "setdefault", "pop", "__setitem__", "__delitem__"})


def _through_globals(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names given a new meaning through ``globals()`` and its like, with the line."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(
                value=ast.Call(func=ast.Name(id=space)),
                slice=ast.Constant(value=str(name)),
                ctx=ast.Store() | ast.Del(),
            ) if space in _NAMESPACES:
                yield name, node.lineno
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id=space)), attr=how),
                args=args,
                keywords=keywords,
            ) if space in _NAMESPACES and how in _CHANGING:
                for word in keywords:
                    yield word.arg or "", node.lineno
                for part in (p for given in args for p in ast.walk(given)):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value, node.lineno


def _sleeps(tree: ast.Module, names: Collection[str]) -> Iterator[PolicyFinding]:
    if "wait" not in names:
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "sleep"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "time"
        ):
            text = "time.sleep lets no time pass in the cell; use wait(seconds)"
            yield PolicyFinding(node.lineno, "warn", "sleep", text)


def _bindings(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every name the program gives a meaning to, anywhere, with the line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)):
                yield name, node.lineno
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case ast.MatchMapping(rest=str(name)):
                yield name, node.lineno
            case ast.alias(name=name, asname=asname) if name != "*":
                yield asname or name.partition(".")[0], node.lineno
