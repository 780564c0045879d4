"""Drafts a skill folder from a repair: the implicated call, the difference, the proof.

Whoever wrote the repair: rules, a model or the operator. One that spliced a skill in is drafted as
that skill with the values that ran; any other as a sketch taken from the difference. The draft
names the session, hypothesis and call it comes from; what it proves is recounted from there.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from aspire_tui.domain import SeedSet
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.admission import TASK_SPECIFIC, Paired
from aspire_tui.evolution.evidence import (
    SEED_SETS,
    counts,
    held_out_of,
    kind_of,
    outcomes_of,
    rate_of,
    recorded_in,
)
from aspire_tui.evolution.growing import STANDING
from aspire_tui.evolution.implicated import (
    Implicated,
    calls_in,
    implicated_by,
    look_at,
    moved_before,
)
from aspire_tui.library.draft import draft_sketch, makes
from aspire_tui.library.front_matter import LONGEST_NAME
from aspire_tui.library.load import Library
from aspire_tui.library.skill import Evidence, Proof, Skill
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import HypothesisRow

_ORIGIN = re.compile(r"session (\S+), hypothesis (\d+), trial (\d+) call (\d+)\Z")


class Draft(NamedTuple):
    """A skill folder that is not written yet."""

    name: str
    files: dict[str, bytes]
    call: Implicated
    author: str
    leftovers: tuple[str, ...]
    """What a person has to mend, one line each."""


class _Source(NamedTuple):
    """One repair and everything the session has on it."""

    node: HypothesisRow
    parent: HypothesisRow
    before: str
    after: str
    task: str
    session: str


def draft_from(
    reader: SessionReader,
    hypothesis: int,
    names: Mapping[str, Primitive],
    library: Library,
    today: datetime.date,
    name: str = "",
) -> Draft:
    """Draft the skill that this hypothesis is.

    Raises:
        ConfigError: One line: why there is nothing to draft.
    """
    source = _source(reader, hypothesis)
    call = implicated_by(reader, source.node, names)
    spliced = source.node.repairs[len(source.parent.repairs) :] if source.node.repairs else ()
    if len(spliced) > 1:
        raise ConfigError(
            f"hypothesis {hypothesis} joins {len(spliced)} repairs; promote each of them by itself"
        )
    origin = (
        f"session {source.session}, hypothesis {hypothesis}, trial {call.trial} call {call.call}"
    )
    if spliced and spliced[0].skill:
        skill = library.get(spliced[0].skill)
        files = _as_used(skill, name or skill.name, spliced[0].parameters, origin)
        draft = Draft(name or skill.name, files, call, source.node.author, ())
    else:
        draft = _from_difference(source, call, names, today, origin, name)
    proof = _proof(reader, source, call, draft)
    known = library_evidence(library, draft.name)
    # A claim without its recording would keep the draft from the gate: it stays with the skill that
    # made it, and the draft says only what can be recounted here.
    here = recorded_in(reader.path.parent) if known.proofs else frozenset()
    kept = [
        p
        for p in known.proofs
        if here.issuperset(p.sessions)
        and (proof is None or (p.task, p.cell) != (proof.task, proof.cell))
    ]
    evidence = Evidence((*kept, proof) if proof is not None else tuple(kept))
    return draft._replace(
        files={**draft.files, "evidence.json": msgspec.json.format(msgspec.json.encode(evidence))}
    )


def library_evidence(library: Library, name: str) -> Evidence:
    """What a skill of that name has shown already; nothing when there is none."""
    return next((s.evidence for s in library.skills if s.name == name), Evidence())


def proven_by_draft(
    reader: SessionReader, skill: Skill, names: Mapping[str, Primitive]
) -> tuple[Paired, ...]:
    """The comparisons behind a draft, if its present text still makes the program that was judged.

    Raises:
        ConfigError: One line: the text does something else now, so nothing is proven of it.
    """
    origin = _ORIGIN.match(skill.definition.provenance.origin)
    if origin is None or origin[1] != reader.session_id():
        return ()
    source = _source(reader, int(origin[2]))
    call = implicated_by(reader, source.node, names)
    spliced = source.node.repairs[len(source.parent.repairs) :]
    values = dict(spliced[0].parameters) if spliced else {}
    known = {n: v for n, v in values.items() if n in skill.definition.repair.parameters}
    if not makes(skill, known, source.before, source.after, call.site):
        raise ConfigError(
            f"the sketch of {skill.name} put into the program at line {call.site.line} does not "
            f"give hypothesis {source.node.hypothesis} any more: what ran is no proof of it; run "
            f"it with: aspire-tui skills verify {skill.name} --task {source.task}"
        )
    return _compared(reader, source, skill)


def proven_by_text(
    reader: SessionReader, skill: Skill, names: Mapping[str, Primitive]
) -> tuple[Paired, ...]:
    """Comparisons of a program with what this skill makes of it at the recorded call.

    So a skill whose files changed in what does not matter there is still proven by what ran.
    """
    nodes = {h.hypothesis: h for h in reader.hypotheses()}
    for node in sorted(nodes.values(), key=lambda h: (h.status not in STANDING, h.hypothesis)):
        parent = nodes.get(node.parent) if node.parent is not None else None
        new = node.repairs[len(parent.repairs) :] if parent is not None else ()
        if len(new) != 1 or new[0].skill != skill.name:
            continue
        known = skill.definition.repair.parameters
        values = {n: v for n, v in new[0].parameters.items() if n in known}
        try:
            source = _source(reader, node.hypothesis)
            call = look_at(reader, new[0].trial, new[0].call, names)
        except ConfigError:
            continue  # a recording without the texts or the call shows nothing about any text
        if makes(skill, values, source.before, source.after, call.site):
            return _compared(reader, source, skill)
    return ()


def _compared(reader: SessionReader, source: _Source, skill: Skill) -> tuple[Paired, ...]:
    first = reader.snapshot().session
    if first is None:
        return ()
    found = []
    for seed_set in SEED_SETS:
        before, after = _both(reader, source, seed_set)
        if before.keys() & after.keys():
            found.append(
                Paired(
                    task=source.task,
                    cell=Path(first.spec.cell).stem,
                    kind=kind_of(first),
                    seed_set=seed_set,
                    without=before,
                    with_it=after,
                    digest=skill.digest,
                    sessions=(source.session,),
                    held_out=counts(held_out_of(reader, source.node.hypothesis)),
                )
            )
    return tuple(found)


def session_of(skill: Skill) -> str:
    """Id of the session a draft comes from; empty when it was not drafted."""
    origin = _ORIGIN.match(skill.definition.provenance.origin)
    return origin[1] if origin is not None else ""


def _source(reader: SessionReader, hypothesis: int) -> _Source:
    nodes = {h.hypothesis: h for h in reader.hypotheses()}
    if hypothesis not in nodes:
        raise ConfigError(f"there is no hypothesis {hypothesis} in {reader.path.name}")
    node = nodes[hypothesis]
    if node.parent is None:
        raise ConfigError(
            f"hypothesis {hypothesis} is a first program: a skill is drafted from what a repair "
            "changed"
        )
    first = reader.snapshot().session
    texts = [reader.program(h.program) for h in (nodes[node.parent], node)]
    if first is None or texts[0] is None or texts[1] is None:
        raise ConfigError(f"{reader.path.name} does not hold the programs of {hypothesis}")
    return _Source(
        node,
        nodes[node.parent],
        texts[0].text,
        texts[1].text,
        first.spec.tasks[0],
        reader.session_id(),
    )


def _both(
    reader: SessionReader, source: _Source, seed_set: SeedSet
) -> tuple[dict[int, bool], dict[int, bool]]:
    return (
        outcomes_of(reader, source.parent.hypothesis, seed_set),
        outcomes_of(reader, source.node.hypothesis, seed_set),
    )


def _proof(reader: SessionReader, source: _Source, call: Implicated, draft: Draft) -> Proof | None:
    before, after = _both(reader, source, "selection")
    seeds = tuple(sorted(before.keys() & after.keys()))
    first = reader.snapshot().session
    if not seeds or first is None:
        return None
    held_out = held_out_of(reader, source.node.hypothesis)
    return Proof(
        task=source.task,
        seed_set="selection",
        seeds=seeds,
        rate_with=rate_of([after[s] for s in seeds]),
        rate_without=rate_of([before[s] for s in seeds]),
        sessions=(source.session,),
        hashes={
            "program": source.node.program,
            **{k: first.hashes[k] for k in ("reset", "verifier") if k in first.hashes},
        },
        cell=Path(first.spec.cell).stem,
        held_out=rate_of(held_out) if held_out else None,
    )


def _as_used(skill: Skill, name: str, values: Mapping[str, float], origin: str) -> dict[str, bytes]:
    """The files of a skill that was spliced in, with the values that ran as its own."""
    folder = Path(skill.folder)
    files = {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and "__pycache__" not in p.parts and p.name != "evidence.json"
    }
    text = files["skill.toml"].decode()
    for key, value in values.items():
        table = re.compile(
            rf"(\[repair\.parameters\.{re.escape(key)}\][^\[]*?^default = )[^\n]*", re.M | re.S
        )
        written = table.search(text)
        if written is not None:
            literal = skill.definition.repair.parameters[key].literal(value)
            text = text[: written.end(1)] + literal + text[written.end() :]
    text = re.sub(r"^origin = .*\n", "", text, flags=re.M)
    text = text.replace("[provenance]\n", f"[provenance]\norigin = {json.dumps(origin)}\n")
    files["skill.toml"] = text.encode()
    front = files["SKILL.md"].decode().replace(f"name: {skill.name}", f"name: {name}", 1)
    # The one task a skill is for is said of what proved it, not of what a draft of it will.
    front = re.sub(rf"^ +{TASK_SPECIFIC}:.*\n", "", front, count=1, flags=re.M)
    files["SKILL.md"] = front.replace("metadata:\n---", "---", 1).encode()
    return files


def _from_difference(
    source: _Source,
    call: Implicated,
    names: Mapping[str, Primitive],
    today: datetime.date,
    origin: str,
    name: str,
) -> Draft:
    sketch = draft_sketch(source.before, source.after, call.site)
    own = name or _name(call, sketch.text)
    leftovers = tuple(sketch.leftovers)
    toml = [
        "api_version = 1",
        "",
        "[signature]",
        f"primitives = {json.dumps([call.primitive])}",
        *([f"statuses = {json.dumps([call.status])}"] if call.status != "OK" else []),
        *([f"checks = {json.dumps(list(call.checks))}"] if call.status == "OK" else []),
        f"after = {json.dumps(list(moved_before(call, names)))}",
        "",
        "[applies]",
        f"when = {json.dumps(_when(call))}",
        'kinds = ["arm"]',
        "",
        "[repair]",
        f'splice = "{sketch.splice}"',
        'sketch = "repair.py"',
        "",
        "[provenance]",
        f"origin = {json.dumps(origin)}",
        f"author = {json.dumps(source.node.author)}",
        f'date = "{today.isoformat()}"',
        "",
    ]
    claim = " ".join(source.node.claim.split()) or "a repair"
    description = f"{call.primitive} ended {call.status}: {claim}"[:1000]
    prose = [
        "---",
        f"name: {own}",
        f"description: {json.dumps(description, ensure_ascii=False)}",
        "metadata:",
        f'  kind: "{_kind(sketch.text)}"',
        f"  {TASK_SPECIFIC}: {json.dumps(source.task)}",
        "---",
        f"# {own.replace('-', ' ').capitalize()}",
        "",
        f"**When.** {_when(call)}",
        "",
        f"**Why.** {claim}. If that is wrong: {source.node.if_wrong or 'not said'}.",
        "",
        f"**Repair.** {source.node.difference or 'See the sketch.'}",
        "",
    ]
    if leftovers:
        prose += [
            "**To mend before it can be promoted.**",
            *(f"- {line}" for line in leftovers),
            "",
        ]
    files = {
        "SKILL.md": "\n".join(prose).encode(),
        "skill.toml": "\n".join(toml).encode(),
        "scripts/repair.py": sketch.text.encode(),
    }
    return Draft(own, files, call, source.node.author, leftovers)


def _name(call: Implicated, sketch: str) -> str:
    """What is done, after what failed: ``look-at-object-after-blocked-goto-pose``."""
    new = [c for c in calls_in(sketch) if c not in ("range", "len", call.primitive)]
    does = new[0] if new else call.primitive
    words = f"{does}-after-{call.status}-{call.primitive}".lower().replace("_", "-")
    return (
        re.sub(r"-+", "-", re.sub(r"[^a-z0-9]+", "-", words)).strip("-")[:LONGEST_NAME].strip("-")
    )


def _when(call: Implicated) -> str:
    if call.status != "OK":
        return f"{call.primitive} ends in {call.status}."
    failed = " and ".join(call.checks) or "a check"
    return f"Every call ends in OK, and {failed} fails after {call.primitive}."


def _kind(sketch: str) -> str:
    called = set(calls_in(sketch))
    if called & {"navigate_to_pose", "safe_navigate", "dist_to"}:
        return "navigation recovery"
    if called & {"get_object_pose", "look_at_object", "detect_object", "segment"}:
        return "localisation heuristic"
    if called & {"close_gripper", "open_gripper", "sample_grasp_pose"}:
        return "grasp constraint"
    return "motion primitive"
