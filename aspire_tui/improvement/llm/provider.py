"""Which model answers, through which provider's protocol, with which key.

``anthropic:NAME`` speaks Messages, ``openai:NAME`` Responses, ``openai-chat:NAME`` Chat
Completions; with a base URL, any compatible endpoint. SDKs are imported when a model is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from aspire_tui.errors import ConfigError
from aspire_tui.strict_toml import suggestion

if TYPE_CHECKING:
    from pydantic_ai.models import Model

Protocol = Literal["anthropic", "openai", "openai-chat"]

KEY_VARIABLE: Final[Mapping[Protocol, str]] = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openai-chat": "OPENAI_API_KEY",
}
"""The environment variable of each provider's key; only the agent worker is given it."""

SDK_RETRIES: Final = 0
"""Retrying is said to the operator, so it is not left to the SDK."""
ANSWER_WITHIN_S: Final = 300.0
INSTALL: Final = "pip install 'aspire-tui[llm]'"


@dataclass(frozen=True)
class ModelChoice:
    """A model by name, and where it answers when that is not the provider's own place."""

    protocol: Protocol
    name: str
    base_url: str = ""

    def __str__(self) -> str:
        return f"{self.protocol}:{self.name}"


def choose_model(text: str, base_url: str = "") -> ModelChoice:
    """A model from ``PROVIDER:NAME``.

    Raises:
        ConfigError: What is missing or unknown, and the nearest that is known.
    """
    provider, colon, name = text.partition(":")
    if not colon or not name.strip():
        raise ConfigError(f"--model {text!r}: say PROVIDER:NAME, e.g. anthropic:claude-opus-4-7")
    for protocol in KEY_VARIABLE:
        if provider == protocol:
            return ModelChoice(protocol, name.strip(), base_url)
    raise ConfigError(f"--model {text}: unknown provider; {suggestion(provider, KEY_VARIABLE)}")


def make_model(choice: ModelChoice, environment: Mapping[str, str]) -> Model:
    """The model behind its SDK. Nothing is sent yet.

    Raises:
        ConfigError: The key is missing, or the extra is not installed.
    """
    variable = KEY_VARIABLE[choice.protocol]
    key = environment.get(variable, "")
    if not key:
        if not choice.base_url:
            raise ConfigError(f"{variable} is not set: {choice} needs a key")
        key = "none"  # endpoints on one's own machine ask for no key
    try:
        return _make(choice, key)
    except ImportError as error:
        raise ConfigError(f"{choice} needs the extra: {INSTALL} ({error})") from None


def _make(choice: ModelChoice, key: str) -> Model:
    url: Any = choice.base_url or None
    if choice.protocol == "anthropic":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        claude = AsyncAnthropic(
            api_key=key, base_url=url, max_retries=SDK_RETRIES, timeout=ANSWER_WITHIN_S
        )
        return AnthropicModel(choice.name, provider=AnthropicProvider(anthropic_client=claude))
    from openai import AsyncOpenAI
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(
        openai_client=AsyncOpenAI(
            api_key=key, base_url=url, max_retries=SDK_RETRIES, timeout=ANSWER_WITHIN_S
        )
    )
    if choice.protocol == "openai":
        from pydantic_ai.models.openai import OpenAIResponsesModel

        return OpenAIResponsesModel(choice.name, provider=provider)
    from pydantic_ai.models.openai import OpenAIChatModel

    return OpenAIChatModel(choice.name, provider=provider)


def settings_for(choice: ModelChoice, temperature: float | None = None) -> dict[str, Any]:
    """Settings of every request: prompt caching where the provider has it, a bounded answer."""
    settings: dict[str, Any] = {"max_tokens": 16_000, "timeout": ANSWER_WITHIN_S}
    if temperature is not None:
        settings["temperature"] = temperature
    if choice.protocol == "anthropic":
        settings["anthropic_cache"] = True
        settings["anthropic_cache_tool_definitions"] = True
        settings["anthropic_cache_instructions"] = True
    return settings
