"""Makes findings: what was looked at, what was seen, and what to do about it."""

from __future__ import annotations

from drivers.types import Finding, Severity


def finding(
    code: str,
    severity: Severity,
    what: str,
    seen: str,
    expected: str,
    *,
    why: str = "",
    do: tuple[str, ...] = (),
) -> Finding:
    """One thing looked at, with what was seen and what would be right.

    Args:
        why: Why it matters, for what is not well.
        do: Commands or acts that mend it.
    """
    return Finding(code, severity, what, seen, expected, why, do)
