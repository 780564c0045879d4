"""Ten secrets, two hundred times: in the spellings and places in which secrets escape."""

from __future__ import annotations

import base64
import html
import json
import random
import string
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import msgspec

from aspire_tui.domain import Blob, RunSpec, sha256_hex
from aspire_tui.events import (
    AgentSaid,
    AgentTool,
    AgentTurn,
    AnyEvent,
    Attached,
    CallIntent,
    CallResult,
    HypothesisOpened,
    Note,
    OperatorAct,
    ProgramEnded,
    ProgramStored,
)

from story import opening  # isort: skip


class Canary(NamedTuple):
    """One secret, the text it hides in, and how it was spelled."""

    secret: str
    text: str
    spelling: str


SPELLINGS = {
    "plain": lambda s: f"key {s} end",
    "url": lambda s: f"https://api.example.org/v1?key={quote(s, safe='')}&n=1",
    "url plus": lambda s: f"key={quote_plus(s)}",
    "url lower": lambda s: f"key={quote(s, safe='').replace('%2F', '%2f').replace('%2B', '%2b')}",
    "url twice": lambda s: quote(quote(s, safe=""), safe=""),
    "hex": lambda s: f"bytes {s.encode().hex()}",
    "HEX": lambda s: s.encode().hex().upper(),
    "hex colons": lambda s: s.encode().hex(":"),
    "hex escapes": lambda s: "".join(f"\\x{b:02x}" for b in s.encode()),
    "json": lambda s: json.dumps({"headers": {"x-api-key": s}}),
    "json in json": lambda s: json.dumps(json.dumps({"k": s})),
    "unicode escapes": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "html": lambda s: f"<code>{html.escape(s)}</code>",
    "repr": lambda s: f"KeyError: {s!r}",
    "base64 0": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 1": lambda s: base64.b64encode(b"u" + s.encode() + b"!").decode(),
    "base64 2": lambda s: base64.b64encode(b"us" + s.encode() + b"!!").decode(),
    "base64url": lambda s: base64.urlsafe_b64encode(b"user:" + s.encode()).decode(),
    "base64 lines": lambda s: base64.encodebytes(b"x" * 50 + s.encode() + b"y" * 50).decode(),
    "base64 of utf-16": lambda s: base64.b64encode(s.encode("utf-16-le")).decode(),
    "base32": lambda s: base64.b32encode(s.encode()).decode(),
    "reversed": lambda s: s[::-1],
}


def canaries(seed: int, count: int = 200) -> list[Canary]:
    rng = random.Random(seed)
    letters = string.ascii_letters + string.digits
    starts = ["", "sk-ant-", "k/", "p+w=", 'q"\\', "pä&", "", "AKIA", "x", "<&>"]
    secrets = [start + "".join(rng.choices(letters, k=rng.randint(20, 44))) for start in starts]
    pairs = [(s, name) for name in SPELLINGS for s in secrets]
    rng.shuffle(pairs)
    return [Canary(s, SPELLINGS[name](s), name) for s, name in pairs[:count]]


def events_with(number: int, text: str) -> tuple[list[AnyEvent], dict[str, tuple[str, bytes]]]:
    """One text in one of the places through which text comes into a session."""
    program = f"# {text}\nmove()".encode()
    name = sha256_hex(program)
    blob = Blob(name, "text/x-python", len(program))
    spec = RunSpec("exec", ("t",), "c", text, 1, False, opening().spec.budget, program=text)
    places: list[list[AnyEvent]] = [
        [AgentSaid(text)],
        [AgentTurn(True, text)],
        [AgentTool("fetch", {"url": text, text: [text]}, text)],
        [CallIntent(1, 1, number, "say", {"text": [{"deep": text}]}, 1, 0.0)],
        [CallResult(1, 1, number, "say", "OK", text, 0.1, 0.1, value={"a": text})],
        [ProgramEnded(number, 1, "raised", f"ValueError: {text}", None, "", 0)],
        [ProgramEnded(number, 1, "returned", "", None, f"out\n{text}\n", 0)],
        [HypothesisOpened(number, None, text, text, text, "p", text)],
        [OperatorAct("1", "say", "ann", "operator", True, text, {"text": text})],
        [Note(text, "warn", "http")],
        [ProgramStored(name, blob, "llm"), Attached("skill", text, blob)],
        [msgspec.structs.replace(opening(), spec=spec)],
    ]
    return places[number % len(places)], {name: ("text/x-python", program)}


def traces(canary: Canary) -> Iterator[bytes]:
    """What must be nowhere: the text's core as it was spelled, and the plain secret."""
    yield canary.secret.encode()
    yield canary.secret[2:-2].encode()
    if canary.spelling == "base64 lines":
        core = base64.b64encode(b"xx" + canary.secret.encode()).decode()[4:-4]
        yield from (core[n : n + 14].encode() for n in range(0, len(core) - 14, 3))
        return
    core = SPELLINGS[canary.spelling](canary.secret)
    for piece in core.split():
        if len(piece) >= 20 and canary.spelling.startswith(("base", "hex", "HEX", "url t")):
            yield piece[4:-4].encode()
