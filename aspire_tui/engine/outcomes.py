"""What a session comes to: rates, the end of an exec or a dry run, versions. Pure but for those."""

from __future__ import annotations

import importlib.metadata
import platform

from aspire_tui.domain import Outcome
from aspire_tui.events import DryRunReported, RunEnded, TrialClosed
from aspire_tui.evolution.statistics import Rate, rate
from aspire_tui.rollout.bulk import Hello


def after_dry_run(dry: DryRunReported) -> RunEnded:
    """The end of a session that only ran in the stand-in: the cell itself was never moved."""
    if dry.seen is None:
        return RunEnded(None, "fault", reason=f"no dry run: {dry.error}")
    if dry.verdict is None:
        return RunEnded("FAIL", "done", reason=f"dry run: {dry.error or dry.ended}")
    verdict = dry.verdict
    return RunEnded(verdict.outcome, "done", reason=f"dry run: {dry.error or verdict.reason}")


def in_a_line(defect: BaseException) -> str:
    text = " ".join(str(defect).split())
    return f"{type(defect).__name__}: {text}"[:300]


def rate_of(closed: list[TrialClosed]) -> Rate:
    judged = [t for t in closed if t.outcome is not None and t.counted]
    return rate(sum(t.outcome == "PASS" for t in judged), len(judged))


def exec_outcome(closed: list[TrialClosed]) -> Outcome | None:
    outcomes = {t.outcome for t in closed}
    if outcomes == {"PASS"}:
        return "PASS"
    if "FAIL" in outcomes:
        return "FAIL"
    return "UNSURE" if "UNSURE" in outcomes else None


def versions(hello: Hello) -> dict[str, str]:
    names = ("aspire-tui", "mujoco", "numpy", "mink", "ompl", "ruckig", "apsw")
    found = {n: importlib.metadata.version(n) for n in names}
    return {**found, "python": platform.python_version(), "camera": hello.camera_path}
