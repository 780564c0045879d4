"""Entry of the engine process: a job on standard input, one line of readiness on a pipe."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import socket
import sys
import threading
import traceback
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Final

import msgspec

from aspire_tui.engine.engine import Engine
from aspire_tui.engine.job import Job
from aspire_tui.engine.lock import CellBusy, CellLock
from aspire_tui.engine.readiness import Readiness
from aspire_tui.errors import exit_code

READ_AHEAD: Final = ("scipy.ndimage", "scipy.optimize", "scipy.stats")


def main() -> int:
    """Run the job; the exit code is that of DESIGN's table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready-fd", type=int, required=True)
    parser.add_argument("--agent-fd", type=int, action="append", default=[])
    parser.add_argument("--sight-fd", type=int, default=-1)
    args = parser.parse_args()
    os.set_inheritable(args.ready_fd, False)
    agents = tuple(_link(fd) for fd in args.agent_fd)
    sight = _link(args.sight_fd) if args.sight_fd >= 0 else None
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        with _cell_of(job):
            engine = Engine(job, ready=lambda: _begin(args.ready_fd), agents=agents, sight=sight)
            return asyncio.run(engine.run())
    except CellBusy as busy:
        text = f"cell {job.spec.cell} is in use by {busy}; attach to it or stop it first"
        return _tell(args.ready_fd, Readiness(False, 3, text))
    except Exception as error:
        code = exit_code(error)
        traceback.print_exc()
        text = str(error) if code is not None else f"the engine failed: {error!r}"
        return _tell(args.ready_fd, Readiness(False, int(code or 5), text))


def _begin(ready_fd: int) -> None:
    _tell(ready_fd, Readiness(True))
    threading.Thread(target=_read_ahead, daemon=True).start()


def _read_ahead() -> None:
    """Import what is first needed in the loop or within a call, where its second would be felt."""
    for module in READ_AHEAD:
        importlib.import_module(module)


def _link(fd: int) -> socket.socket:
    """Our end of the pair to an agent worker, which this process's children must not hold."""
    os.set_inheritable(fd, False)
    return socket.socket(fileno=fd)


def _cell_of(job: Job) -> AbstractContextManager[object]:
    """The lock on the cell of an attended session; a headless one has a cell of its own."""
    if not job.spec.attended:
        return nullcontext()
    path = Path(job.runtime_dir) / f"{job.spec.cell}.engine.lock"
    return closing(CellLock(path, f"pid {os.getpid()}, session {Path(job.session).name}"))


def _tell(fd: int, message: Readiness) -> int:
    try:
        os.write(fd, msgspec.json.encode(message) + b"\n")
    except (BrokenPipeError, OSError):
        print(f"nobody waits for: {message.text}", file=sys.stderr)  # noqa: T201
    return message.code


if __name__ == "__main__":
    sys.exit(main())
