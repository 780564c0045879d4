from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from aspire_tui.engine.protocol import (
    PROTO,
    Command,
    Speaks,
    Verb,
    handshake,
    pack,
    read_command,
    refusal,
)


@pytest.mark.parametrize("verb", get_args(Verb))
@pytest.mark.parametrize("role", ["viewer", "agent"])
def test_viewers_and_agents_may_hold_and_nothing_that_moves(verb: str, role: str) -> None:
    said = refusal(Command(PROTO, "1", verb, "someone", role))
    watching = ("present", "leave") if role == "viewer" else ()
    assert (said == "") == (verb in ("hello", "hold", *watching))


@pytest.mark.parametrize("verb", get_args(Verb))
def test_an_operator_may_ask_for_anything(verb: str) -> None:
    assert refusal(Command(PROTO, "1", verb, "op")) == ""


def test_another_protocol_is_refused_by_number() -> None:
    assert "protocol" in refusal(Command(PROTO + 1, "1", "hold", "op"))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"proto":1}', b'{"proto":1,"id":"1","verb":"fly","who":"x"}', b"\xff"]
)
def test_what_is_not_a_command_is_not_decoded(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_command(body)


@pytest.mark.parametrize(
    ("ours", "theirs", "read_only", "said"),
    [
        (1, 1, False, ""),
        (2, 1, True, ""),
        (1, 2, True, "attach with: /opt/py -m aspire_tui.cli attach s1"),
    ],
)
def test_one_major_works_together_and_a_newer_engine_names_its_own_command(
    ours: int, theirs: int, read_only: bool, said: str
) -> None:
    engine = Speaks(theirs, "9.9", "/opt/py -m aspire_tui.cli")
    met = handshake(Speaks(ours, "0.1.0"), engine, "s1")
    assert met.read_only is read_only
    assert said in met.refused and bool(met.refused) == bool(said)


def test_every_protocol_may_ask_what_this_one_is() -> None:
    assert refusal(Command(PROTO + 1, "1", "hello", "someone")) == ""
    assert "speaks protocol" in refusal(Command(PROTO + 1, "1", "resume", "someone"))


def test_a_command_without_a_screen_reads_like_one_of_an_older_client() -> None:
    assert b"console" not in pack(Command(PROTO, "1", "hello", "someone"))
