"""A draft of a running session is promoted by its engine, and the command says what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stopped_clock import StoppedClock
from story import BLOBS, opening

from aspire_tui.commands.live_promotion import LiveSession
from aspire_tui.engine.protocol import Reply
from aspire_tui.errors import ConfigError
from aspire_tui.events import SkillRuled
from aspire_tui.session.recorder import Recorder


class Engine:
    """Answers a promotion, and writes what its gate said as an engine does."""

    def __init__(self, recorder: Recorder, accepts: bool, standing: str) -> None:
        self.recorder, self.accepts, self.standing = recorder, accepts, standing
        self.asked: list[dict[str, Any]] = []

    def send(self, verb: str, args: dict[str, Any]) -> Reply:
        assert verb == "promote"
        self.asked.append(args)
        if self.standing:
            others = SkillRuled("mine", "draft", id="another")
            ruled = SkillRuled("mine", self.standing, ("a second task",), id="c1")  # type: ignore[arg-type]
            self.recorder.append([others, ruled], {})
        return Reply("c1", self.accepts, "" if self.accepts else "a promotion by ann is under way")


def told(tmp_path: Path, accepts: bool, standing: str) -> tuple[SkillRuled, dict[str, Any]]:
    path = tmp_path / "live.db"
    with Recorder.create(path, clock=StoppedClock(), ballast_bytes=0) as recorder:
        recorder.append([opening()], BLOBS)
        engine = Engine(recorder, accepts, standing)
        said = LiveSession(path, engine).promote("mine", [tmp_path / "other.db"], "why")  # type: ignore[arg-type]
        return said, engine.asked[0]


@pytest.mark.parametrize(("accepts", "standing"), [(True, "admitted"), (False, "refused")])
def test_what_the_engine_ruled_is_the_answer(tmp_path: Path, accepts: bool, standing: str) -> None:
    said, asked = told(tmp_path, accepts, standing)
    assert (said.standing, said.missing) == (standing, ("a second task",))
    assert asked["step"] == "confirm" and asked["evidence"] == [str(tmp_path / "other.db")]


def test_an_engine_that_is_at_another_promotion_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="by ann is under way"):
        told(tmp_path, False, "")
