"""The experiment on context stops between two failures, and goes on without doing one twice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from aspire_tui.commands.economy_file import EconomyFile, identity_of
from aspire_tui.environment.task_file import SHIPPED, find_task
from aspire_tui.errors import ConfigError
from aspire_tui.improvement.llm.asking import Asking
from aspire_tui.improvement.llm.context_trial import ContextTrial, SoFar
from aspire_tui.session.redaction import Redactor
from tests.improvement.desk import Desk
from tests.improvement.loopback import Loopback, Says, Use
from tests.improvement.test_llm import model_at

CALL = {"call": 1, "primitive": "find", "status": "NOT_FOUND", "line": 1, "duration_s": 0.1,
        "summary": "nothing", "args": {"name": "blue cube"}}  # fmt: skip
FINISH = Says("", (Use("finish", json.dumps({"summary": "no"})),))


def cell(ran: list[int]) -> Desk:
    """Every second scene fails at its first call."""

    def run(args: dict[str, Any]) -> list[dict[str, Any]]:
        ran.extend(args["seed_indices"])
        return [
            {"trial": 100 + i, "seed_index": i, "outcome": "FAIL" if i % 2 else "PASS",
             "ended": "returned", "reason": "", "implicated": 1} for i in args["seed_indices"]
        ]  # fmt: skip

    numbers = iter((1, 2))
    task = msgspec.to_builtins(find_task("cube_lift", (SHIPPED,)))
    return Desk({"task": task, "run": run, "calls": [CALL], "call": CALL,
                 "open_hypothesis": lambda _: {"hypothesis": next(numbers)}})  # fmt: skip


def session(desk: Desk, so_far: SoFar, clock: Any, failures: int = 5) -> SoFar:
    asking = Asking(desk, Redactor([]))  # type: ignore[arg-type]
    with Loopback(lambda _: FINISH) as loopback:
        model = model_at(loopback, "anthropic")
        trial = ContextTrial(
            asking, model, failures, ("a = 1\n", "b = 2\n"), "text", so_far, 100.0, clock
        )
        asyncio.run(trial.run())
    return msgspec.json.decode(
        [f["text"] for w, f in desk.reports if w == "experiment"][-1], type=SoFar
    )


def test_stopped_in_the_middle_it_goes_on_where_it_was() -> None:
    whole = session(cell([]), SoFar(), lambda: 0.0)
    assert whole.complete
    done = [(r.hypothesis, r.scene, r.mode) for r in whole.results]
    assert done[:4] == [(1, 1, "index"), (1, 1, "whole"), (1, 3, "index"), (1, 3, "whole")]
    assert len(done) == 10 and sum(h == 2 for h, _, _ in done) == 6

    looked = iter(
        (0.0, 1.0, 2.0, 3.0)
    )  # begun, before the scenes, before a failure, before another
    first = session(cell([]), SoFar(), lambda: next(looked, 200.0))
    assert not first.complete and 0 < len(first.results) < 10
    ran: list[int] = []
    second = session(cell(ran), first, lambda: 0.0)
    assert second.complete
    assert [(r.hypothesis, r.scene, r.mode) for r in second.results] == done
    assert second.results[: len(first.results)] == first.results
    nothing = cell(ran)
    assert session(nothing, second, lambda: 0.0) == second and "run" not in nothing.names()


def test_a_file_of_another_experiment_is_not_gone_on_with(tmp_path: Any) -> None:
    one, other = (identity_of("t", "yam", "m", "text", seed, 30, ("a",)) for seed in (0, 1))
    assert one != other != identity_of("t", "yam", "m", "text", 0, 30, ("b",))
    kept = EconomyFile(tmp_path / "f.json", one)
    assert kept.read() == SoFar()
    kept.write(SoFar(next_scene=(4,)))
    assert kept.read() == SoFar(next_scene=(4,))
    with pytest.raises(ConfigError, match="another experiment"):
        EconomyFile(tmp_path / "f.json", other).read()
    kept.path.write_text("{")
    with pytest.raises(ConfigError, match="--into"):
        kept.read()
