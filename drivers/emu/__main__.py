"""``python -m drivers.emu CELL_FILE --run-dir DIR``: the far end of an emulated cell's buses."""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sys
from pathlib import Path

from drivers.cellfile import load_cell
from drivers.emu.cell import EmulatedCell
from drivers.emu.standalone import BAD_INPUT, run_until_told, tell
from drivers.emu.succession import Seat, keep_watch

log = logging.getLogger("emulator")


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="drivers.emu", description="Emulate a cell's arms.")
    parser.add_argument("cell_file", type=Path)
    parser.add_argument("--run-dir", type=Path, required=True, help="for ports and sockets")
    parser.add_argument("--seed", type=int, help="of faults that come by themselves")
    parser.add_argument("--noise-off", action="store_true", help="ideal cameras")
    parser.add_argument("--fresh", action="store_true", help="take nothing up, leave nothing")
    parser.add_argument("--ready-fd", type=int, help="write one JSON line here when ready or not")
    args = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s emulator %(message)s", stream=sys.stderr)
    try:
        args.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        played = _played(args.cell_file, args.seed, args.noise_off)
        seat = Seat(args.run_dir, played)
        if seat.taken_by:
            tell(args.ready_fd, ready=True, pid=seat.taken_by, found=True)
            keep_watch(seat.taken_by)
            return 0
        kept = "" if args.fresh else played
        emulated = EmulatedCell(
            load_cell(args.cell_file), args.run_dir, not args.noise_off, args.seed, kept
        )
    except (ValueError, OSError) as error:
        tell(args.ready_fd, ready=False, error=str(error))
        log.error(str(error))
        return BAD_INPUT
    emulated.start()
    ports = [str(line.port.link) for line in emulated.rig.lines]

    def ready() -> None:
        tell(args.ready_fd, ready=True, pid=os.getpid(), ports=ports)

    try:
        run_until_told(emulated.loop, ready)
    finally:
        emulated.close()
        seat.leave()
    return 0


def _played(cell_file: Path, seed: int | None, noise_off: bool) -> str:
    """A name for exactly this cell, played in this way."""
    told = f"{seed} {noise_off}".encode()
    cell = load_cell(cell_file)
    held: list[str] = []
    if cell.emulator is not None:
        held = sorted({cell.emulator.held_by(arm.name) for arm in cell.info.arms} - {""})
    eeproms = b"".join((cell_file.parent / name).read_bytes() for name in held)
    return hashlib.sha256(cell_file.read_bytes() + eeproms + told).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
