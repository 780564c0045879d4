"""Secrets never enter the file, in whatever spelling they come; other text is left alone."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from story import story

from aspire_tui.domain import Blob, sha256_hex
from aspire_tui.events import AgentSaid, AgentTool, ProgramEnded, ProgramStored, decode, encode
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.redaction import Redactor

KEY = "pa55/w0rd+of=the&cell"
SPELLINGS = [
    KEY,
    quote(KEY, safe=""),
    json.dumps({"k": KEY}),
    KEY.encode().hex(),
    *(base64.b64encode(b"x" * n + KEY.encode() + b"tail").decode() for n in range(3)),
    *(base64.urlsafe_b64encode(b"user:"[n:] + KEY.encode()).decode() for n in range(3)),
]
PATTERNS = [
    "sk-ant-api03-abcdefghijklmnop_QRSTUV",
    "ghp_0123456789abcdefghijABCDEFGHIJ",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abc.sflKxwRJSMeKKF2QT4",
    "Bearer abcdefghijklmnop1234",
    "OPENAI_API_KEY=q8fJ2mZ0x91kLwPb77TtaaQ",
    "postgres://robot:hunter22@db/cell",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_known_value_goes_in_every_spelling(text: str) -> None:
    clean = Redactor([KEY]).text(f"before {text} after")
    assert clean.startswith("before ") and clean.endswith(" after")
    assert "[redacted:" in clean
    for spelling in (KEY, quote(KEY, safe=""), KEY.encode().hex(), KEY[2:-2]):
        assert spelling not in clean


@pytest.mark.parametrize("text", PATTERNS)
def test_what_looks_like_a_secret_goes(text: str) -> None:
    said = AgentSaid(f"see:\n{text}\nand go on")
    clean = Redactor().body(encode(said))
    assert b"[redacted:" in clean
    assert text.encode() not in clean and json.dumps(text)[1:-1].encode() not in clean
    assert decode(clean).text.endswith("\nand go on")


@pytest.mark.parametrize(
    "text",
    [
        "task-cube_stack_at_the_back_of_the_table",
        "risk-assessment-of-the-cell-2024-01",
        "tokens: 123456789012345678",
        "token = segment_text_prompt_result",
        "the secret: hold_the_gripper_level_always",
        "https://docs.example.org/a:b@c",
        sha256_hex(b"a program"),
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Redactor([KEY]).text(text) == text


def test_the_same_secret_is_told_to_be_the_same() -> None:
    redactor = Redactor([KEY, "another-secret"])
    first, again, other = (redactor.text(t) for t in (KEY, KEY, "another-secret"))
    assert first == again != other


def test_a_short_value_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 8"):
        Redactor(["abc"])


@given(seed=st.integers(0, 10**6))
def test_events_without_secrets_are_untouched(seed: int) -> None:
    redactor = Redactor([KEY])
    for event in story(seed, 2):
        assert redactor.body(encode(event)) == encode(event)


def test_no_byte_of_a_secret_reaches_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    program = f"KEY = {KEY!r}\n".encode()
    name = sha256_hex(program)
    recorder = Recorder.create(path, redactor=Redactor([KEY]), ballast_bytes=0)
    recorder.append(
        [
            AgentSaid(f"{KEY} and {PATTERNS[0]}"),
            AgentTool("fetch", {"headers": {KEY: [KEY]}}, base64.b64encode(KEY.encode()).decode()),
            ProgramEnded(1, 1, "raised", f"KeyError: '{KEY}'", None, json.dumps([KEY]), 0),
            ProgramStored(name, Blob(name, "text/x-python", len(program)), "llm"),
        ],
        {name: ("text/x-python", program)},
    )
    written = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    recorder.close()
    written += path.read_bytes()
    for spelling in (*SPELLINGS, PATTERNS[0]):
        assert spelling.encode() not in written
    with SessionReader(path) as reader:
        row = reader.program(name)
        assert row is not None and row.text.startswith("KEY = '[redacted:")
        assert [p for p in reader.verify() if "first event" not in p.what] == []
