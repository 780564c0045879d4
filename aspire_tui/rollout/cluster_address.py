"""Where a Dask scheduler answers, as an operator writes it."""

from __future__ import annotations

from typing import Final

from aspire_tui.errors import ConfigError

SCHEME: Final = "dask://"
PORT: Final = 8786


def scheduler_of(executor: str) -> str:
    """``dask://HOST[:PORT]`` as Dask writes it.

    Raises:
        ConfigError: It is not of this form.
    """
    host, _, port = executor.removeprefix(SCHEME).strip("/").partition(":")
    if not executor.startswith(SCHEME) or not host or (port and not port.isdigit()):
        raise ConfigError(f"--executor {executor}: expected local, or dask://HOST[:PORT]")
    return f"tcp://{host}:{port or PORT}"
