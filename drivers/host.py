"""The cell host: the process that owns a cell. ``python -m drivers.host FILE [--name NAME]``.

Its own process session, so no terminal takes it along. SIGTERM holds, then exits, leaving torque
as it is. A simulated cell's host exits a while after its last client; a hardware host never exits
by itself.
"""

from __future__ import annotations

import argparse
import getpass
import json
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import zmq

from drivers.cellfile import CellFile, load_cell
from drivers.core import CellCore
from drivers.desk import CommandDesk
from drivers.device_plant import DevicePlant
from drivers.devices import OwnDriver
from drivers.errors import CellFileError
from drivers.findings import found, one_line
from drivers.hostlock import CellBusy, Holder, HostLock
from drivers.keys import Doorkeeper
from drivers.loop import FixedRateLoop, claim_realtime, settle_memory
from drivers.plant import Plant
from drivers.runtime_dir import CellPaths, RuntimeDirError, cell_paths, runtime_dir
from drivers.server import CellServer, Endpoints
from drivers.services import READY_FD, Services, ServiceSection
from drivers.simulated_plant import SimulatedPlant
from drivers.types import CameraSpec

log = logging.getLogger("cell host")

IDLE_EXIT_S: Final = 60.0
LEAVE_WITHIN_S: Final = 2.0
EXIT_BAD_INPUT: Final = 2
EXIT_BUSY: Final = 5


@dataclass(frozen=True)
class HostOptions:
    """What a host is started with."""

    cell_file: Path
    name: str
    who: str
    runtime: Path
    noise: bool = True
    speed: float | None = None
    idle_exit_s: float = IDLE_EXIT_S
    tcp: str = ""
    keys: Path | None = None
    realtime: bool = False


class CellHost:
    """Plant, core, sockets and loop of one cell."""

    def __init__(
        self,
        options: HostOptions,
        cell: CellFile,
        paths: CellPaths,
        sess: str,
        own: OwnDriver | None = None,
    ) -> None:
        self._options = options
        self._paths = paths
        self._leaving = ""
        self._leave_by_s = 0.0
        self._realtime = False
        # A bus does not wait; a simulation does.
        self._wants_realtime = options.realtime or cell.info.kind != "sim"
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(1)
        self._doors = [Doorkeeper(options.keys, self._context)] if options.keys else []
        self._plant = _open_plant(options, cell, paths, self._context, own)
        info = self._plant.info
        plant = self._plant
        self._core = CellCore(info, plant.arms, plant.clock, plant.tool_xyz, plant.body)
        self._plant.join(self._core)
        self._core.open()
        status = self._core.status()
        if status.state in ("LOST", "FAULT"):
            log.warning("%s: %s", status.state, status.cause)
        self._desk = CommandDesk(self._core, sess, time.monotonic, self.leave)
        self._server = CellServer(
            self._core, self._desk, sess, _endpoints(options, paths, self._doors), self._context
        )
        self._pictures = Services(_picture_relay(options, info.cameras, paths), Path.cwd())
        self._pictures.start()
        self.loop = FixedRateLoop(self._period_s, self._tick, self._server.serve)

    @property
    def adopted(self) -> bool:
        """Whether the arms were found as an earlier host left them."""
        return self._plant.adopted

    def leave(self, who: str) -> None:
        """HOLD, then stop the loop once the arms stand."""
        if not self._leaving:
            self._leaving = who
            self._leave_by_s = time.monotonic() + LEAVE_WITHIN_S
            self._core.hold("the cell host is stopping", who)

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until told to leave. ``ready`` is called once clients may come."""
        self._server.start()
        self._plant.start(self._server.between_ticks)
        ready()
        settle_memory()
        self._realtime = self._wants_realtime and claim_realtime()
        try:
            self.loop.run(self._stopped)
            self._server.publish()  # Where it ended: HOLD, and not the motion before.
        finally:
            self._pictures.close()
            # Torque as it is: the bus is let go of before whoever plays its far end.
            self._core.close()
            self._plant.close()
            self._server.close()
            for door in self._doors:
                door.close()
            self._context.destroy(0)
            for path in (self._paths.ctl, self._paths.stop, self._paths.state):
                path.unlink(missing_ok=True)

    def _period_s(self) -> float:
        return self._core.dt_s / self._plant.speed

    def _tick(self) -> None:
        self._plant.advance(self._core.dt_s)
        self._core.report_loop(self.loop.hz, self.loop.overruns, self._realtime)
        self._core.tick()
        self._server.after_tick()
        self._plant.after_tick(time.monotonic())

    def _stopped(self) -> bool:
        now = time.monotonic()
        if self._leaving:
            return self._core.at_rest or now > self._leave_by_s
        heard_s = max(self._desk.heard_s, self._server.called_s)
        alone = now - heard_s > self._options.idle_exit_s and not self._server.watchers
        # A set-point that was lost in motion stays where it was.
        at_rest = self._core.at_rest or self._core.status().state == "LOST"
        if self._plant.exits_alone and alone and at_rest:
            self.leave("host: nobody is here")
        return False


def _open_plant(
    options: HostOptions,
    cell: CellFile,
    paths: CellPaths,
    context: zmq.Context[zmq.Socket[bytes]],
    own: OwnDriver | None,
) -> Plant:
    if cell.info.kind == "sim":
        return SimulatedPlant(cell, options.name, paths, options.noise, options.speed, context)
    if options.speed not in (None, 1.0):
        raise CellFileError(f"--speed {options.speed}: a cell on the wall clock runs at 1")
    if cell.info.kind == "hardware" and not options.noise:
        raise CellFileError("--noise-off: a real cell has the noise it has")
    return DevicePlant(cell, options.name, paths, options.noise, context, own)


def _endpoints(options: HostOptions, paths: CellPaths, doors: list[Doorkeeper]) -> Endpoints:
    if not options.tcp:
        return Endpoints(f"ipc://{paths.ctl}", f"ipc://{paths.stop}", f"ipc://{paths.state}")
    if not doors:
        finding = found("bind_open", "no keys", address=options.tcp)
        raise CellFileError(f"--tcp {options.tcp}: refused without --keys: {one_line(finding)}")
    ctl, state, stop, _ = _network(options.tcp)
    return Endpoints(ctl, stop, state, doors[0].prepare, doors[0].role_of)


def _network(tcp: str) -> tuple[str, ...]:
    """Where commands, state, stop and pictures are served to other machines."""
    address, _, port = tcp.rpartition(":")
    if not address or not port.isdecimal() or not 1 <= int(port) <= 65532:
        raise CellFileError(f"--tcp {tcp}: write it as ADDRESS:PORT")
    return tuple(f"tcp://{address}:{int(port) + n}" for n in range(4))


def _picture_relay(
    options: HostOptions, cameras: tuple[CameraSpec, ...], paths: CellPaths
) -> list[ServiceSection]:
    """Who gives the pictures to clients on a network; nobody for a local cell."""
    if not (options.tcp and options.keys and cameras):
        return []
    command = ["python", "-m", "drivers.cameras.relay", "--frames", f"ipc://{paths.frames}"]
    command += ["--listen", _network(options.tcp)[3], "--keys", str(options.keys.resolve())]
    return [ServiceSection("pictures over the network", tuple(command), READY_FD)]


def _options(argv: list[str] | None) -> tuple[HostOptions, int | None]:
    parser = argparse.ArgumentParser(prog="drivers.host", description="Own and serve one cell.")
    parser.add_argument("cell_file", type=Path)
    parser.add_argument("--name", default="", help="name to serve it under; else the file's own")
    parser.add_argument("--who", default="", help="who started it, for people")
    parser.add_argument("--runtime", type=Path, help="folder for sockets, instead of the user's")
    parser.add_argument("--noise-off", action="store_true", help="ideal sensors; brands results")
    parser.add_argument("--speed", type=float, help="simulated seconds per wall second, 0.1 to 10")
    parser.add_argument("--idle-exit", type=float, default=IDLE_EXIT_S)
    parser.add_argument("--tcp", default="", help="ADDRESS:PORT; needs --keys")
    parser.add_argument("--keys", type=Path, help="folder of CURVE keys")
    parser.add_argument(
        "--realtime", action="store_true", help="ask for SCHED_FIFO; devices always do"
    )
    parser.add_argument("--ready-fd", type=int, help="write one JSON line here when ready or not")
    args = parser.parse_args(argv)
    if args.speed is not None and not 0.1 <= args.speed <= 10.0:
        raise CellFileError(f"--speed {args.speed} is outside 0.1 to 10")
    options = HostOptions(
        cell_file=args.cell_file,
        name=args.name,
        who=args.who or getpass.getuser(),
        runtime=args.runtime or runtime_dir(),
        noise=not args.noise_off,
        speed=args.speed,
        idle_exit_s=args.idle_exit,
        tcp=args.tcp,
        keys=args.keys,
        realtime=args.realtime,
    )
    return options, args.ready_fd


def _tell(fd: int | None, **line: object) -> None:
    if fd is not None:
        os.write(fd, json.dumps(line).encode() + b"\n")
        os.close(fd)


def main(argv: list[str] | None = None) -> int:
    logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stderr)
    options, ready_fd = _options(argv)
    return serve(options, ready_fd)


def serve(
    options: HostOptions,
    ready_fd: int | None = None,
    own: OwnDriver | None = None,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Serve one cell until told to leave: the exit code.

    Args:
        ready_fd: Gets one JSON line when clients may come, or why they may not.
        own: What drives devices whose driver is ``own``.
        ready: Called when clients may come.
    """
    if os.getpid() != os.getsid(0):
        os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    try:
        cell = load_cell(options.cell_file)
        name = options.name or cell.info.name
        options = replace(options, name=name)
        paths = cell_paths(name, options.runtime)
        paths.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sess = secrets.token_hex(8)
        holder = Holder(os.getpid(), options.who, name, str(options.cell_file.resolve()), sess)
        lock = HostLock(paths.lock, holder)
        host = CellHost(options, cell, paths, sess, own)
    except (CellFileError, RuntimeDirError, CellBusy) as error:
        _tell(ready_fd, ready=False, error=str(error))
        log.error(str(error))
        return EXIT_BUSY if isinstance(error, CellBusy) else EXIT_BAD_INPUT
    signal.signal(signal.SIGTERM, lambda *_: host.leave("SIGTERM"))

    def up() -> None:
        _tell(ready_fd, ready=True, pid=os.getpid(), adopted=host.adopted)
        ready()

    host.run(up)
    lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
