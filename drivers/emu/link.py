"""A bad link to a cell, for practice and for tests.

``python -m drivers.emu.link CELL --name BAD``: ``BAD`` is then ``CELL``, here or elsewhere, as seen
through the link. Faults are told on ``link.sock`` in its folder, one JSON object a line:
``{"delay_ms": 200}``, ``{"half_open": true}``, ``{}`` for a good link. The answer counts messages.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import os
import signal
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq
import zmq.asyncio

from drivers.address import Address, address_of
from drivers.emu.link_faults import LinkFaults, Way, Weather
from drivers.errors import CellFileError
from drivers.hostlock import CellBusy, Holder, HostLock
from drivers.runtime_dir import CellPaths, RuntimeDirError, cell_paths, runtime_dir

SOCKET: Final = "link.sock"
PEERS_AT_MOST: Final = 256
ASKED: Final = ("ctl", "stop", "frames")
"""Sockets that are asked and answer; ``state`` is only listened to."""


class Link:
    """Carries messages both ways; each goes through the weather."""

    def __init__(self, far: Address, near: CellPaths, weather: Weather) -> None:
        self._far, self._near, self.weather = far, near, weather
        self._context = zmq.asyncio.Context()
        self._tasks: set[asyncio.Future[Any]] = set()

    async def run(self, ended: asyncio.Event, ready: Callable[[], None]) -> None:
        """Carry until ``ended``."""
        fronts = {
            name: (self._front(name), endpoint)
            for name, endpoint in zip(
                ASKED, (self._far.ctl, self._far.stop, self._far.frames), strict=True
            )
        }
        for name, (front, endpoint) in fronts.items():
            self._start(self._asked(name, front, endpoint))
        self._start(self._state())
        control = await asyncio.start_unix_server(self._control, self._near.folder / SOCKET)
        ready()
        await ended.wait()
        control.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._context.destroy(0)
        for name in (*ASKED, "state", SOCKET):
            (self._near.folder / name).unlink(missing_ok=True)

    def _start(self, work: Awaitable[None]) -> asyncio.Future[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _front(self, name: str) -> Any:
        front = self._context.socket(zmq.ROUTER)
        front.setsockopt(zmq.LINGER, 0)
        front.bind(f"ipc://{self._near.folder / name}")
        return front

    async def _asked(self, name: str, front: Any, endpoint: str) -> None:
        """One socket of clients; each gets a connection to the host of its own."""
        backs: OrderedDict[bytes, tuple[Any, asyncio.Future[Any]]] = OrderedDict()
        while True:
            peer, *rest = await front.recv_multipart()
            if peer not in backs:
                back = self._back(zmq.DEALER, endpoint)
                backs[peer] = (back, self._start(self._answers(name, front, peer, back)))
                if len(backs) > PEERS_AT_MOST:
                    _, (old, task) = backs.popitem(last=False)
                    task.cancel()
                    old.close(0)
            back = backs[peer][0]
            self._pass(rest[-1] if rest else b"", name, "up", back, [])

    async def _answers(self, name: str, front: Any, peer: bytes, back: Any) -> None:
        while True:
            self._pass(await back.recv(), name, "down", front, [peer])

    async def _state(self) -> None:
        front = self._context.socket(zmq.XPUB)
        front.setsockopt(zmq.LINGER, 0)
        front.bind(f"ipc://{self._near.state}")
        back = self._back(zmq.SUB, self._far.state)
        back.setsockopt(zmq.SUBSCRIBE, b"")
        while True:
            self._pass(await back.recv(), "state", "down", front, [])

    def _back(self, kind: int, endpoint: str) -> Any:
        back = self._context.socket(kind)
        back.setsockopt(zmq.LINGER, 0)
        self._far.prepare(back)
        back.connect(endpoint)
        return back

    def _pass(self, message: bytes, name: str, way: Way, to: Any, envelope: list[bytes]) -> None:
        loop = asyncio.get_running_loop()
        for late_s, body in self.weather.fate(message, name, way):
            frames = [*envelope, body]
            if late_s > 0.0:
                loop.call_later(late_s, _send, to, frames)
            else:
                _send(to, frames)

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled only when the link itself ends.
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while line := await reader.readline():
                try:
                    self.weather.faults = msgspec.json.decode(line, type=LinkFaults)
                    said: dict[str, Any] = {"ok": True}
                except (msgspec.DecodeError, ValueError) as error:
                    said = {"ok": False, "error": str(error)}
                said |= {"passed": self.weather.passed, "lost": self.weather.lost}
                writer.write(msgspec.json.encode(said) + b"\n")
                await writer.drain()
        writer.close()


def _send(to: Any, frames: list[bytes]) -> None:
    # A plain send: the asyncio socket's own would queue behind what the peer does not read.
    with contextlib.suppress(zmq.ZMQError):
        zmq.Socket.shadow(to.underlying).send_multipart(frames, zmq.NOBLOCK)


async def _serve(link: Link, ready_fd: int | None) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)

    def ready() -> None:
        if ready_fd is not None:
            os.write(ready_fd, b'{"ready":true}\n')
            os.close(ready_fd)

    await link.run(ended, ready)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="drivers.emu.link", description="A bad link to a cell.")
    parser.add_argument("cell", help="name of a running cell, or of one elsewhere that was met")
    parser.add_argument("--name", required=True, help="what the cell is called through the link")
    parser.add_argument("--runtime", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", default="{}", help="as on link.sock")
    parser.add_argument("--ready-fd", type=int)
    args = parser.parse_args(argv)
    os.umask(0o077)
    try:
        faults = msgspec.json.decode(args.faults, type=LinkFaults)
        runtime = args.runtime or runtime_dir()
        near = cell_paths(args.name, runtime)
        near.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        far = address_of(args.cell, runtime)
        who = f"{getpass.getuser()}, as a link to {args.cell}"
        lock = HostLock(near.lock, Holder(os.getpid(), who, args.name, "", ""))
    except (msgspec.DecodeError, ValueError, CellBusy, CellFileError, RuntimeDirError) as error:
        sys.stderr.write(f"link: {error}\n")
        return 2
    asyncio.run(_serve(Link(far, near, Weather(args.seed, faults)), args.ready_fd))
    lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
