"""Keeping secrets out of the session file: exact values in the forms they travel in, and patterns.

A match becomes ``[redacted:xxxxxxxx]``, the start of its sha256, so that two appearances of one
secret can be told to be the same without telling what it was. A value split over two events is not
found here; exact values are taken out of the agent's stream before it is cut into events.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote, quote_plus

import msgspec

SHORTEST_SECRET: Final = 8
"""Exact values shorter than this would redact ordinary words; they are refused."""

MARK: Final = b"[redacted:"
"""How every mark begins."""

_LEAST_ENTROPY_BITS: Final = 3.3

_PATTERNS: Final = re.compile(
    r"""
    -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | (?<![A-Za-z0-9])(?:
          sk-[A-Za-z0-9_-]{16,}
        | gh[pousr]_[A-Za-z0-9]{20,}
        | github_pat_[A-Za-z0-9_]{20,}
        | glpat-[A-Za-z0-9_-]{16,}
        | (?:AKIA|ASIA)[A-Z0-9]{16}
        | AIza[0-9A-Za-z_-]{35}
        | hf_[A-Za-z0-9]{20,}
        | xox[abprs]-[A-Za-z0-9-]{10,}
        | eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}
      )
    | (?<=[Bb]earer[ ])[A-Za-z0-9._~+/=-]{16,}
    | (?<=://)[^/\s:@"]{1,64}:[^/\s:@"]{3,}(?=@)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAMED_VALUE: Final = re.compile(
    r"""((?:api[_-]?key|token|secret|passw(?:or)?d)["']?\s{0,4}[:=]\s{0,4}["']?)"""
    r"""([A-Za-z0-9+/_.~=-]{16,})""",
    re.IGNORECASE,
)
_HINT: Final = re.compile(
    rb"-----BEGIN|sk-|gh[pousr]_|github_pat_|glpat-|AKIA|ASIA|AIza|hf_|xox[abprs]-|eyJ|earer |://"
    rb"|(?i:api.?key|token|secret|passw)"
)
"""Cheap sign that a body may match; most bodies show none and are left as they are."""


class Redactor:
    """Takes secrets out of events and texts before they are written.

    Args:
        secrets: Exact values, such as the keys an agent was started with.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = sorted(set(secrets))
        short = [value for value in values if len(value) < SHORTEST_SECRET]
        if short:
            raise ValueError(f"a secret is shorter than {SHORTEST_SECRET} characters")
        forms = sorted({f for value in values for f in _forms(value)}, key=len, reverse=True)
        self._exact = re.compile("|".join(map(re.escape, forms))) if forms else None
        self._exact_bytes = (
            re.compile(b"|".join(re.escape(form.encode()) for form in forms)) if forms else None
        )
        self._hide_in_escapes = any(json.dumps(value)[1:-1] != value for value in values)

    def text(self, text: str) -> str:
        """The same text without secrets."""
        if self._exact is not None:
            text = self._exact.sub(lambda match: _mark(match[0]), text)
        text = _PATTERNS.sub(lambda match: _mark(match[0]), text)
        return _NAMED_VALUE.sub(_named_value, text)

    def body(self, body: bytes) -> bytes:
        """The same JSON without secrets in its strings and keys."""
        if not self._may_hold(body):
            return body
        value = msgspec.json.decode(body)
        clean = self._value(value)
        return body if clean == value else msgspec.json.encode(clean)

    @staticmethod
    def reads(media: str) -> bool:
        """Whether bytes of this media type are text that is looked through."""
        return media.startswith(("text/", "application/json"))

    def blob(self, media: str, data: bytes) -> bytes:
        """The same bytes; texts are redacted, pictures and arrays are left alone."""
        if not self.reads(media) or not self._may_hold(data):
            return data
        text = data.decode("utf-8", "surrogateescape")
        return self.text(text).encode("utf-8", "surrogateescape")

    def _may_hold(self, data: bytes) -> bool:
        if self._hide_in_escapes or _HINT.search(data):
            return True
        return self._exact_bytes is not None and self._exact_bytes.search(data) is not None

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._value(item) for item in value]
            case dict():
                return {self.text(key): self._value(item) for key, item in value.items()}
        return value


def _mark(secret: str) -> str:
    return f"[redacted:{hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:8]}]"


def _named_value(match: re.Match[str]) -> str:
    """A value beside a name such as API_KEY goes when it looks drawn at random."""
    value = match[2]
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    if not mixed or _entropy_bits(value) < _LEAST_ENTROPY_BITS:
        return match[0]
    return match[1] + _mark(value)


def _entropy_bits(text: str) -> float:
    """Shannon entropy per character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _forms(secret: str) -> Iterator[str]:
    """The spellings in which a value turns up in logs, headers and error texts."""
    raw = secret.encode()
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield raw.hex()
    yield raw.hex().upper()
    for offset in range(3):
        # Inside a longer base64 text the value starts at one of three bit offsets; the characters
        # it shares with its neighbours are left out.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * offset + raw).decode().rstrip("=")
            head = -(-offset * 8 // 6)
            whole = (offset + len(raw)) * 8 // 6
            yield encoded[head:whole]
