"""No secret in no spelling through no door: not in the database, its log, a pack or an answer."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from canaries import canaries, events_with, traces
from hypothesis import given
from hypothesis import strategies as st
from story import opening

from aspire_tui.events import AgentSaid, Note
from aspire_tui.session.pack import pack
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.redaction import HeldTail, Redactor, secrets_among
from aspire_tui.session.summary import exec_summary, run_summary

KEY = "zQ7/w0rd+of=the&cell-9xT"
CANARIES = canaries(1)


def hits(files: list[bytes]) -> list[str]:
    return [
        f"{n}: {canary.spelling}"
        for n, canary in enumerate(CANARIES)
        if any(trace in data for trace in traces(canary) for data in files)
    ]


def write_all(path: Path, redactor: Redactor) -> Recorder:
    recorder = Recorder.create(path, redactor=redactor, ballast_bytes=0)
    recorder.append([opening()])
    for n, canary in enumerate(CANARIES):
        events, blobs = events_with(n, canary.text)
        recorder.append(events, blobs)
    return recorder


def test_200_canaries_leave_no_trace_while_recording_or_after(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    recorder = write_all(path, Redactor({c.secret for c in CANARIES}))
    files = [p.read_bytes() for p in tmp_path.iterdir()]
    assert any(len(data) > 100_000 for data in files)
    with SessionReader(path) as reader:
        files.append(msgspec.json.encode([run_summary(reader), reader.events()]))
        files.append(msgspec.json.encode(exec_summary(reader)))
    pack(path, tmp_path / "packed.db")
    recorder.close()
    files += [p.read_bytes() for p in tmp_path.iterdir()]
    assert hits(files) == []


def test_the_canaries_are_found_where_nothing_is_redacted(tmp_path: Path) -> None:
    """Or the test before would prove nothing."""
    write_all(tmp_path / "s.db", Redactor()).close()
    found = hits([(tmp_path / "s.db").read_bytes()])
    assert len(found) > 140


def test_a_pack_takes_out_what_the_recorder_did_not_know(tmp_path: Path) -> None:
    path, packed = tmp_path / "s.db", tmp_path / "packed.db"
    write_all(path, Redactor()).close()
    told = pack(path, packed, redactor=Redactor({c.secret for c in CANARIES}))
    assert told.redacted_events > 100 and told.redacted_texts > 10
    assert hits([packed.read_bytes()]) == []
    with SessionReader(path) as old, SessionReader(packed) as new:
        assert new.verify() == []
        assert new.last_seq() == old.last_seq() + 1
        assert "taken out of" in new.event(new.last_seq()).event.text
        assert new.snapshot(old.last_seq()).trials_opened == old.snapshot().trials_opened
        assert [(t.trial, t.outcome) for t in new.trials()] == [
            (t.trial, t.outcome) for t in old.trials()
        ]


@given(cut=st.integers(1, len(KEY) - 1))
def test_a_key_cut_over_two_events_cannot_be_put_together(cut: int) -> None:
    redactor = Redactor([KEY])
    first = redactor.text(f"the key is {KEY[:cut]}")
    second = redactor.text(f"{KEY[cut:]} and that was it")
    joined = first + second
    assert KEY not in joined
    assert KEY[:cut] not in joined or KEY[cut:] not in joined
    assert "[redacted:" in joined


@given(
    cuts=st.lists(st.integers(0, 400), max_size=40),
    spelling=st.sampled_from(sorted(Redactor([KEY]).forms, key=len)[:40]),
    before=st.text("abc \n", max_size=20),
)
def test_a_stream_gives_no_piece_of_a_key_away(cuts: list[int], spelling: str, before: str) -> None:
    whole = f"{before} {spelling} after"
    held = HeldTail(Redactor([KEY]))
    edges = sorted({0, *(c for c in cuts if c < len(whole)), len(whole)})
    given_out = [held.feed(whole[a:b]) for a, b in pairwise(edges)]
    given_out.append(held.end())
    out = "".join(given_out)
    assert spelling not in out and "[redacted:" in out
    assert out.startswith(before) and out.endswith(" after")


def test_a_stream_of_ordinary_text_comes_out_as_it_went_in() -> None:
    rng = random.Random(2)
    text = " ".join(
        rng.choice(["cube", "goto_pose(p, q)", "0.25", "zQ7", "\n"]) for _ in range(400)
    )
    held = HeldTail(Redactor([KEY]))
    assert "".join([*map(held.feed, text), held.end()]) == text


def test_a_key_block_is_held_until_it_ends() -> None:
    held = HeldTail(Redactor())
    lines = [
        "-----BEGIN EC PRIVATE KEY-----\n",
        "MHcCAQEE\n",
        "-----END EC PRIVATE KEY-----\n",
        "on\n",
    ]
    out = "".join([*map(held.feed, lines), held.end()])
    assert "MHcCAQEE" not in out and out.endswith("on\n")


@pytest.mark.parametrize("end", [Note, AgentSaid])
def test_what_was_written_reads_back_with_marks_in_place(tmp_path: Path, end: type) -> None:
    with Recorder.create(tmp_path / "s.db", redactor=Redactor([KEY]), ballast_bytes=0) as recorder:
        recorder.append([opening(), end(f"a {KEY} b")])
    with SessionReader(tmp_path / "s.db") as reader:
        assert reader.event(2).event.text.startswith("a [redacted:")
        assert reader.verify() == []


def test_keys_are_known_by_the_names_of_their_variables() -> None:
    environment = {
        "OPENAI_API_KEY": KEY,
        "HF_TOKEN": "hf-abcdefgh",
        "PATH": "/usr/bin",
        "TOKEN": "x",
    }
    assert secrets_among(environment) == sorted([KEY, "hf-abcdefgh"])
