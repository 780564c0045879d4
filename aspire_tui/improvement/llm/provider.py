"""Which model answers, through which provider's protocol, with which key.

``anthropic:NAME`` speaks Messages, ``openai:NAME`` Responses, ``openai-chat:NAME`` Chat
Completions; with a base URL, any compatible endpoint. SDKs are imported when a model is made.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

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
"""From a question to the end of its answer, where nobody says otherwise."""
INSTALL: Final = "pip install 'aspire-tui[llm]'"


@dataclass(frozen=True)
class ModelChoice:
    """A model by name, and where it answers when that is not the provider's own place."""

    protocol: Protocol
    name: str
    base_url: str = ""

    def __str__(self) -> str:
        return f"{self.protocol}:{self.name}"


def choose_models(text: str, base_url: str = "") -> tuple[ModelChoice, ...]:
    """Models from ``PROVIDER:NAME[,PROVIDER:NAME…]``; the first one leads.

    Raises:
        ConfigError: What is missing or unknown, and the nearest that is known.
    """
    return tuple(choose_model(part.strip(), base_url) for part in text.split(","))


def choose_model(text: str, base_url: str = "") -> ModelChoice:
    """A model from ``PROVIDER:NAME``.

    Raises:
        ConfigError: What is missing or unknown, and the nearest that is known.
    """
    _check_url(base_url)
    provider, colon, name = text.partition(":")
    if not colon or not name.strip():
        raise ConfigError(f"--model {text!r}: say PROVIDER:NAME, e.g. anthropic:claude-opus-4-7")
    for protocol in KEY_VARIABLE:
        if provider == protocol:
            return ModelChoice(protocol, name.strip(), base_url)
    raise ConfigError(f"--model {text}: unknown provider; {suggestion(provider, KEY_VARIABLE)}")


def _check_url(url: str) -> None:
    """A key goes to this address, and the address into the session."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"--base-url: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"--base-url {host or url[:60]!r}: expected https://HOST[:PORT]/PATH")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError("--base-url: no user, password or query in it; keys go by environment")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ConfigError(f"--base-url: http sends the key in the clear to {host}; use https")


LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def missing_for(choice: ModelChoice, environment: Mapping[str, str]) -> str:
    """What this model needs and is not there, in one line; empty when nothing is missing."""
    variable = KEY_VARIABLE[choice.protocol]
    if not environment.get(variable) and not choice.base_url:
        return f"{variable} is not set: {choice} needs a key"
    if importlib.util.find_spec("pydantic_ai") is None or not _sdk_is_there(choice):
        return f"{choice} needs the extra: {INSTALL}"
    return ""


def check_price(choice: ModelChoice) -> None:
    """A limit in money blocks only where prices are known.

    Raises:
        ConfigError: The maintained table has no price for this model.
    """
    from genai_prices import Usage, calc_price

    provider = "anthropic" if choice.protocol == "anthropic" else "openai"
    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), choice.name, provider_id=provider)
    except LookupError:
        raise ConfigError(
            f"--max-cost: no price is known for {choice}; limit --max-tokens instead"
        ) from None


def _sdk_is_there(choice: ModelChoice) -> bool:
    sdk = "anthropic" if choice.protocol == "anthropic" else "openai"
    return importlib.util.find_spec(sdk) is not None


def make_model(
    choice: ModelChoice, environment: Mapping[str, str], within_s: float = ANSWER_WITHIN_S
) -> Model:
    """The model behind its SDK. Nothing is sent yet.

    Raises:
        ConfigError: The key is missing, or the extra is not installed.
    """
    missing = missing_for(choice, environment)
    if missing:
        raise ConfigError(missing)
    # Endpoints on one's own machine ask for no key, and the SDKs for any.
    key = environment.get(KEY_VARIABLE[choice.protocol]) or "none"
    try:
        return _make(choice, key, within_s)
    except ImportError as error:
        raise ConfigError(f"{choice} needs the extra: {INSTALL} ({error})") from None


def _make(choice: ModelChoice, key: str, within_s: float) -> Model:
    url: Any = choice.base_url or None
    if choice.protocol == "anthropic":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        claude = AsyncAnthropic(
            api_key=key, base_url=url, max_retries=SDK_RETRIES, timeout=within_s
        )
        return AnthropicModel(choice.name, provider=AnthropicProvider(anthropic_client=claude))
    from openai import AsyncOpenAI
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(
        openai_client=AsyncOpenAI(
            api_key=key, base_url=url, max_retries=SDK_RETRIES, timeout=within_s
        )
    )
    if choice.protocol == "openai":
        from pydantic_ai.models.openai import OpenAIResponsesModel

        return OpenAIResponsesModel(choice.name, provider=provider)
    from pydantic_ai.models.openai import OpenAIChatModel

    return OpenAIChatModel(choice.name, provider=provider)


def settings_for(
    choice: ModelChoice, temperature: float | None = None, within_s: float = ANSWER_WITHIN_S
) -> dict[str, Any]:
    """Settings of every request: prompt caching where the provider has it, a bounded answer."""
    settings: dict[str, Any] = {"max_tokens": 16_000, "timeout": within_s}
    if temperature is not None:
        settings["temperature"] = temperature
    if choice.protocol == "anthropic":
        settings["anthropic_cache"] = True
        settings["anthropic_cache_tool_definitions"] = True
        settings["anthropic_cache_instructions"] = True
    return settings
