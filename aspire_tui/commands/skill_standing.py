"""What a skill was proven under (cell, task, primitives), and what of it changed since."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from aspire_tui.commands.context import Context
from aspire_tui.commands.jobs import tasks_named
from aspire_tui.config import find_cell
from aspire_tui.domain import sha256_hex
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.environment.task import Criterion, TaskDef
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.gate import primitives_here
from aspire_tui.library.skill import Skill
from drivers.errors import CellFileError

UNDER = ("cell", "task", "primitives")
"""Names under which a proof's hashes keep them. A proof that lacks one says nothing of it."""


def proven_under(context: Context, skill: Skill, task: str, cell: str) -> dict[str, str]:
    """Hashes of what a proof stands on, as it is now; what is not here any more is left out."""
    found = {"primitives": primitives_hash(skill, primitives_here())}
    known, path = _task(context, task), _cell_file(context, cell)
    if known is not None:
        found["task"] = task_hash(known)
    if path is not None:
        found["cell"] = cell_hash(path)
    return found


def changed_lines(context: Context, skill: Skill) -> list[str]:
    """What changed since each of its proofs was measured, and how to prove it again."""
    out = []
    for p in skill.evidence.proofs:
        now = proven_under(context, skill, p.task, p.cell)
        names = {"cell": f"cell {p.cell}", "task": f"task {p.task}", "primitives": "a primitive"}
        changed = [names[n] for n in UNDER if n in p.hashes and n in now and p.hashes[n] != now[n]]
        if changed:
            out.append(
                f"{' and '.join(changed)} changed since it was proven on {p.task}: "
                f"skills verify {skill.name} --task {p.task} --cell {p.cell} --write"
            )
    return out


def primitives_hash(skill: Skill, names: Mapping[str, Primitive]) -> str:
    """Of the declarations a skill relies on: what its sketch calls and what it answers. Pure."""
    used = sorted({*skill.uses, *skill.definition.signature.primitives})
    told = [
        [name, [[a.name, a.required, repr(a.default)] for a in p.arguments], p.returns, p.frame]
        for name, p in ((n, names[n]) for n in used if n in names)
    ]
    return sha256_hex(msgspec.json.encode(told))


def task_hash(task: TaskDef) -> str:
    """Of a task as it is set and judged, whatever is asked of a whole run. Pure."""
    return sha256_hex(msgspec.json.encode(msgspec.structs.replace(task, criterion=Criterion())))


def cell_hash(path: Path) -> str:
    """Of what a cell file says, its comments and its order left out."""
    said = tomllib.loads(path.read_text(encoding="utf-8"))
    return sha256_hex(msgspec.json.encode(said, order="deterministic"))


def _cell_file(context: Context, cell: str) -> Path | None:
    try:
        return find_cell(cell, context.workspace.cell_folders())
    except CellFileError:
        return None


def _task(context: Context, name: str) -> TaskDef | None:
    """None for a task of somebody else's workspace: nothing is known of it here."""
    try:
        return tasks_named([name], context.workspace)[0]
    except ConfigError:
        return None
