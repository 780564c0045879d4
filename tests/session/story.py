"""Random but well-formed sessions: every kind of event, in the order an engine writes them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from aspire_tui.domain import (
    Blob,
    Budget,
    Check,
    Evidence,
    Keyframe,
    Layer,
    Repair,
    ResetVerdict,
    RunSpec,
    SandboxReport,
    Tokens,
    Verdict,
    sha256_hex,
)
from aspire_tui.events import (
    AgentSaid,
    AgentTool,
    AgentTurn,
    AnyEvent,
    BudgetSpent,
    CallIntent,
    CallResult,
    CellChanged,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    Note,
    OperatorAct,
    PhaseChanged,
    ProgramEnded,
    ProgramStored,
    RefereeJudged,
    ResetReported,
    RunEnded,
    SessionOpened,
    SkillMatched,
    TokensUsed,
    TrialClosed,
    TrialOpened,
    VerdictGiven,
)

NO_EVIDENCE = Evidence()
PROGRAM = sha256_hex(b"move()")
BLOBS = {sha256_hex(b"move()"): ("text/x-python", b"move()")} | {
    sha256_hex(b"%d" % n): ("image/png", b"%d" % n) for n in range(10)
}
"""Everything the events of a story name."""
IDENTITY = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def opening(verb: str = "run") -> SessionOpened:
    spec = RunSpec(verb, ("cube_lift",), "standin", "rules", 7, False, Budget(max_trials=50))
    report = SandboxReport("A", "6.18", (Layer("cgroup", False, "not used"),), ("socket", "fork"))
    return SessionOpened(
        spec, report, {"python": "3.11"}, {"name": "standin"}, brands=("noise-off",)
    )


def check(outcome: str = "PASS", name: str = "height") -> Check:
    return Check(name, "scene", 0.1, "m", 0.05, None, outcome)


def picture(content: bytes, camera: str = "scene") -> Keyframe:
    blob = Blob(sha256_hex(content), "image/png", len(content))
    return Keyframe(camera, 1.0, blob, None, 1e-4, IDENTITY[:3], IDENTITY)


def intent(trial: int, call: int, attempt: int = 1, cell_s: float = 0.0) -> CallIntent:
    return CallIntent(trial, attempt, call, "goto_pose", {"xyz": [0.1, 0, 0.2]}, call, cell_s)


def result(
    trial: int,
    call: int,
    attempt: int = 1,
    cell_s: float = 1.0,
    status: str = "OK",
    evidence: Evidence = NO_EVIDENCE,
    held_s: float = 0.0,
) -> CallResult:
    return CallResult(
        trial, attempt, call, "goto_pose", status, f"{status} 2 mm", 1.0, cell_s,
        value={"reached": [0.1, 0.0, 0.2]}, evidence=evidence, held_s=held_s,
    )  # fmt: skip


def trial_opened(
    trial: int, where: str = "bench", seed_set: str = "dev", hypothesis: int | None = None
) -> TrialOpened:
    clock = "wall" if where == "bench" else "sim"
    return TrialOpened(trial, "cube_lift", 100 + trial, seed_set, PROGRAM, hypothesis, where, clock)


def verdict(trial: int, outcome: str, attempt: int = 1) -> VerdictGiven:
    said = Verdict(outcome, (check(outcome),), "all", f"height says {outcome}")
    return VerdictGiven(trial, attempt, said)


def trial(
    rng: random.Random, number: int, where: str, seed_set: str, hypothesis: int | None
) -> list[AnyEvent]:
    """One whole trial, sometimes cut short."""
    bench = where == "bench"
    told: list[AnyEvent] = [trial_opened(number, where, seed_set, hypothesis)]
    now = rng.uniform(0, 5)

    def phase(name: str) -> None:
        if bench:
            told.append(PhaseChanged(number, name, "engine", now))

    phase("resetting")
    phase("verifying_reset")
    outcome = rng.choice(["ok", "ok", "ok", "failed"])
    told.append(ResetReported(number, ResetVerdict(outcome, 1, 3, (check(),), "seen"), "abc"))
    if outcome == "failed":
        told.append(TrialClosed(number, None, None, None, now, 1.0, "reset failed"))
        return told
    call = 0
    last = None
    for attempt in range(1, rng.randint(1, 3) + 1):
        phase("executing")
        for _ in range(rng.randint(0, 4)):
            call += 1
            now += 0.1
            told.append(intent(number, call, attempt, now))
            if bench and rng.random() < 0.2:
                phase("held")
                phase("executing")
            now += 1.0
            if rng.random() < 0.95:
                status = rng.choice(["OK", "OK", "IK_FAILED", "EMPTY_GRASP"])
                seen = Evidence(keyframes=(picture(b"%d" % rng.randint(0, 9)),))
                told.append(result(number, call, attempt, now, status, seen, rng.choice([0, 0.5])))
        ended = rng.choice(["returned", "raised"])
        told.append(ProgramEnded(number, attempt, ended, "", rng.choice([None, True]), "out", call))
        phase("verifying")
        last = rng.choice(["PASS", "FAIL", "UNSURE"])
        told.append(verdict(number, last, attempt))
        told.append(RefereeJudged(number, attempt, rng.choice(["PASS", "FAIL"]), {"z": 0.1}))
        if last == "PASS":
            break
    split = {} if bench else {"executing": now / 2, "verifying": now / 4}
    told.append(TrialClosed(number, last, "returned", call or None, now, now, split_s=split))
    phase("recorded")
    return told


def _between(rng: random.Random, hypothesis: int) -> list[AnyEvent]:
    """Things that happen between and beside trials."""
    repair = Repair(1, 2, "goto_pose", "BLOCKED", "lift-first", {"dz": 0.02}, True)
    return rng.choice(
        [
            [AgentTurn(True, "reading the trace"), AgentSaid("the grasp slipped", "finding")],
            [AgentTurn(False), AgentTool("list_calls", {"trial": 1}, "12 calls")],
            [TokensUsed(Tokens(10, 200, 5, 1, 0.01), "model")],
            [
                HypothesisOpened(
                    hypothesis, None, f"claim {hypothesis}", "+1", "", PROGRAM, "rules", (repair,)
                ),
                HypothesisScored(hypothesis, rng.choice(["dev", "selection"]), 3, 4, 0.3, 0.9),
            ],
            [HypothesisScored(max(1, hypothesis - 1), "held_out", 9, 10, 0.5, 0.9)],
            [HypothesisDecided(max(1, hypothesis - 1), rng.choice(["kept", "pruned"]), "score")],
            [SkillMatched(1, 2, "lift-first", "same status", True)],
            [OperatorAct("c1", rng.choice(["step", "resume", "hold"]), "ann", "operator", True)],
            [OperatorAct("c2", "pause_agent", "ann", "operator", rng.choice([True, False]))],
            [BudgetSpent(Budget(max_trials=50), 3, 1.5, 100, 0.1)],
            [Note("something", rng.choice(["info", "warn"]), "")],
            [Note("again", "warn", "session_reopened")],
            [CellChanged(rng.choice(["HOLD", "RUN", "FAULT", "PSTOP"]), None, "x", "host", 1.0)],
            [ProgramStored(PROGRAM, Blob(PROGRAM, "text/x-python", 6), "rules")],
        ]
    )


def story(seed: int, trials: int = 8) -> Iterator[AnyEvent]:
    """A session: bench and worker trials, sometimes interleaved, with everything in between."""
    rng = random.Random(seed)
    yield opening()
    number = 0
    hypothesis = 0
    while number < trials:
        open_now = []
        for _ in range(rng.randint(1, 3)):
            number += 1
            where = rng.choice(["bench", "worker"])
            seed_set = rng.choice(["dev", "selection", "held_out"])
            open_now.append(trial(rng, number, where, seed_set, hypothesis or None))
        while any(open_now):
            events = rng.choice([t for t in open_now if t])
            for _ in range(rng.randint(1, 6)):
                if events:
                    yield events.pop(0)
        for _ in range(rng.randint(0, 5)):
            hypothesis += 1
            yield from _between(rng, hypothesis)
    if rng.random() < 0.5:
        yield RunEnded("PASS", "done", max(1, hypothesis), 9, 10, 0.6, 0.98)
