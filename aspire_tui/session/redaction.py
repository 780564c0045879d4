"""Keeping secrets out of the session file: exact values in the forms they travel in, and patterns.

A match becomes ``[redacted:xxxxxxxx]``, the start of its sha256, so that two appearances of one
secret can be told to be the same without telling what it was. A value that is cut in two, by a
stream or by two events, is recognised by a piece of :data:`SHORTEST_PIECE` characters at the edge
of a text; :class:`HeldTail` keeps back the end of a stream until it is known not to be one.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from aspire_tui.session.spellings import shape, spellings

SHORTEST_SECRET: Final = 8
"""Exact values shorter than this would redact ordinary words; they are refused."""
SHORTEST_PIECE: Final = 6
"""Characters at the edge of a text that give away a value cut in two."""

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
    | (?<=[Bb]asic[ ])[A-Za-z0-9+/]{16,}={0,2}
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
    rb"-----BEGIN|sk-|gh[pousr]_|github_pat_|glpat-|AKIA|ASIA|AIza|hf_|xox[abprs]-|eyJ|earer "
    rb"|asic |://|(?i:api.?key|token|secret|passw)"
)
"""Cheap sign that a body may match; most bodies show none and are left as they are."""
_SECRET_NAME: Final = re.compile(r"(?:API_?KEY|TOKEN|SECRET|PASSW(?:OR)?D|CREDENTIALS?)$", re.I)


def secrets_among(environment: Mapping[str, str]) -> list[str]:
    """Values of variables whose names say that they are secret, long enough to be told apart."""
    return sorted(
        {
            value
            for name, value in environment.items()
            if _SECRET_NAME.search(name) and len(value) >= SHORTEST_SECRET
        }
    )


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
        forms = sorted({f for v in values for f in spellings(v)}, key=len, reverse=True)
        self.forms: tuple[str, ...] = tuple(forms)
        self._exact = re.compile("|".join(shape(form) for form in forms)) if forms else None
        self._starts = {form[:SHORTEST_PIECE] for form in forms if len(form) > SHORTEST_PIECE}
        self._ends = {form[-SHORTEST_PIECE:] for form in forms if len(form) > SHORTEST_PIECE}

    def text(self, text: str) -> str:
        """The same text without secrets, and without their pieces at its edges."""
        if self._exact is not None:
            text = self._exact.sub(lambda match: _mark(match[0]), text)
            text = self._edges(text)
        text = _PATTERNS.sub(lambda match: _mark(match[0]), text)
        return _NAMED_VALUE.sub(_named_value, text)

    def value(self, value: Any) -> Any:
        """The same JSON value without secrets in its strings and keys."""
        match value:
            case str():
                return self.text(value)
            case list() | tuple():
                return [self.value(item) for item in value]
            case dict():
                return {self.text(str(key)): self.value(item) for key, item in value.items()}
        return value

    def body(self, body: bytes) -> bytes:
        """The same JSON without secrets in its strings and keys."""
        if self._exact is None and not _HINT.search(body):
            return body
        value = msgspec.json.decode(body)
        clean = self.value(value)
        return body if clean == value else msgspec.json.encode(clean)

    @staticmethod
    def reads(media: str) -> bool:
        """Whether bytes of this media type are text that is looked through."""
        return media.startswith(("text/", "application/json"))

    def blob(self, media: str, data: bytes) -> bytes:
        """The same bytes; texts are redacted, pictures and arrays are left alone."""
        if not self.reads(media) or (self._exact is None and not _HINT.search(data)):
            return data
        text = data.decode("utf-8", "surrogateescape")
        return self.text(text).encode("utf-8", "surrogateescape")

    def held_at_end(self, text: str) -> int:
        """How many characters at the end may be the beginning of a secret that goes on."""
        return max((_begun(form, text) for form in self.forms), default=0)

    def _edges(self, text: str) -> str:
        """Pieces of a value that was cut in two: one end here, the other in another text."""
        if len(text) < SHORTEST_PIECE:
            return text
        if any(start in text for start in self._starts):
            begun = self.held_at_end(text)
            if begun >= SHORTEST_PIECE:
                text = text[:-begun] + _mark(text[-begun:])
        if any(end in text for end in self._ends):
            ended = max((_ended(form, text) for form in self.forms), default=0)
            if ended >= SHORTEST_PIECE:
                text = _mark(text[:ended]) + text[ended:]
        inner = text.strip()
        if len(inner) >= SHORTEST_PIECE and any(inner in form for form in self.forms):
            return text.replace(inner, _mark(inner))
        return text


class HeldTail:
    """A stream of text without secrets: its end is kept back while it may be the start of one.

    What :meth:`feed` gives out is clean; :meth:`end` gives the rest.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, chunk: str) -> str:
        """The part of the stream that is known by now to be clean."""
        text = self._held + chunk
        keep = self._redactor.held_at_end(text)
        # A pattern has no fixed length: nothing after the last blank is given out either.
        keep = max(keep, len(text) - 1 - max(text.rfind(c) for c in " \n\t"))
        keep = max(keep, _open_block(text))
        keep = min(keep, len(text), LONGEST_HELD)
        self._held = text[len(text) - keep :]
        return self._redactor.text(text[: len(text) - keep])

    def end(self) -> str:
        rest, self._held = self._held, ""
        return self._redactor.text(rest)


LONGEST_HELD: Final = 8192
"""Characters without a blank after which a stream is not a key any more."""


def _open_block(text: str) -> int:
    """How many characters a key block takes whose end has not come yet."""
    begun = text.rfind("-----BEGIN")
    if begun < 0 or "-----END" in text[begun:]:
        return 0
    return len(text) - begun


def _begun(form: str, text: str) -> int:
    """The longest proper start of ``form`` that ``text`` ends with."""
    for length in range(min(len(form) - 1, len(text)), 0, -1):
        if text.endswith(form[:length]):
            return length
    return 0


def _ended(form: str, text: str) -> int:
    """The longest proper end of ``form`` that ``text`` starts with."""
    for length in range(min(len(form) - 1, len(text)), 0, -1):
        if text.startswith(form[-length:]):
            return length
    return 0


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
