"""The doctor's report: findings in words, the values behind them, and one line each for people."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from aspire_tui.config import Workspace
from aspire_tui.doctor.checks import judge
from aspire_tui.doctor.probes import look
from aspire_tui.doctor.seen import MachineSeen
from aspire_tui.domain import Struct
from drivers.types import Finding

MARKS = {"info": "ok", "warn": "warn", "error": "FAIL"}
WIDTH = 100


class Report(Struct, frozen=True):
    """``healthy``: nothing stands in the way of running a session."""

    healthy: bool
    findings: tuple[Finding, ...]
    seen: MachineSeen

    def lines(self) -> list[str]:
        """One line for what is well, and below the others why and what to do."""
        return finding_lines(self.findings)


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """Findings for people: one line for what is well, for the others also why and what to do."""
    out: list[str] = []
    for f in findings:
        out += _wrapped(f"{MARKS[f.severity]:4} {f.what:15} ", f.seen)
        if f.severity == "info":
            continue
        out += _wrapped(f"{'':20} expected: ", f.expected)
        if f.why:
            out += _wrapped(f"{'':20} because: ", f.why)
        for each in f.do:
            out += _wrapped(f"{'':20} do: ", each)
    return out


def examine(workspace: Workspace) -> Report:
    """Look at this machine and judge it."""
    return report_on(look(workspace))


def report_on(seen: MachineSeen) -> Report:
    """The report for what was seen; pure."""
    findings = judge(seen)
    return Report(all(f.severity != "error" for f in findings), findings, seen)


def _wrapped(head: str, text: str) -> list[str]:
    indent = " " * max(21, len(head))
    return textwrap.wrap(text or "-", WIDTH, initial_indent=head, subsequent_indent=indent)
