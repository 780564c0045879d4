"""Starts the process that asks a model about pictures: it holds the key, whoever asks does not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

import msgspec

from aspire_tui.improvement.agent_spec import SightOptions
from aspire_tui.improvement.llm.provider import KEY_VARIABLE, choose_model

PASSED_ON: Final = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR", "TMPDIR", "VIRTUAL_ENV"),
)
"""What any process of ours is told of its environment. Keys are not among it."""

NETWORK: Final = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""How a process reaches its provider; a proxy's address may hold a password."""


def start_sight(
    options: SightOptions, path: str, log: int, environment: Mapping[str, str]
) -> socket.socket:
    """Start it with the one key it needs; questions go to the socket at ``path``.

    Returns:
        Our end of the pair it reports by; when that closes it ends.
    """
    ours, sight = socket.socketpair()
    # Bound here: a trial that asks before that process is ready waits in line.
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o177)
    try:
        listening.bind(path)
    finally:
        os.umask(old)
    listening.listen()
    wanted = (*PASSED_ON, KEY_VARIABLE[choose_model(options.model).protocol], *NETWORK)
    try:
        subprocess.Popen(
            [
                *(sys.executable, "-m", "aspire_tui.improvement.sight"),
                *("--fd", str(sight.fileno())),
                *("--listen-fd", str(listening.fileno())),
                *("--options", msgspec.json.encode(options).decode()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(sight.fileno(), listening.fileno()),
            start_new_session=True,
            cwd="/",
            env={name: environment[name] for name in wanted if name in environment},
        )
    finally:
        sight.close()
        listening.close()
    return ours
