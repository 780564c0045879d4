"""The worker's link to the engine, for code that must not block: one question at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from aspire_tui.domain import JSON
from aspire_tui.improvement.remote import RemoteTools


@dataclass
class Link:
    """Uses the blocking tools from threads, in turn."""

    tools: RemoteTools
    _guard: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def busy(self) -> bool:
        """A tool is being answered now."""
        return self._guard.locked()

    async def use(self, tool: str, args: Mapping[str, JSON]) -> JSON:
        async with self._guard:
            return await asyncio.to_thread(self.tools.use, tool, args)

    async def report(self, what: str, fields: Mapping[str, JSON]) -> JSON:
        async with self._guard:
            return await asyncio.to_thread(self.tools.report, what, fields)
