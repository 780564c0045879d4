"""A confusion table as JSON and as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aspire_tui.evolution.confusion import Confusion
from aspire_tui.evolution.statistics import Rate

if TYPE_CHECKING:
    from aspire_tui.rollout.verifier_check import Judged


def confusion_json(task: str, judged: Sequence[Judged], path: Path) -> dict[str, Any]:
    """The whole table, and the part of it that lies near the criterion."""
    return {
        "task": task,
        "file": str(path),
        "all": _table(judged),
        "near": _table([j for j in judged if j.kind == "near"]),
        "false_pass": [j.n for j in judged if (j.referee, j.verifier) == ("FAIL", "PASS")],
    }


def _table(judged: Sequence[Judged]) -> dict[str, Any]:
    found = Confusion.of((j.referee, j.verifier) for j in judged)
    out: dict[str, Any] = {"agreement_when_sure": _rate(found.agreement())}
    for referee, name in (("PASS", "successes"), ("FAIL", "failures")):
        out[name] = {
            "n": found.total(referee),  # type: ignore[arg-type]
            **{v: _rate(found.share(referee, v)) for v in ("PASS", "FAIL", "UNSURE")},  # type: ignore[arg-type]
        }
    return out


def _rate(rate: Rate) -> dict[str, Any]:
    return {"k": rate.k, "n": rate.n, "interval": [round(rate.lo, 4), round(rate.hi, 4)]}


def confusion_lines(answer: dict[str, Any]) -> list[str]:
    """One line per row, k of n with its interval; never a bare percentage."""
    lines = [f"{answer['task']}: verifier against referee, from {answer['file']}"]
    for part, words in (("all", "all ends"), ("near", "of them near the criterion")):
        for name in ("successes", "failures"):
            row = answer[part][name]
            told = "  ".join(f"{v} {_told(row[v])}" for v in ("PASS", "FAIL", "UNSURE"))
            lines.append(f"{words:<27} {name:<10} {row['n']:>4}  {told}")
    sure = answer["all"]["agreement_when_sure"]
    lines.append(f"agrees where it is sure {_told(sure)}")
    return lines


def _told(rate: dict[str, Any]) -> str:
    lo, hi = rate["interval"]
    return f"{rate['k']}/{rate['n']} ({lo:.3f}–{hi:.3f})"
