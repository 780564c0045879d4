"""HOLD as a whole process in the time of a key press: what it imports is what it costs.

The same message as :mod:`drivers.stop_client` sends, packed by hand; nothing but zmq and where the
sockets are. ``python -m drivers.quick_hold CELL [--json]``.
"""

from __future__ import annotations

import os
import pwd
import sys
import time
from pathlib import Path
from typing import Final

import zmq

from drivers.runtime_dir import RuntimeDirError, cell_paths, running_cells

ANSWER_WITHIN_S: Final = 0.15
FAULT: Final = 5
TRUE: Final = b"\xc3"


class NotHeld(Exception):
    """No host said that HOLD is in force; one line for the operator."""


def hold(cell: str, who: str, cause: str = "hold", runtime: Path | None = None) -> float:
    """HOLD a running cell on this machine.

    Returns:
        Milliseconds until the host said that HOLD is in force.

    Raises:
        NotHeld: It did not in time.
    """
    begun = time.monotonic()
    stop = cell_paths(cell, runtime).stop
    if not stop.exists():
        running = ", ".join(running_cells(runtime)) or "none"
        raise NotHeld(
            f"HOLD not sent: no cell {cell} runs on this machine; running: {running}. "
            "What moves is stopped by the physical stop"
        )
    request_id = f"stop-{os.urandom(6).hex()}"
    body = {"op": "STOP", "cause": cause}
    request = {"id": request_id, "role": "viewer", "who": who, "body": body}
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"ipc://{stop}")
        socket.send(pack(request))
        while (left := begun + ANSWER_WITHIN_S - time.monotonic()) > 0:
            if not socket.poll(max(1, int(1e3 * left))):
                break
            reply = socket.recv()
            if request_id.encode() not in reply:
                continue
            if pack("ok") + TRUE in reply:
                return 1e3 * (time.monotonic() - begun)
            raise NotHeld("the host has HOLD in its queue but did not say that it is in force")
    finally:
        context.destroy(0)
    raise NotHeld(
        f"HOLD not confirmed within {1e3 * ANSWER_WITHIN_S:.0f} ms on {stop}: use the physical stop"
    )


def pack(value: object) -> bytes:
    """msgpack of short strings and small dicts of them."""
    if isinstance(value, dict):
        items = (pack(part) for item in value.items() for part in item)
        return bytes([0x80 | len(value)]) + b"".join(items)
    text = str(value).encode()[:255]
    head = bytes([0xA0 | len(text)]) if len(text) < 32 else bytes([0xD9, len(text)])
    return head + text


def main(arguments: list[str]) -> int:
    """``[CELL] [--json]``; exit code 0, or 5 when nobody confirmed."""
    as_json = "--json" in arguments
    names = [argument for argument in arguments if argument != "--json"]
    cell = names[0] if names else "yam"
    try:
        took_ms = hold(cell, pwd.getpwuid(os.getuid()).pw_name)
    except (NotHeld, RuntimeDirError) as error:
        sys.stderr.write(f"aspire-tui: {error}\n")
        return FAULT
    if as_json:
        # A cell's name needs no escaping.
        sys.stdout.write(f'{{"cell":"{cell}","held":true,"ms":{took_ms:.1f}}}\n')
    else:
        sys.stdout.write(f"{cell}: HOLD, confirmed in {took_ms:.0f} ms\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
