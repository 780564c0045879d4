"""What a program lives in: its globals, its primitives, and how its end is told."""

from __future__ import annotations

import inspect
import linecache
import math
import os
import socket
import sys
import traceback
import types
from typing import Any

import numpy as np

from .combined import COMBINED
from .denials import Place, advice
from .pictures import TornPicture
from .wire import Encoder, Link, Message, Result, decode, pack

PROGRAM = "<program>"
_LONGEST_ERROR = 400
_HERE = os.path.dirname(__file__)  # noqa: PTH120 - compared with co_filename as it stands


class PrimitiveError(RuntimeError):
    """A primitive that raises: ``status`` says how it ended, ``detail`` why, in one line."""

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


PrimitiveError.__module__ = "builtins"
Result.__module__ = "builtins"


class Calls:
    """Makes one call after the other; the parent answers each."""

    def __init__(self, link: Link, frame_max: int, arrays_max: int) -> None:
        self._link = link
        self._frame_max = frame_max
        self._arrays_max = arrays_max
        self._n = 0
        self._known: set[tuple[str, tuple[int, ...]]] = set()

    def make(self, function: str, arguments: dict[str, Any]) -> Any:
        self._n += 1
        line = _line_of(sys._getframe(1))
        sys.stdout.flush()
        answer = self._exchange(function, arguments, line, inline=False)
        if answer["t"] == "again":
            answer = self._exchange(function, arguments, line, inline=True)
        if answer["t"] == "err":
            raise PrimitiveError(answer["status"], answer["detail"])
        value = answer["v"]
        self._remember(value)
        return value

    def _exchange(
        self, function: str, arguments: dict[str, Any], line: int, *, inline: bool
    ) -> Message:
        encoder = Encoder(self._known, self._arrays_max, inline)
        given = {name: encoder.encode(value) for name, value in arguments.items()}
        arrays = encoder.arrays
        header = {"t": "call", "n": self._n, "f": function, "line": line, "a": given}
        text = pack(header, arrays)
        if len(text) > self._frame_max:
            largest = max(given, key=lambda name: len(pack({"a": given[name]}, [])))
            what = f"{len(text)} bytes of JSON, more than one call may carry; send an array"
            arrays = []
            text = pack({**header, "a": {largest: {"$": "x", "w": what}}}, arrays)
        self._link.send_packed(text, arrays)
        try:
            return self._link.receive()
        except TornPicture as torn:
            raise PrimitiveError("FAULT", str(torn)) from None

    def _remember(self, value: Any) -> None:
        if isinstance(value, np.ndarray):
            self._known.add((value.dtype.name, value.shape))
        elif isinstance(value, dict):
            for item in value.values():
                self._remember(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self._remember(item)
        elif isinstance(value, Result):
            self._remember(value.__dict__)


def run(link: Link, order: Message, level: str) -> None:
    """Run one program to its end and say how it ended."""
    source: str = order["source"]
    lines = source.splitlines(keepends=True)
    linecache.cache[PROGRAM] = (len(source), None, lines, PROGRAM)
    end: Message = {"t": "end", "ended": "returned", "error": "", "line": 0, "claimed": None}
    try:
        code = compile(source, PROGRAM, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = (error.lineno or 0) if isinstance(error, SyntaxError) else 0
        text = error.msg if isinstance(error, SyntaxError) else _first_line(error)
        end.update(ended="refused", line=line, error=f"SyntaxError: {text}{_at(line)}")
        link.send(end, [])
        return
    module = _module(link, order)
    try:
        exec(code, module.__dict__)
    except SystemExit as stop:
        if stop.code not in (None, 0):
            end.update(_raised(stop, level))
    except BaseException as error:
        end.update(_raised(error, level))
        _print_traceback(error)
    end["claimed"] = _claim(module.__dict__.get("RESULT"))
    sys.stdout.flush()
    sys.stderr.flush()
    link.send(end, [])


_REHEARSAL = "try: aside(np.zeros(2), {'x': (1.0, True)})\nexcept PrimitiveError as e: str(e)\n"


def rehearse() -> None:
    """Live through a small program once, so that the real one finds its pages in memory.

    Nothing of it stays: its names die with it, and it writes nowhere.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        answer = pack({"t": "err", "n": 1, "status": "OK", "detail": ""}, [])
        ours.sendall(len(answer).to_bytes(4, "big") + answer)
        parameter = {"name": "value", "required": True, "default": None}
        more = {"name": "more", "required": False, "default": {"$": "t", "v": [0.0]}}
        aside = {"name": "aside", "doc": "", "parameters": [parameter, more]}
        names = {"source": _REHEARSAL, "functions": [aside], "v": {}}
        run(Link(theirs.fileno()), {**names, "frame_max": 9999, "arrays_max": 9999}, "D")


def _module(link: Link, order: Message) -> types.ModuleType:
    calls = Calls(link, order["frame_max"], order["arrays_max"])
    module = types.ModuleType("__main__")
    module.__dict__.update(
        np=np,
        numpy=np,
        math=math,
        PrimitiveError=PrimitiveError,
        Result=Result,
        **order["v"],
    )
    if "scipy" in sys.modules:
        module.__dict__["scipy"] = sys.modules["scipy"]
    for function in order["functions"]:
        name = function["name"]
        made = COMBINED.get(name)
        module.__dict__[name] = (
            _primitive(calls, function) if made is None else _named(made(module.__dict__), function)
        )
    sys.modules["__main__"] = module
    sys.argv = [PROGRAM]
    return module


def _named(made: Any, function: Message) -> Any:
    """A name made of primitives, with the words of its declaration."""
    made.__doc__, made.__module__ = function["doc"], "primitives"
    return made


def _primitive(calls: Calls, function: Message) -> Any:
    name = function["name"]
    signature = inspect.Signature(
        [
            inspect.Parameter(
                p["name"],
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if p["required"] else decode(p["default"], []),
            )
            for p in function["parameters"]
        ],
        __validate_parameters__=False,
    )

    def primitive(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{name}() {error}; it is {name}{signature}") from None
        return calls.make(name, given)

    primitive.__name__ = primitive.__qualname__ = name
    primitive.__doc__ = function["doc"]
    primitive.__module__ = "primitives"
    primitive.__signature__ = signature  # type: ignore[attr-defined]
    return primitive


def _line_of(frame: types.FrameType | None) -> int:
    while frame is not None:
        if frame.f_code.co_filename == PROGRAM:
            return frame.f_lineno
        frame = frame.f_back
    return 0


def _claim(result: Any) -> bool | None:
    if isinstance(result, (bool, np.bool_, Result)):
        return bool(result)
    return None


def _raised(error: BaseException, level: str) -> Message:
    line = 0
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == PROGRAM:
            line = step.tb_lineno
        step = step.tb_next
    if isinstance(error, SyntaxError) and error.filename == PROGRAM and not line:
        line = error.lineno or 0
    hint = _hint(error, level)
    return {
        "ended": "raised",
        "line": line,
        "error": f"{type(error).__name__}: {_first_line(error)}{hint}{_at(line)}",
    }


def _at(line: int) -> str:
    return f" (line {line})" if line else ""


def _first_line(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException as other:
        text = f"(its text raised {type(other).__name__})"
    return " ".join(text[: 4 * _LONGEST_ERROR].split())[:_LONGEST_ERROR]


def _hint(error: BaseException, level: str) -> str:
    """What a denial means, for whoever repairs the program."""
    if level == "D" and not isinstance(error, (MemoryError, ModuleNotFoundError, EOFError)):
        return ""
    places: list[Place] = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename == PROGRAM:
            places.append(Place("", linecache.getline(PROGRAM, step.tb_lineno)))
        elif places:
            places.append(Place(code.co_filename, ""))
        step = step.tb_next
    declared = sys.modules["__main__"].__dict__
    return advice(error, places, declared.keys())


def _print_traceback(error: BaseException) -> None:
    """The usual traceback, without the frames that are not the program's business."""
    shown = traceback.TracebackException.from_exception(error, limit=None, compact=True)
    seen: traceback.TracebackException | None = shown
    while seen is not None:
        kept = [frame for frame in seen.stack if not frame.filename.startswith(_HERE)]
        seen.stack = traceback.StackSummary.from_list(kept[-20:])
        seen = seen.__cause__ or seen.__context__
    try:
        sys.stderr.write("".join(shown.format()))
    except BaseException:
        sys.stderr.write(f"{type(error).__name__} (its traceback cannot be printed)\n")
