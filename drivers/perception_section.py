"""``[perception]`` of a cell file: how things are found in its pictures, and where servers are.

The first stack is the one programs get; a call may ask for another one by name.
"""

from __future__ import annotations

from typing import Literal

import msgspec

StackName = Literal["classical", "server", "vlm"]
"""classical: colour, size, shape. server: segmentation and pointing servers. vlm: the model."""


class PerceptionSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses are ``http://HOST:PORT``; empty: there is no such server."""

    stack: StackName = "classical"
    segment_url: str = ""
    """Speaks ``/segment`` and ``/segment_point`` as CaP-X's SAM3 server does."""
    point_url: str = ""
    """An OpenAI-style ``/chat/completions`` that answers ``Point at …``, up to ``/v1``."""
    point_model: str = "allenai/Molmo2-8B"
    within_s: float = 60.0
    """How long a server may take."""
