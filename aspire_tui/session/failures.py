"""Failures grouped by what first explains them: implicated call, its status, failing check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from aspire_tui.domain import Check, Status, Struct
from aspire_tui.events import ResetReported, VerdictGiven
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import TrialRow


class FailureGroup(Struct, frozen=True):
    """Trials that failed alike. Empty strings and None where a trial did not say."""

    primitive: str
    status: Status | None
    check: str
    ended: str
    count: int
    trials: tuple[int, ...]


def failure_groups(reader: SessionReader, rows: Iterable[TrialRow]) -> list[FailureGroup]:
    """The closed trials that did not pass, the commonest group first."""
    groups: dict[tuple[str, Status | None, str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.closed_seq is not None and row.outcome != "PASS":
            groups[_signature(reader, row)].append(row.trial)
    found = [
        FailureGroup(primitive, status, check, ended, len(trials), tuple(trials))
        for (primitive, status, check, ended), trials in groups.items()
    ]
    return sorted(found, key=lambda group: (-group.count, group.trials))


def _signature(reader: SessionReader, row: TrialRow) -> tuple[str, Status | None, str, str]:
    primitive, status = "", None
    if row.implicated is not None:
        detail = reader.call(row.trial, row.implicated)
        if detail is not None:
            primitive = detail.intent.primitive
            status = detail.result.status if detail.result else None
    return primitive, status, _failing_check(reader, row.trial), row.ended or ""


def _failing_check(reader: SessionReader, trial: int) -> str:
    """The first check that is not PASS, of the last verdict, or of the reset before it."""
    for recorded in reversed(reader.events(trial=trial, kinds=("reset", "verdict"))):
        event = recorded.event
        checks: tuple[Check, ...] = ()
        match event:
            case VerdictGiven(verdict=verdict):
                checks = verdict.checks
            case ResetReported(verdict=reset) if reset.outcome != "ok":
                checks = reset.checks
        failing = next((check.name for check in checks if check.outcome != "PASS"), None)
        if failing is not None:
            return failing
    return ""
