"""Draft and promote in a session that is being written: its engine does it, so that its tree shows
what became of the hypothesis."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aspire_tui.commands.context import Context
from aspire_tui.domain import JSON
from aspire_tui.engine.client import EngineClient, running_engines
from aspire_tui.engine.protocol import Reply
from aspire_tui.errors import ConfigError
from aspire_tui.events import SkillRuled
from aspire_tui.session.reader import SessionReader
from drivers.runtime_dir import runtime_dir

ANSWER_S: Final = 60.0
"""A draft is made and ruled on while the engine does other work."""
CANARY_S: Final = 600.0
"""Until the canary has run, which waits for its turn like any trial."""
POLL_S: Final = 0.2


class LiveSession:
    """One session with the engine that writes it."""

    def __init__(self, path: Path, client: EngineClient) -> None:
        self.path = path
        self._client = client

    def draft(self, hypothesis: int, name: str) -> Reply:
        """Have the engine draft; what the gate would say is in the answer's data.

        Raises:
            ConfigError: It refused, in its words.
        """
        asked: dict[str, JSON] = {"step": "draft", "hypothesis": hypothesis, "skill": name}
        reply = self._client.send("promote", asked)
        if not reply.accepted:
            raise ConfigError(reply.reason)
        return reply

    def promote(self, skill: str, evidence: Sequence[Path], note: str) -> SkillRuled:
        """Have the engine put it through the gate, and wait for what it said.

        Raises:
            ConfigError: The engine ended, or the canary never came.
        """
        files: list[JSON] = [str(p.resolve()) for p in evidence]
        with SessionReader(self.path) as reader:
            since = reader.last_seq()
            args: dict[str, JSON] = {"step": "confirm", "skill": skill, "note": note}
            reply = self._client.send("promote", {**args, "evidence": files})
            ends = time.monotonic() + (CANARY_S if reply.accepted else POLL_S)
            while True:
                found = reader.events(since, kinds=("skill_ruled",))
                for event in (r.event for r in found):
                    if isinstance(event, SkillRuled) and event.id == reply.id:
                        return event
                if time.monotonic() > ends:
                    raise ConfigError(reply.reason if not reply.accepted else "no canary came")
                time.sleep(POLL_S)


def live_session(context: Context, path: Path) -> LiveSession | None:
    """The engine that writes this file now, if there is one."""
    return next((s for s in _live(context) if s.path == path.resolve()), None)


def live_origin(context: Context, session_id: str) -> LiveSession | None:
    """The running engine of the session that a draft comes from."""
    for session in _live(context):
        with SessionReader(session.path) as reader:
            if reader.session_id() == session_id:
                return session
    return None


def _live(context: Context) -> list[LiveSession]:
    who = context.who()
    found = running_engines(runtime_dir(), who)
    return [LiveSession(p.resolve(), EngineClient(s, who, ANSWER_S)) for p, s in found.items()]
