"""What the editor shows: the program with what happened in it as comments. Pure.

Comments of ours begin with ``#|`` and are taken out again, so that what is run is the operator's
text and line numbers stay those of the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aspire_tui.improvement.tools import CallBrief, CallDetail, CheckBrief, TrialBrief

OURS = "#|"
CLAIM = "#| claim: "
UNCHANGED_CLAIM = "what a trial can prove wrong"
LONGEST = 160


@dataclass(frozen=True)
class Failure:
    """A failing trial as far as it was opened."""

    trial: TrialBrief
    calls: Sequence[CallBrief]
    opened: CallDetail | None
    checks: Sequence[CheckBrief]


def draft(program: str, head: Sequence[str], failure: Failure | None) -> str:
    """The program with its claim to fill in, its story on top, and its calls at their lines."""
    told = [f"{CLAIM}{UNCHANGED_CLAIM}", *(f"{OURS} {_one_line(line)}" for line in head)]
    if failure is not None:
        told += [f"{OURS} {_one_line(line)}" for line in story(failure)]
    at: dict[int, list[str]] = {}
    if failure is not None:
        for call in failure.calls:
            if call.status != "OK" or call.call == failure.trial.implicated:
                at.setdefault(call.line, []).append(_call(call, failure))
    lines = []
    for number, text in enumerate(program.splitlines(), 1):
        lines.append(text)
        indent = text[: len(text) - len(text.lstrip())]
        lines += [f"{indent}{OURS} {_one_line(note)}" for note in at.get(number, ())]
    return "\n".join([*told, *lines]) + "\n"


def story(failure: Failure) -> list[str]:
    """Why a trial failed, in a few lines."""
    t = failure.trial
    lines = [f"trial {t.trial}, scene {t.seed_index}: {t.outcome}, program {t.ended}. {t.reason}"]
    if failure.opened is not None:
        d = failure.opened
        args = ", ".join(f"{k}={v}" for k, v in d.args.items())
        lines.append(f"call {d.call} explains it, line {d.line}: {d.primitive}({args})")
        lines.append(f"  ended {d.status}: {d.summary}")
    lines += [f"check {c.name} by {c.source}: {c.text}" for c in failure.checks
              if c.outcome == "FAIL"]  # fmt: skip
    return lines


def read_back(text: str) -> tuple[str, str]:
    """The program and its claim out of what was saved; an untouched claim is none."""
    lines = text.splitlines()
    claims = [line.removeprefix(CLAIM).strip() for line in lines if line.startswith(CLAIM)]
    kept = [line for line in lines if not line.lstrip().startswith(OURS)]
    claim = claims[0] if claims and claims[0] != UNCHANGED_CLAIM else ""
    return "\n".join(kept).strip("\n") + "\n", claim


def in_one_line(diff: Sequence[str]) -> str:
    """A diff for the tree: how much and where it begins."""
    plus = sum(line.startswith("+") for line in diff)
    minus = sum(line.startswith("-") for line in diff)
    first = next((line[1:].strip() for line in diff if line.startswith("+")), "")
    return f"+{plus} -{minus} lines: {first}"[:400]


def _call(call: CallBrief, failure: Failure) -> str:
    mark = "^^^ explains the failure: " if call.call == failure.trial.implicated else "^ "
    return f"{mark}call {call.call} {call.primitive} {call.status} {call.duration_s:.2f} s: " + (
        call.summary
    )


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
