"""Makes the model an agent worker was asked for and lets it run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping

import msgspec

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.llm.agent import LlmAgent, LlmOptions, Vision
from aspire_tui.improvement.llm.provider import KEY_VARIABLE, choose_model, make_model
from aspire_tui.improvement.remote import RemoteTools


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of ``--agent llm`` as they travel to the worker."""

    model: str
    base_url: str = ""
    preset: str = "aspire"
    vision: Vision = "native"


def run_llm(
    options: Mapping[str, str], tools: RemoteTools, environment: MutableMapping[str, str]
) -> None:
    """Run one model to its end. The key is taken out of the environment once it is read."""
    asked = msgspec.convert(dict(options), Options)
    try:
        choice = choose_model(asked.model, asked.base_url)
        model = make_model(choice, environment)
    except ConfigError as error:
        tools.say(str(error), "error")
        tools.finish(None, str(error))
        return
    finally:
        for variable in KEY_VARIABLE.values():
            environment.pop(variable, None)
    chosen = LlmOptions(choice, preset=asked.preset, vision=asked.vision)
    asyncio.run(LlmAgent(tools, model, chosen).run())
