"""The command socket is ours alone: by its mode, by its folder, and by who is at the other end."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aspire_tui.engine.client import EngineClient
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.engine.server import serve_commands

NOBODY = 65534
ASK = """
import os, socket, struct, sys
os.setgid({uid}); os.setuid({uid})
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
body = b'{{"proto":1,"id":"1","verb":"hello","who":"x"}}'
try:
    s.sendall(struct.pack("<I", len(body)) + body)
    print(len(s.recv(100)))
except OSError:
    print(0)  # the door was shut before the question was out
"""


async def answer(command: Command) -> Reply:
    return Reply(command.id, True, "yes")


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sock-", dir="/tmp") as path:
        yield Path(path)


async def test_the_socket_is_private_and_answers_its_owner(folder: Path) -> None:
    path = folder / "e.sock"
    server = await serve_commands(path, answer)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = await asyncio.to_thread(EngineClient(path, "anna").send, "hello")
    assert said.reason == "yes"
    server.close()


async def test_a_folder_others_may_look_into_is_refused(folder: Path) -> None:
    folder.chmod(0o755)
    with pytest.raises(PermissionError, match="0700"):
        await serve_commands(folder / "e.sock", answer)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
async def test_another_user_gets_no_answer_even_through_an_open_door(folder: Path) -> None:
    path = folder / "e.sock"
    server = await serve_commands(path, answer)
    # As if somebody had opened everything: what is left is asking the kernel who it is.
    folder.chmod(0o755)
    path.chmod(0o666)
    ask = [sys.executable, "-I", "-S", "-c", ASK.format(uid=NOBODY), str(path)]
    done = await asyncio.to_thread(subprocess.run, ask, capture_output=True, text=True, timeout=20)
    assert done.stdout.strip() == "0", done.stderr
    server.close()
