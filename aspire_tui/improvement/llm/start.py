"""Makes the models an agent worker was asked for and lets them run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import Literal

import msgspec

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.llm.agent import LlmAgent, Vision
from aspire_tui.improvement.llm.asking import Asked, Asking, ProviderLost
from aspire_tui.improvement.llm.context_trial import ContextTrial, SoFar
from aspire_tui.improvement.llm.presets import preset_named
from aspire_tui.improvement.llm.programs import ProgramWriter
from aspire_tui.improvement.llm.provider import (
    ANSWER_WITHIN_S,
    KEY_VARIABLE,
    choose_models,
    make_model,
)
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.session.redaction import Redactor, secrets_among


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of ``--agent llm`` as they travel to the worker."""

    model: str
    base_url: str = ""
    preset: str = "aspire"
    vision: Vision = "native"
    answer_within_s: str = str(ANSWER_WITHIN_S)
    """From a question to the end of its answer, however slowly it comes."""
    difference: Literal["", "yes"] = ""
    """What changed between the pictures is told in words, also where the preset has them shown."""
    experiment: Literal["", "context"] = ""
    """``context``: repair recorded failures with the index and with the whole trace."""
    failures: str = "30"
    programs: str = "[]"
    """JSON list of program texts whose failures are repaired; empty: the plain program."""
    so_far: str = "{}"
    """JSON of what an earlier session of the experiment came to."""
    for_s: str = "inf"
    """No failure is begun after so long."""


def run_llm(
    options: Mapping[str, str],
    tools: RemoteTools,
    environment: MutableMapping[str, str],
    dev_n: int,
) -> str:
    """Run to the end; returns why it could not go on, or nothing.

    Keys are taken out of the environment once they are read.
    """
    asked = msgspec.convert(dict(options), Options)
    redactor = Redactor(secrets_among(environment))
    within_s = float(asked.answer_within_s)
    try:
        preset = preset_named(asked.preset)
        if asked.difference:
            preset = replace(preset, difference=True)
        models = [
            Asked(choice, make_model(choice, environment, within_s))
            for choice in choose_models(asked.model, asked.base_url)
        ]
    except ConfigError as error:
        tools.say(str(error), "error")
        return str(error)
    finally:
        for variable in KEY_VARIABLE.values():
            environment.pop(variable, None)
    asking = Asking(tools, redactor, within_s)
    if asked.experiment == "context":
        programs = msgspec.json.decode(asked.programs, type=list[str])
        earlier = msgspec.json.decode(asked.so_far, type=SoFar)
        trial = ContextTrial(
            asking, models[0], int(asked.failures), programs, asked.vision, earlier,
            float(asked.for_s),
        )  # fmt: skip
        return asyncio.run(_through(trial, asking))
    if preset.loop == "code":
        writer = ProgramWriter(asking, models, preset, asked.vision, dev_n)
        return asyncio.run(_through(writer, asking))
    return asyncio.run(_through(LlmAgent(asking, models[0], preset, asked.vision), asking))


async def _through(agent: LlmAgent | ProgramWriter | ContextTrial, asking: Asking) -> str:
    """Let it run; an agent that ends without ``finish`` is ended with it."""
    try:
        await agent.run()
    except ProviderLost as lost:
        await asking.say(str(lost), "error")
        return str(lost)
    if isinstance(agent, LlmAgent) and not agent.finished:
        await asking.use("finish", {"best": None, "summary": "ended without a summary"})
    return ""
