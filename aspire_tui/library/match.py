"""Which skills answer a failure: by signature first, by evidence second. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from aspire_tui.domain import JSON, Status, Struct
from aspire_tui.library.load import Library
from aspire_tui.library.skill import Between, Pattern, Skill


class Failure(Struct, frozen=True):
    """What went wrong, as the trace and the verdict tell it.

    Attributes:
        primitive: Name of the implicated call's primitive, not an alias.
        status: How that call ended; OK when only the verdict failed.
        checks: Names of the verdict's checks that did not pass.
        args: Arguments of the implicated call, by name.
        earlier: Primitives called before it in the same attempt, in order.
        facts: Measured values around it, e.g. ``error_m``, ``width_m``.
        kinds: What the cell is, e.g. ``arm``, ``parallel-gripper``.
    """

    primitive: str
    status: Status
    checks: tuple[str, ...] = ()
    args: dict[str, JSON] = {}
    earlier: tuple[str, ...] = ()
    facts: dict[str, JSON] = {}
    kinds: tuple[str, ...] = ()


class Match(Struct, frozen=True):
    """A skill that answers a failure. ``why`` is one line for people."""

    skill: Skill
    score: float
    why: str


def match(
    failure: Failure, library: Library, declared: Collection[str] | None = None
) -> tuple[Match, ...]:
    """Skills whose whole signature fits, the most specific and best proven first.

    Args:
        declared: Names a program may call here; a skill that needs others does not match. None
            leaves this open.
    """
    known = None if declared is None else frozenset(declared)
    found = [
        judged
        for skill in library.answering(failure.primitive)
        if isinstance(judged := judge(failure, skill, known), Match)
    ]
    return tuple(sorted(found, key=lambda m: (-m.score, m.skill.name)))


def judge(failure: Failure, skill: Skill, declared: Collection[str] | None = None) -> Match | str:
    """The match, or in one line why this skill does not answer this failure."""
    signature = skill.definition.signature
    if failure.primitive not in signature.primitives:
        return f"answers {_any(signature.primitives)}, not {failure.primitive}"
    if signature.statuses and failure.status not in signature.statuses:
        return f"answers {_any(signature.statuses)}, not {failure.status}"
    failed = [f for f in failure.checks if any(fnmatchcase(f, c) for c in signature.checks)]
    if signature.checks and not failed:
        return f"needs {_any(signature.checks)} to have failed"
    if not _in_order(signature.after, failure.earlier):
        return f"needs {' then '.join(signature.after)} earlier in the program"
    for what, patterns, values in (
        ("argument", signature.args, failure.args),
        ("measured", signature.scene, failure.facts),
    ):
        for name, pattern in patterns.items():
            if name not in values:
                return f"needs {what} {name}, which this failure does not have"
            if not _fits(pattern, values[name]):
                return f"needs {what} {name} {_wanted(pattern)}, got {values[name]!r}"
    kinds = skill.definition.applies.kinds
    if kinds and failure.kinds and not set(kinds) & set(failure.kinds):
        return f"is for {_any(kinds)}, this cell is {_any(failure.kinds)}"
    if declared is not None:
        absent = [name for name in skill.uses if name not in declared]
        if absent:
            return f"calls {absent[0]}, which is not declared here"
    reasons = [f"{failure.primitive} ended {failure.status}"]
    reasons += [f"check {c} failed" for c in failed]
    reasons += [f"after {p}" for p in signature.after]
    reasons += [f"{n} {_wanted(p)}" for n, p in (signature.args | signature.scene).items()]
    lift = _lift(skill)
    score = 1.0 + len(reasons) + bool(signature.statuses) + lift
    proof = f"; proven lift ≥ {lift:+.0%}" if skill.evidence.proofs else "; without evidence"
    return Match(skill, round(score, 6), ", ".join(reasons) + proof)


def _lift(skill: Skill) -> float:
    """How much the skill is proven to help: the worst case of its intervals, mean over proofs.

    Between -1 and 1, so that evidence orders skills of equal specificity and never outweighs it.
    """
    proofs = skill.evidence.proofs
    if not proofs:
        return 0.0
    worst = [p.rate_with.lo - p.rate_without.hi for p in proofs]
    return sum(worst) / len(worst) * 0.99


def _in_order(wanted: Sequence[str], seen: Sequence[str]) -> bool:
    rest = iter(seen)
    return all(name in rest for name in wanted)


def _fits(pattern: Pattern, value: JSON) -> bool:
    if isinstance(pattern, Between):
        return pattern.fits(value)
    if isinstance(pattern, bool):
        return value is pattern
    return isinstance(value, str) and fnmatchcase(value.casefold(), pattern.casefold())


def _wanted(pattern: Pattern) -> str:
    return str(pattern) if isinstance(pattern, Between) else f"like {pattern!r}"


def _any(names: Sequence[str]) -> str:
    return " or ".join(names)


def context_of(calls: Sequence[tuple[str, Mapping[str, JSON]]]) -> dict[str, str]:
    """What a sketch may take from the calls before the failing one: the newest text by name.

    Only texts such as an object's name. Numbers are left out: a position that was right in one
    scene is wrong in the next.

    Args:
        calls: Primitive and arguments, in the order of the calls.
    """
    found: dict[str, str] = {}
    for _, args in calls:
        found.update({name: repr(v) for name, v in args.items() if isinstance(v, str)})
    return found
