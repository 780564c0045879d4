"""Whether the failure that a repair names is gone: a trial got past the place, or did not. Pure.

Where two faults lie one behind the other, ending the first hardly raises the success of the whole
trial while the second stands. So beside the whole trial a repair has a nearer claim, which was
written down before anything ran: the call at this line no longer fails. It is read from traces:

- A trial *got past* the place when it passed, or when it ran the place and no call failed that was
  not made good, up to the first move after the hand next closes or opens. An approach is past when
  what it was for was seen to hold: the fingers closed on something, and it came along.
- Made good is a failure inside of a repair (between the comments of a splice, or in lines that the
  parent does not have) whose last call ended in OK. Elsewhere each call speaks for itself.
- Everything before the place counts as well: who never got there did not get past it. So a failure
  moved to an earlier call, or from the approach to the grasp, is not a failure ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from aspire_tui.domain import Status
from aspire_tui.library.splice import spliced_regions

Kind = Literal["hand", "move", "other"]


class Step(NamedTuple):
    """One call of a trial, in the order of the calls. No status: its outcome is not known."""

    line: int
    kind: Kind
    """Whether it closes or opens the hand, moves the arm, or neither."""
    status: Status | None


class Trace(NamedTuple):
    """What a trial did, and whether it passed."""

    passed: bool
    steps: tuple[Step, ...]


class Places(NamedTuple):
    """Lines of a program: where the named call stands, and what counts as one step."""

    place: frozenset[int]
    regions: tuple[range, ...]


def places(parent: str, child: str, line: int) -> tuple[Places, Places]:
    """The place of a parent's line, in the parent and in the child.

    In the child it is the line itself where it still stands, with the repair around it; else the
    lines that stand in its stead.
    """
    old, new = parent.splitlines(), child.splitlines()
    edits = SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    own = [range(r.first_line, r.last_line + 1) for r in spliced_regions(parent)]
    made = [range(r.first_line, r.last_line + 1) for r in spliced_regions(child)]
    made += [range(j1 + 1, j2 + 1) for tag, _, _, j1, j2 in edits if tag != "equal" and j2 > j1]
    at: set[int] = set()
    for tag, i1, i2, j1, j2 in edits:
        if i1 < line <= i2:
            at = {line - i1 + j1} if tag == "equal" else set(range(j1 + 1, j2 + 1))
    return _places({line}, own), _places(at, made)


def _places(at: set[int], regions: Sequence[range]) -> Places:
    joined = _joined(regions)
    wide = {n for r in joined if at & set(r) for n in r}
    return Places(frozenset(at | wide), joined)


def _joined(regions: Sequence[range]) -> tuple[range, ...]:
    """Regions that touch or overlap made one."""
    out: list[range] = []
    for r in sorted(regions, key=lambda r: (r.start, r.stop)):
        if out and r.start <= out[-1].stop:
            out[-1] = range(out[-1].start, max(out[-1].stop, r.stop))
        else:
            out.append(r)
    return tuple(out)


def got_past(trace: Trace, where: Places) -> bool:
    """Whether a trial got past the place; see the module."""
    if trace.passed:
        return True
    if not where.place:
        return False
    visits = list(_visits(trace.steps, where.regions))
    there = [i for i, v in enumerate(visits) if v.line in where.place]
    if not there:
        return False
    hand = False
    for i, visit in enumerate(visits):
        if visit.status != "OK":
            return False
        if i < there[-1]:
            continue
        if hand and visit.kind == "move":
            return True
        hand |= visit.kind == "hand"
    return True


class _Visit(NamedTuple):
    line: int
    kind: Kind
    status: Status | None


def _visits(steps: Sequence[Step], regions: Sequence[range]) -> Iterator[_Visit]:
    """The calls, those in a row within one repair as one: it ended as its last call did."""
    within: range | None = None
    last: Step | None = None
    for step in steps:
        region = next((r for r in regions if step.line in r), None)
        if within is not None and region != within and last is not None:
            yield _Visit(last.line, last.kind, last.status)
            last = None
        if region is None:
            yield _Visit(step.line, step.kind, step.status)
        else:
            last = step
        within = region
    if within is not None and last is not None:
        yield _Visit(last.line, last.kind, last.status)


def past(
    parent: str, child: str, line: int, before: Mapping[int, Trace], after: Mapping[int, Trace]
) -> tuple[dict[int, bool], dict[int, bool]]:
    """By seed, whether parent and child got past the parent's line."""
    here, there = places(parent, child, line)
    return (
        {s: got_past(t, here) for s, t in before.items()},
        {s: got_past(t, there) for s, t in after.items()},
    )


def improved(
    before: Mapping[int, Trace], past_before: Mapping[int, bool], past_after: Mapping[int, bool]
) -> frozenset[int]:
    """Scenes in which the claim came true: the parent failed there, and the child got past it."""
    return frozenset(
        s
        for s, t in before.items()
        if not t.passed and not past_before.get(s, False) and past_after.get(s, False)
    )
