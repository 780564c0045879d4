from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from aspire_tui.engine.protocol import PROTO, Command, Verb, read_command, refusal


@pytest.mark.parametrize("verb", get_args(Verb))
@pytest.mark.parametrize("role", ["viewer", "agent"])
def test_viewers_and_agents_may_hold_and_nothing_that_moves(verb: str, role: str) -> None:
    said = refusal(Command(PROTO, "1", verb, "someone", role))
    assert (said == "") == (verb in ("hello", "hold"))


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
