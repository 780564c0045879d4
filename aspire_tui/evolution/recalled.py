"""What a bench shows of a skill: failing scenes set up again and run with it. Never an exact test.

A scene counts as recalled when the program without the skill failed on it at the bench and the
program with it ran on the same scene, at the bench. Its mechanism is seen when, in a trial it
fixed, its own calls ran and the call it answers ended in OK.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.evolution.admission import Recalled
from aspire_tui.evolution.evidence import doubtful_trials
from aspire_tui.library.skill import Skill
from aspire_tui.library.splice import spliced_regions
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import HypothesisRow, TrialRow

BENCHES = ("hardware", "emulated")


def recalled_of(
    reader: SessionReader, skill: Skill, names: Mapping[str, Primitive]
) -> tuple[Recalled, ...]:
    """The scenes a session recalled with this skill; none when its cell is a simulated one."""
    first = reader.snapshot().session
    if first is None or not isinstance(first.cell, dict):
        return ()
    if first.cell.get("kind", "sim") not in BENCHES:
        return ()
    nodes = {h.hypothesis: h for h in reader.hypotheses()}
    fixed = broken = n = 0
    seen = False
    for node in nodes.values():
        parent = nodes.get(node.parent) if node.parent is not None else None
        if parent is None or [r.skill for r in node.repairs[len(parent.repairs) :]] != [skill.name]:
            continue
        before, after = (_at_bench(reader, h.hypothesis) for h in (parent, node))
        for seed in before.keys() & after.keys():
            passed = after[seed].outcome == "PASS"
            if before[seed].outcome == "PASS":
                broken += not passed
                continue
            n += 1
            fixed += passed
            seen = seen or (passed and _worked(reader, skill, node, after[seed], names))
    if not n and not broken:
        return ()
    cell = Path(first.spec.cell).stem
    return (Recalled(first.spec.tasks[0], cell, fixed, n, broken, seen),)


def _at_bench(reader: SessionReader, hypothesis: int) -> dict[int, TrialRow]:
    """The newest judged trial of each scene."""
    doubtful = doubtful_trials(reader)
    return {
        t.seed: t
        for t in reader.trials(hypothesis=hypothesis)
        if t.where == "bench"
        and t.outcome is not None
        and t.seed_set != "held_out"
        and t.trial not in doubtful
    }


def _worked(
    reader: SessionReader,
    skill: Skill,
    node: HypothesisRow,
    trial: TrialRow,
    names: Mapping[str, Primitive],
) -> bool:
    program = reader.program(node.program)
    if program is None:
        return False
    regions = [r for r in spliced_regions(program.text) if r.skill == skill.name]
    answered = ran = False
    for call in reader.calls(trial.trial):
        if not any(r.first_line <= call.line <= r.last_line + 1 for r in regions):
            continue
        name = names[call.primitive].name if call.primitive in names else call.primitive
        ran |= name in skill.uses or call.primitive in skill.uses
        answered |= name in skill.definition.signature.primitives and call.status == "OK"
    return ran and answered
