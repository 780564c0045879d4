"""The door of a run to an agent from outside: a private socket of the agent worker.

The outside agent is under the operator's control like any other: it has the tools and nothing
else, one at a time, and the run goes on when it leaves and comes back.
"""

from __future__ import annotations

import os
import select
import socket
from pathlib import Path

import msgspec

from aspire_tui.improvement import wire
from aspire_tui.improvement.mcp.install import install_lines
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.toolset import TOOLS

SUFFIX = ".agent"
HELLO = "hello"
"""What a connection says first, with the name of the agent behind it."""
TURNED_AWAY_S = 1.0
"""How long a second visitor may take to say its name."""
TAKEN = "another agent drives this run; it has to leave first"
NAME_LONGEST = 80


def open_doors(runtime: Path) -> list[Path]:
    """Doors of runs that wait for an agent, oldest first; some may be stale."""
    return sorted(runtime.glob(f"*{SUFFIX}"), key=lambda p: p.stat().st_mtime)


class Door:
    """Lets one agent in at a time until it has finished."""

    def __init__(self, path: Path, tools: RemoteTools) -> None:
        self._path = path
        self._tools = tools
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(4)
        self._finished = False

    def serve(self) -> None:
        """Say how to come in, then let agents in until one has used ``finish``."""
        self._tools.say(
            "I wait for an agent from outside. " + " Or: ".join(install_lines()), "plan"
        )
        try:
            while not self._finished:
                guest, _ = self._listener.accept()
                with guest:
                    self._entertain(guest)
        finally:
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _entertain(self, guest: socket.socket) -> None:
        who = ""
        try:
            while not self._finished:
                self._wait(guest)
                call = msgspec.json.decode(wire.receive(guest), type=wire.ToolCall)
                if call.tool == HELLO:
                    who = str(call.args.get("name", ""))[:NAME_LONGEST] or "somebody"
                    self._tools.say(f"{who} is here, from outside; its token use is unknown")
                    wire.send(guest, wire.ToolAnswer(call.id))
                else:
                    wire.send(guest, self._answer(call))
        except (wire.AgentLinkClosed, OSError, msgspec.DecodeError):
            if not self._finished:
                self._tools.say(f"{who or 'the agent'} left; it or another may come back", "error")

    def _wait(self, guest: socket.socket) -> None:
        """Until the guest says something; whoever else comes is told that there is one."""
        while True:
            ready = select.select([guest, self._listener], [], [])[0]
            if self._listener in ready:
                other, _ = self._listener.accept()
                with other:
                    self._turn_away(other)
            if guest in ready:
                return

    def _turn_away(self, other: socket.socket) -> None:
        """Say why, and let it be read: what is closed with words unread takes the answer along."""
        other.settimeout(TURNED_AWAY_S)
        try:
            wire.receive(other)
            wire.send(other, wire.ToolAnswer(0, refused=TAKEN))
        except (wire.AgentLinkClosed, OSError):
            return  # it left by itself, or says nothing

    def _answer(self, call: wire.ToolCall) -> wire.ToolAnswer:
        if call.tool not in TOOLS:
            return wire.ToolAnswer(call.id, refused=f"there is no tool {call.tool}")
        try:
            value = self._tools.use(call.tool, call.args)
        except ToolRefused as refusal:
            return wire.ToolAnswer(call.id, refused=str(refusal))
        self._finished = self._finished or call.tool == "finish"
        return wire.ToolAnswer(call.id, value)


def run_outside(door: str, tools: RemoteTools) -> str:
    """Be whatever agent comes in; why not, when the door cannot be opened."""
    try:
        opened = Door(Path(door), tools)
    except OSError as error:
        return f"{door}: {os.strerror(error.errno or 0)}; no agent from outside can come in"
    opened.serve()
    return ""
