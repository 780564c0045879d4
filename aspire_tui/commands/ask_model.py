"""One question to a model, by the process that holds its key; the command itself never has it."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

from aspire_tui.engine.sight_start import start_sight
from aspire_tui.environment.services import ServiceFailed
from aspire_tui.errors import AgentError, ConfigError
from aspire_tui.improvement import wire
from aspire_tui.improvement.agent_spec import SightOptions
from aspire_tui.improvement.llm.provider import choose_model, missing_for
from aspire_tui.rollout.model_link import ModelBySocket


def ask_model(
    text: str, model: str, base_url: str = "", environment: Mapping[str, str] = os.environ
) -> str:
    """The model's answer.

    Raises:
        ConfigError: No such model, or no key for it.
        AgentError: It could not be asked or gave none.
    """
    missing = missing_for(choose_model(model, base_url), environment)
    if missing:
        raise ConfigError(f"--model: {missing}")
    with tempfile.TemporaryDirectory(prefix="aspire-") as private:
        path = f"{private}/sight"
        log = os.open(f"{private}/log", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            link = start_sight(SightOptions(model, base_url), path, log, environment)
        finally:
            os.close(log)
        heard: list[str] = []
        listener = threading.Thread(target=_hear, args=(link, heard), daemon=True)
        listener.start()
        try:
            return ModelBySocket(model, path).ask(text, [], 0.0)
        except ServiceFailed as failed:
            raise AgentError("; ".join([str(failed), *heard])) from None
        finally:
            link.close()
            Path(path).unlink(missing_ok=True)


def _hear(link: socket.socket, heard: list[str]) -> None:
    """Take what it reports, so that it need not wait; what it says to a person is kept."""
    try:
        while True:
            call = msgspec.json.decode(wire.receive(link), type=wire.ToolCall)
            if call.tool == "say":
                heard.append(str(call.args.get("text", ""))[:400])
            wire.send(link, wire.ToolAnswer(call.id))
    except (OSError, wire.AgentLinkClosed, msgspec.DecodeError):
        return  # It ended, or the answer was had and the link closed.
