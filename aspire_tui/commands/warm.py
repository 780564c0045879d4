"""Verbs for a screen that is waiting: imported once, each run in a fork of its own.

``python -m aspire_tui.commands.warm`` reads one JSON object ``{"arguments", "columns"}`` a line and
answers each with one line ``{"code", "out", "err"}``; it ends with its input.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Final

READ_AHEAD: Final = (
    "aspire_tui.commands.skill_verbs",
    "aspire_tui.commands.session_verbs",
    "aspire_tui.commands.metrics_verbs",
    "aspire_tui.commands.list_verbs",
    "aspire_tui.doctor",
)


def serve(requests: Iterable[str], answers: IO[str], run: Callable[[], None]) -> None:
    """Answer each request in turn; ``run`` is the command line, which reads ``sys.argv``."""
    for request in requests:
        asked = json.loads(request)
        answers.write(json.dumps(_run(asked["arguments"], asked["columns"], run)) + "\n")
        answers.flush()


def _run(arguments: Sequence[str], columns: int, run: Callable[[], None]) -> dict[str, object]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.environ["COLUMNS"] = str(columns)  # as a shell tells a verb how wide it may draw
            _become(arguments, run, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "out": out.read().decode("utf-8", "replace"),
            "err": err.read().decode("utf-8", "replace"),
        }


def _become(arguments: Sequence[str], run: Callable[[], None], out: int, err: int) -> None:
    """The forked half: never returns."""
    code: object = 1
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (out, 1), (err, 2)):
            os.dup2(source, target)
        sys.argv = ["aspire-tui", *arguments]
        run()
        code = 0
    except SystemExit as stop:
        code = stop.code
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    from aspire_tui.cli import main

    for module in READ_AHEAD:
        importlib.import_module(module)
    gc.freeze()
    serve(sys.stdin, os.fdopen(os.dup(1), "w"), main)
