"""The spellings in which a secret turns up in logs, headers, error texts and other languages."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}")


def spellings(secret: str) -> Iterator[str]:
    """Every spelling, the plain one first; the same one may come twice."""
    raw = secret.encode()
    for plain in (secret, secret[::-1]):
        yield plain
        yield from _escaped(plain)
    hexed = raw.hex()
    for digits in (hexed, hexed.upper()):
        yield digits
        for between in (":", " ", "\\x", "%"):
            yield between.join(digits[n : n + 2] for n in range(0, len(digits), 2))
    yield base64.b32encode(raw).decode().rstrip("=")
    for spelled in dict.fromkeys((secret, quote(secret, safe=""), json.dumps(secret)[1:-1])):
        yield from _base64(spelled.encode())
    yield from _base64(secret.encode("utf-16-le"))


def _escaped(text: str) -> Iterator[str]:
    for encoded in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)
    yield quote(quote(text, safe=""), safe="")
    once = json.dumps(text)[1:-1]
    yield once
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield once.replace("/", "\\/")
    yield json.dumps(once)[1:-1]
    yield repr(text)[1:-1]
    yield html.escape(text)
    yield "".join(f"\\u{ord(c):04x}" for c in text)


def _base64(raw: bytes) -> Iterator[str]:
    """Inside a longer base64 text the value starts at one of three bit offsets; the characters it
    shares with its neighbours are left out."""
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * offset + raw).decode().rstrip("=")
            head = -(-offset * 8 // 6)
            whole = (offset + len(raw)) * 8 // 6
            yield encoded[head:whole]


def shape(form: str) -> str:
    """A pattern for a spelling; what may be base64 may be broken into lines, also escaped ones."""
    if _BASE64.fullmatch(form):
        return r"(?:\\r|\\n|\s)*".join(map(re.escape, form))
    return re.escape(form)
