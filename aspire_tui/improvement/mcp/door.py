"""The door of a run to an agent from outside: a private socket of the agent worker.

The outside agent is under the operator's control like any other: it has the tools and nothing
else, one at a time, and the run goes on when it leaves and comes back.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from aspire_tui.improvement import wire
from aspire_tui.improvement.mcp.install import install_lines
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.toolset import LAST_WORDS, TOOLS

SUFFIX = ".agent"
HELLO = "hello"
"""What a connection says first, with the name of the agent behind it."""
TURNED_AWAY_S = 1.0
"""How long a second visitor may take to say its name."""
TAKEN = "another agent drives this run; it has to leave first"
NAME_LONGEST = 80
LOOK_EVERY_S = 1.0
LAST_WORDS_WITHIN_S = 120.0
"""How long an agent whose budget is used up may write what it found, before the run ends."""


def open_doors(runtime: Path) -> list[Path]:
    """Doors of runs that wait for an agent, oldest first; some may be stale."""
    return sorted(runtime.glob(f"*{SUFFIX}"), key=lambda p: p.stat().st_mtime)


class Door:
    """Lets one agent in at a time until it has finished."""

    def __init__(
        self, path: Path, tools: RemoteTools, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._tools = tools
        self._clock = clock
        self._exhausted = ""
        self._ends_s = float("inf")
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
                if not select.select([self._listener], [], [], LOOK_EVERY_S)[0]:
                    self._look(somebody=False)
                    continue
                guest, _ = self._listener.accept()
                with guest:
                    self._entertain(guest)
        finally:
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _entertain(self, guest: socket.socket) -> None:
        who = ""
        try:
            while self._wait(guest):
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

    def _wait(self, guest: socket.socket) -> bool:
        """Until the guest speaks, or it is over; who else comes is told that there is one."""
        while not self._finished:
            ready = select.select([guest, self._listener], [], [], LOOK_EVERY_S)[0]
            if not ready:
                self._look(somebody=True)
            if self._listener in ready:
                other, _ = self._listener.accept()
                with other:
                    self._turn_away(other)
            if guest in ready:
                return True
        return False

    def _look(self, *, somebody: bool) -> None:
        """Whether the budget is used up; who has had the time to say what it found is not waited
        for any longer."""
        if not self._exhausted:
            standing = self._tools.report("standing", {})
            self._exhausted = str(standing["exhausted"]) if isinstance(standing, Mapping) else ""
            if self._exhausted:
                self._ends_s = self._clock() + LAST_WORDS_WITHIN_S
        if self._exhausted and (not somebody or self._clock() >= self._ends_s):
            self._tools.say(self._exhausted, "error")
            self._tools.use("finish", {"best": None, "summary": self._exhausted})
            self._finished = True

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
        self._look(somebody=True)
        if self._exhausted and call.tool not in LAST_WORDS:
            why = f"{self._exhausted}. Say what you found, then finish."
            return wire.ToolAnswer(call.id, refused=why)
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
