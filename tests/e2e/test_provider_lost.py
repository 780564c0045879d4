"""A provider falls silent in the middle of an answer: through the real SDK, worker and engine, at
the bench; the run stands still in HOLD and is taken up again when the provider speaks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from aspire_tui.events import AgentSaid
from aspire_tui.improvement.llm.trouble import SILENT_TRIES
from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.e2e.hosted import A_TOOL, AT_THE_BENCH, cell_state, easy_task, pane
from tests.e2e.test_llm import KEY
from tests.improvement.apprentice import Apprentice, asks_for_another_thing, unfenced
from tests.improvement.loopback import Asked, Breaks, Loopback, Says, Use

pytestmark = pytest.mark.timeout(400)
HALF = "The trial failed at the call that "
"""What comes of the answer: the first half of its text, then nothing on an open line."""


def falls_silent(asked: Asked) -> Says | Breaks:
    """Works until it has seen a trial."""
    if not any(use.name == "run" for use in asked.uses()):
        return Apprentice(asks_for_another_thing)(asked)
    return Breaks(Says(HALF * 2, (Use("calls", '{"trial": 1}'),)), after=3, silent=True)


def goes_on(asked: Asked) -> Says:
    """Sees in the first message what was found before, and goes on from it."""
    names = [use.name for use in asked.uses()]
    if not names:
        assert "This run goes on" in asked.told[0].text
        return Says("", (Use("program", json.dumps({"hypothesis": 1})),))
    if names == ["program"]:
        mended = unfenced(next(iter(asked.results().values()))).replace("blue cube", "red cube")
        fields = {"claim": "red", "difference": "colour", "if_wrong": "NOT_FOUND again"}
        return Says(
            "", (Use("open_hypothesis", json.dumps({**fields, "program": mended, "parent": 1})),)
        )
    if names[-1] == "open_hypothesis":
        return Says("", (Use("run", json.dumps({"hypothesis": 2, "seed_indices": [0]})),))
    return Says("", (Use("finish", json.dumps({"best": 2, "summary": "red"})),))


@pytest.mark.long
def test_half_an_answer_then_silence_leaves_the_cell_in_hold_and_a_run_to_take_up(
    bench: Bench,
) -> None:
    with Loopback(falls_silent) as loopback:
        words = ("--agent", "llm", "--model", "anthropic:claude-haiku-4-5",
                 "--base-url", loopback.url("anthropic"), "--answer-within", "2")  # fmt: skip
        done = with_key(bench, "run", easy_task(bench), *words, *AT_THE_BENCH)
        lost = f"no end of the answer in time; {SILENT_TRIES} tries failed"
        assert done.returncode == 5, done.stderr
        (last,) = [row for row in done.stderr.splitlines() if "run ended" in row]
        assert lost in last and "--resume" in last and "Traceback" not in done.stderr
        assert cell_state(bench) == "HOLD"
        session = Path(json.loads(done.stdout)["session"])
        with SessionReader(session) as reader:
            snapshot = reader.snapshot()
            said = [r.event for r in reader.events() if isinstance(r.event, AgentSaid)]
        assert snapshot.ended is not None and snapshot.ended.stopped_by == "agent"
        assert snapshot.trials_opened == snapshot.trials_closed == 1
        assert sum(HALF[:20] in s.text for s in said) == SILENT_TRIES, "what came was shown"
        assert [s.role for s in said if lost in s.text] == ["error"], "said in one line"

        loopback.released.set()
        loopback.script = goes_on
        again = with_key(bench, "run", "--resume", str(session), "--json")
    assert again.returncode == 0, again.stderr
    shown = pane(str(session))
    assert "llm" in shown[0] and any(A_TOOL.match(row) for row in shown)
    assert any(lost in row for row in shown)
    told = json.loads(again.stdout)
    assert told["best"]["hypothesis"] == 2 and told["outcome"] == "PASS"
    with SessionReader(session) as reader:
        assert [h.hypothesis for h in reader.hypotheses()] == [1, 2]
        assert reader.verify() == []


def with_key(bench: Bench, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        bench.command(*words), env=bench.environment | {"ANTHROPIC_API_KEY": KEY},
        capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL,
    )  # fmt: skip
