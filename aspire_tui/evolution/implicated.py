"""Which failing call a repair answers, and where it stands: read from the recording alone."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from aspire_tui.domain import Status
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.errors import ConfigError
from aspire_tui.events import VerdictGiven
from aspire_tui.library import splice as splicing
from aspire_tui.library.match import context_of
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import HypothesisRow, TrialRow


class Implicated(NamedTuple):
    """A failing call of one trial, as a skill's signature wants to know it."""

    trial: int
    call: int
    primitive: str
    status: Status
    checks: tuple[str, ...]
    """Checks of the verdict that failed in that trial."""
    earlier: tuple[str, ...]
    """Primitives called before it, in order, by their own names."""
    site: splicing.Call


def implicated_by(
    reader: SessionReader, node: HypothesisRow, names: Mapping[str, Primitive]
) -> Implicated:
    """The call that a hypothesis repairs: what it says itself, else its parent's usual failure.

    Of the parent's failures those count that the repair turned into a PASS, if there are any.

    Raises:
        ConfigError: One line: there is no parent, or no failure that explains anything.
    """
    if node.parent is None:
        raise ConfigError(
            f"hypothesis {node.hypothesis} is a first program: a skill is drafted from what a "
            "repair changed"
        )
    if node.repairs:
        last = node.repairs[-1]
        return look_at(reader, last.trial, last.call, names)
    fixed = {
        (t.seed_set, t.seed)
        for t in reader.trials(hypothesis=node.hypothesis)
        if t.outcome == "PASS" and t.seed_set != "held_out"
    }
    failed = [
        t
        for t in reader.trials(hypothesis=node.parent)
        if t.outcome not in ("PASS", None) and t.seed_set != "held_out" and t.implicated
    ]
    repaired = [t for t in failed if (t.seed_set, t.seed) in fixed] or failed
    if not repaired:
        raise ConfigError(
            f"no trial of hypothesis {node.parent} failed at a call: there is nothing that "
            f"hypothesis {node.hypothesis} answers"
        )
    return look_at(reader, *_most_frequent(reader, repaired), names)


def _most_frequent(reader: SessionReader, failed: list[TrialRow]) -> tuple[int, int]:
    """The trial and call of the failure seen most often; of equals the earliest."""
    at: dict[tuple[str, str | None, int], tuple[int, int]] = {}
    seen: Counter[tuple[str, str | None, int]] = Counter()
    for trial in failed:
        for row in reader.calls(trial.trial):
            if row.call == trial.implicated:
                key = (row.primitive, row.status, row.line)
                seen[key] += 1
                at.setdefault(key, (trial.trial, row.call))
    if not seen:
        raise ConfigError("the failing trials have no calls")
    return at[seen.most_common(1)[0][0]]


def look_at(
    reader: SessionReader, trial: int, call: int, names: Mapping[str, Primitive]
) -> Implicated:
    """One recorded call.

    Raises:
        ConfigError: It is not in the session, or what it called is no primitive of this release.
    """
    row = reader.call(trial, call)
    if row is None:
        raise ConfigError(f"trial {trial} has no call {call}")
    primitive = names.get(row.intent.primitive)
    if primitive is None:
        raise ConfigError(f"{row.intent.primitive} is no primitive of this release")
    earlier = []
    for before in reader.calls(trial):
        detail = reader.call(trial, before.call) if before.call < call else None
        if detail is not None:
            earlier.append((detail.intent.primitive, detail.intent.args))
    return Implicated(
        trial=trial,
        call=call,
        primitive=primitive.name,
        status=row.result.status if row.result is not None else "FAULT",
        checks=_failed_checks(reader, trial),
        earlier=tuple(names[n].name for n, _ in earlier if n in names),
        site=splicing.Call(
            line=row.intent.line,
            names=(primitive.name, *primitive.aliases),
            parameters={
                a.name: None if a.required else repr(a.default) for a in primitive.arguments
            },
            context=context_of(earlier),
        ),
    )


def _failed_checks(reader: SessionReader, trial: int) -> tuple[str, ...]:
    for attempt in reversed(reader.attempts(trial)):
        recorded = reader.event(attempt.verdict_seq) if attempt.verdict_seq is not None else None
        if recorded is not None and isinstance(recorded.event, VerdictGiven):
            checks = recorded.event.verdict.checks
            return tuple(dict.fromkeys(c.name for c in checks if c.outcome == "FAIL"))
    return ()


def moved_before(found: Implicated, names: Mapping[str, Primitive]) -> tuple[str, ...]:
    """The last two different things done before the call: what tells it from the same elsewhere."""
    told: list[str] = []
    for name in reversed(found.earlier):
        primitive = names.get(name)
        if primitive is not None and name not in told and name != found.primitive:
            told.append(name)
        if len(told) == 2:
            break
    return tuple(reversed(told))


def calls_in(sketch: str) -> tuple[str, ...]:
    """Names a sketch calls, sorted."""
    return tuple(
        sorted(
            {
                n.func.id
                for n in ast.walk(ast.parse(sketch))
                if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
            }
        )
    )
