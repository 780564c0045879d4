"""Whole runs with a scripted model behind real SDKs and loopback endpoints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage, calc_price

from aspire_tui.domain import Tokens
from aspire_tui.events import AgentTool, HypothesisOpened, TokensUsed, TrialClosed, TrialOpened
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.panes.agent import budget_bar
from aspire_tui.tui.panes.body import Look
from tests.e2e.conftest import Answer, Bench
from tests.e2e.hosted import easy_task
from tests.e2e.kills import _reader
from tests.improvement.apprentice import (
    Apprentice,
    asks_for_another_thing,
    reaches_too_high,
)
from tests.improvement.loopback import Asked, Loopback, Protocol, Says, Use, counts

NAMES: dict[Protocol, str] = {"anthropic": "claude-haiku-4-5", "openai-chat": "gpt-5.2"}
KEY = "sk-ant-api03-canaryCanary0123456789"


def arguments(bench: Bench, loopback: Loopback, protocol: Protocol, *more: str) -> tuple[str, ...]:
    return (
        *(
            "run",
            easy_task(bench),
            "--agent",
            "llm",
            "--seed",
            "5",
            "--noise-off",
            "--workers",
            "1",
            "--headless",
            "--json",
        ),
        *("--model", f"{protocol}:{NAMES[protocol]}", "--base-url", loopback.url(protocol)),
        *more,
    )


def run(bench: Bench, loopback: Loopback, protocol: Protocol, *more: str) -> Answer:
    command = bench.command(*arguments(bench, loopback, protocol, *more))
    environment = bench.environment | {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": KEY}
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("protocol", "slip", "status"),
    [
        ("anthropic", asks_for_another_thing, "NOT_FOUND"),
        pytest.param("openai-chat", reaches_too_high, "LIMIT", marks=pytest.mark.long),
    ],
)
def test_a_slip_is_found_in_the_trace_repaired_and_proven(
    bench: Bench, protocol: Protocol, slip: Callable[..., str], status: str
) -> None:
    with Loopback(Apprentice(slip)) as loopback:
        done = run(bench, loopback, protocol)
    assert done.code == 0, done.err
    told = done.json
    assert told["outcome"] == "PASS" and told["stopped_by"] == "done"
    with SessionReader(Path(told["session"])) as reader:
        events = [r.event for r in reader.events()]
        opened = [e for e in events if isinstance(e, HypothesisOpened)]
        assert status in opened[1].claim and opened[1].parent == opened[0].hypothesis
        assert told["best"]["hypothesis"] == opened[-1].hypothesis > 1
        tools = [e.tool for e in events if isinstance(e, AgentTool)]
        assert tools[:5] == ["task", "cell", "primitives", "leaderboard", "open_hypothesis"]
        assert tools[5:8] == ["run", "call", "open_hypothesis"]  # the index stands in the answer
        used = sum((e.tokens for e in events if isinstance(e, TokensUsed)), Tokens())
        closed = [e for e in events if isinstance(e, TrialClosed)]
        held = [t.outcome for t in closed[:-1]]  # the last is a held-out scene: any key's
        assert held[0] == "FAIL" and held[-1] == "PASS"
        prompts = reader.attachments("prompt")
        assert [p.name for p in prompts] == ["aspire"]
        assert reader.verify() == []
    assert sum(isinstance(e, TokensUsed) for e in events) == len(loopback.asked)
    pairs = list(zip(loopback.asked, loopback.answered, strict=True))
    assert used.input == sum(counts(a, s)[0] for a, s in pairs)
    assert used.output == sum(counts(a, s)[1] for a, s in pairs)
    assert told["tokens"]["input"] == used.input > 0
    assert told["tokens"]["output"] == used.output > 0
    by = told["tokens"]["by_hypothesis"]
    assert set(by) == {str(h.hypothesis) for h in opened}
    rest = told["tokens"]["rest"]
    for name in ("input", "cached", "output", "reasoning"):
        assert sum(t[name] for t in by.values()) + rest[name] == told["tokens"][name]
    by_trial = told["tokens"]["by_trial"]
    dev = [e.trial for e in events if isinstance(e, TrialOpened) and e.seed_set == "dev"]
    assert set(by_trial) == {str(n) for n in dev}
    assert told["utilisation"]["mtu"] > 0
    assert KEY not in done.out + done.err
    assert loopback.asked[0].key == KEY


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        pytest.param(
            ("--max-model-calls", "3"), "3 model calls are used up", marks=pytest.mark.long
        ),
        pytest.param(("--max-trials", "1"), "1 trials are used up", marks=pytest.mark.long),
        pytest.param(("--max-tokens", "6000"), "6000 tokens are used up", marks=pytest.mark.long),
        (("--max-cost", "0.004"), "0.004 USD are used up"),
        (("--max-minutes", "0.01"), "0.01 minutes are used up"),
    ],
    ids=lambda v: v[0] if isinstance(v, tuple) else "",
)
def test_a_budget_blocks_the_agent_is_told_and_the_run_stops(
    bench: Bench, limit: tuple[str, str], words: str
) -> None:
    with Loopback(Apprentice(reaches_too_high)) as loopback:
        done = run(bench, loopback, "anthropic", *limit)
    assert done.code == 4, done.err
    assert done.json["stopped_by"] == "budget"
    assert words in loopback.asked[-1].body, "the agent was told"
    assert set(loopback.asked[-1].tools) == {"say", "propose_skill", "finish"}
    with SessionReader(Path(done.json["session"])) as reader:
        snapshot = reader.snapshot()
        assert snapshot.ended is not None and snapshot.ended.reason == words
        assert snapshot.spent.exhausted == words
        assert snapshot.spent.model_calls == len(loopback.asked)
        assert snapshot.trials_opened == snapshot.trials_closed <= 1
        assert snapshot.spent.tokens == snapshot.tokens.total
        price = sum(
            calc_price(
                Usage(input_tokens=into, output_tokens=out), NAMES["anthropic"],
                provider_id="anthropic",
            ).total_price
            for into, out in (counts(a, s) for a, s in answered(loopback))
        )  # fmt: skip
        assert snapshot.spent.cost_usd == pytest.approx(float(price), rel=1e-9)
        bar = budget_bar(snapshot.spent, Look(width=80))
        name = {"--max-cost": "usd", "--max-model-calls": "model calls"}.get(limit[0], limit[0][6:])
        assert bar.lower().endswith(f"100% of {name}")


def answered(loopback: Loopback) -> list[tuple[Asked, Says]]:
    """Requests with their answers, as far as these were good ones."""
    pairs = zip(loopback.asked, loopback.answered, strict=True)
    return [(asked, said) for asked, said in pairs if isinstance(said, Says)]


def worker_of(bench: Bench, patience_s: float = 60.0) -> int:
    """The agent worker of this test's runtime folder."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        for proc in Path("/proc").glob("[0-9]*"):
            try:
                words = (proc / "cmdline").read_bytes().split(b"\0")
                environ = (proc / "environ").read_bytes()
            except OSError:
                continue
            if b"aspire_tui.improvement.worker" in words and str(bench.runtime).encode() in environ:
                return int(proc.name)
        time.sleep(0.05)
    raise AssertionError("no agent worker")


def test_killed_in_a_batch_the_running_trials_end_and_no_other_starts(bench: Bench) -> None:
    scenes = list(range(40))

    def script(asked: Asked) -> Says:
        if not asked.uses():
            return Apprentice(reaches_too_high)(asked)
        args: dict[str, Any] = {"hypothesis": 1, "seed_indices": scenes}
        return Says("", (Use("run", json.dumps(args)),))

    with Loopback(script) as loopback:
        command = subprocess.Popen(
            bench.command(*arguments(bench, loopback, "anthropic")),
            env=bench.environment | {"ANTHROPIC_API_KEY": KEY},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            worker = worker_of(bench)
            with _reader(bench) as reader:
                session = reader.path
                _until(lambda: reader.snapshot().trials_closed >= 1)
                os.kill(worker, signal.SIGKILL)
                seen = reader.snapshot().trials_closed
            out, err = command.communicate(timeout=120)
        finally:
            command.kill()
    assert command.returncode == 5, err
    assert "the agent worker died" in err and "Traceback" not in err
    with SessionReader(session) as reader:
        snapshot = reader.snapshot()
        assert snapshot.ended is not None and snapshot.ended.stopped_by == "agent"
        assert snapshot.trials_opened == snapshot.trials_closed <= seen + 6 < len(scenes)
    assert json.loads(out)["stopped_by"] == "agent"


def _until(true: Callable[[], bool], patience_s: float = 90.0) -> None:
    until = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
