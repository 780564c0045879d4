"""A program handed to the engine that has the cell: ordered, waited for, read from its session."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from aspire_tui.engine.client import EngineClient, EngineGone
from aspire_tui.engine.order import ExecOrder
from aspire_tui.errors import ConfigError, Exit
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.summary import exec_summary

POLL_S = 0.2
ORDER_WITHIN_S = 10.0


def run_queued(
    session: Path, sock: Path, who: str, order: ExecOrder, tell: Callable[[str], None]
) -> tuple[dict[str, Any], Exit]:
    """Order it and wait until it ran; ctrl+c stops waiting, not the engine.

    Returns:
        The summary of what ran, and the exit code that goes with it.

    Raises:
        ConfigError: The engine refused it.
        EngineGone: It ended before the program ran.
    """
    client = EngineClient(sock, who, ORDER_WITHIN_S)
    reply = client.send("exec", msgspec.to_builtins(order))
    if not reply.accepted:
        raise ConfigError(f"the engine of {session.stem} refused: {reply.reason}")
    tell(f"{reply.reason}, in session {session.stem}")
    number = int(reply.data["number"])
    try:
        told = _wait(client, number, tell)
    except KeyboardInterrupt:
        tell(f"exec {number} stays queued; its result will be in {session.stem}")
        return {"session": str(session), "exec": number, "state": "queued"}, Exit.STOPPED
    with SessionReader(session) as reader:
        summary = exec_summary(reader, only=told["trials"], program=order.program)
    summary = {**summary, "exec": number, "error": told["error"]}
    return summary, _exit(told, summary)


def _wait(client: EngineClient, number: int, tell: Callable[[str], None]) -> dict[str, Any]:
    state = "queued"
    while True:
        reply = client.send("job", {"number": number})
        if not reply.accepted:
            raise EngineGone(reply.reason)
        if reply.data["state"] != state:
            state = str(reply.data["state"])
            tell(f"exec {number} {state}")
        if state in ("done", "failed", "cancelled"):
            return reply.data
        time.sleep(POLL_S)


def _exit(told: dict[str, Any], summary: dict[str, Any]) -> Exit:
    if told["state"] == "cancelled":
        return Exit.STOPPED
    if told["error"]:
        return Exit.FAULT
    if not told["trials"]:
        return Exit.PASS if told["dry"] == "PASS" else Exit.NOT_PASS
    if summary["program"]["ended"] == "refused":
        return Exit.REFUSED
    if summary["program"]["ended"] == "aborted":
        return Exit.STOPPED
    if "trials" in summary:
        return Exit.PASS if summary["trials"]["k"] == summary["trials"]["n"] else Exit.NOT_PASS
    verdict = summary["verdict"]
    return Exit.PASS if verdict and verdict["outcome"] == "PASS" else Exit.NOT_PASS
