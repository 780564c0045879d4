"""Joins what an agent may use to a Unix socket outside: standard library only.

``relay.py SOCKET`` joins standard input and output (the tools); ``serve`` joins a loopback port
(the way to the provider).
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading

PIECE = 65536


def pump(read: int, write: int, shut: socket.socket | None) -> None:
    """Copy until the end, then let the other side know."""
    try:
        while piece := os.read(read, PIECE):
            while piece:
                piece = piece[os.write(write, piece) :]
    except OSError:
        pass  # either side is gone: that is an end as well
    finally:
        if shut is not None:
            with contextlib.suppress(OSError):  # it was closed already
                shut.shutdown(socket.SHUT_WR)


def join(sock: socket.socket, path: str) -> None:
    """Join one connection to the Unix socket."""
    far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with sock, far:
        far.connect(path)
        out = threading.Thread(target=pump, args=(sock.fileno(), far.fileno(), far), daemon=True)
        out.start()
        pump(far.fileno(), sock.fileno(), sock)
        out.join()


def serve(listener: socket.socket, path: str) -> None:
    """Join every connection that comes, for ever."""
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=join, args=(sock, path), daemon=True).start()


def main() -> None:
    far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    far.connect(sys.argv[1])
    threading.Thread(target=pump, args=(0, far.fileno(), far), daemon=True).start()
    pump(far.fileno(), 1, None)


if __name__ == "__main__":
    main()
