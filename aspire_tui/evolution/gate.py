"""The way into the library, whoever asks: what recordings say of a skill, ruled on, then kept.

The command line and a running engine both go through here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import msgspec

from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import Embodiment, Primitive, catalogue
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.admission import Case, Paired, Recalled, Ruling, rule
from aspire_tui.evolution.drafting import Draft, proven_by_draft, proven_by_text, session_of
from aspire_tui.evolution.evidence import paired_of, session_id_of
from aspire_tui.evolution.recalled import recalled_of
from aspire_tui.library.front_matter import checked_name
from aspire_tui.library.ledger import Entry
from aspire_tui.library.load import load_skill
from aspire_tui.library.promotion import QUARANTINE, Shelf
from aspire_tui.library.skill import Skill
from aspire_tui.session.reader import SessionReader

PROFILES = ("libero", "capx", "robosuite", "r1pro", "yam")


def primitives_here() -> dict[str, Primitive]:
    """Every name a program may call in this release, on whatever cell, aliases included."""
    known: dict[str, Primitive] = {}
    for body in get_args(Embodiment):
        for profile in PROFILES:
            known = catalogue(ALL, profile, "", body) | known
    return known


def ruling_of(
    skill: Skill,
    sessions: Sequence[Path],
    names: Mapping[str, Primitive],
    recalled: Sequence[Recalled] = (),
    world_holds: bool | None = None,
) -> Ruling:
    """What the gate says of a skill, from these recordings.

    Raises:
        ConfigError: A recording is not intact.
    """
    pairs: list[Paired] = []
    lost: list[str] = []
    benches = list(recalled)
    for path in dict.fromkeys(sessions):
        with SessionReader(path) as reader:
            if not _live(reader) and reader.verify():
                raise ConfigError(f"{path.name} is not intact; sessions verify says where")
            try:
                found = list(proven_by_draft(reader, skill, names))
            except ConfigError as changed:
                found = []
                lost.append(str(changed))
            found += [*proven_by_text(reader, skill, names), *paired_of(reader, skill)]
            found = [p for p in found if p.seed_set == "selection"]
            here = recalled_of(reader, skill, names)
            benches += here
            if not found and not here and not lost:
                lost.append(f"{path.name} compares nothing with {skill.name} on selection scenes")
        pairs += found
    ruling = rule(
        Case(
            skill=skill,
            primitives=frozenset(names),
            pairs=tuple(_once(pairs)),
            recalled=tuple(benches),
            world_holds=world_holds,
        )
    )
    if lost and ruling.standing == "refused":
        return msgspec.structs.replace(ruling, missing=(*lost, *ruling.missing))
    return ruling


def _once(pairs: Sequence[Paired]) -> list[Paired]:
    """Of several comparisons on the same scenes one: the same runs are never counted twice."""
    kept: dict[tuple[str, str, str, str, tuple[int, ...]], Paired] = {}
    for p in pairs:
        kept.setdefault((p.task, p.cell, p.seed_set, p.against, p.seeds()), p)
    return list(kept.values())


def _live(reader: SessionReader) -> bool:
    """The session is still being written: its chain is checked by its writer, event by event."""
    return reader.snapshot().ended is None


def keep_draft(shelf: Shelf, draft: Draft, scratch: Path) -> Path:
    """Put a draft into quarantine, where an editor finds it and nothing loads it.

    Raises:
        ConfigError: It is no skill that can be read: says why.
    """
    folder = scratch / checked_name(draft.name)
    for name, data in draft.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    load_skill(folder)
    origin = f"drafted from trial {draft.call.trial} call {draft.call.call} by {draft.author}"
    return shelf.add(folder, draft.name, origin)


def promote(
    shelf: Shelf,
    name: str,
    sessions: Sequence[Path],
    names: Mapping[str, Primitive],
    *,
    note: str = "",
    recalled: Sequence[Recalled] = (),
    world_holds: bool | None = None,
) -> tuple[Skill, Ruling]:
    """Begin, the gate, edit, finish, verify: each a line of the ledger; abandoned when refused.

    Raises:
        PolicyRefused: Another promotion is open, or files changed behind the ledger's back.
        ConfigError: Nothing by that name waits, or a recording proves nothing of it.
    """
    shelf.begin(name)
    try:
        found = load_skill(shelf.quarantined(name))
        ruling = ruling_of(found, sessions, names, recalled, world_holds)
        if ruling.standing == "refused":
            shelf.abandon(name, "; ".join(ruling.missing))
            return found, ruling
        shelf.edit(name, note, {"proofs": list(ruling.proofs), "digest": found.digest})
        shelf.finish(name, ruling.standing, found.definition.supersedes, note)
        kept = load_skill(shelf.skills / name)
        holds = kept.digest == found.digest
        shelf.verify(name, holds, "read again after the promotion", {"digest": kept.digest})
        return kept, ruling
    except BaseException as error:
        if shelf.open_promotion() is not None:
            shelf.abandon(name, f"broken off: {error}"[:300])
        raise


def waiting(shelf: Shelf) -> tuple[str, ...]:
    """Skills in quarantine, by name."""
    folder = shelf.skills / QUARANTINE
    return tuple(sorted(p.name for p in folder.iterdir())) if folder.is_dir() else ()


def last_line(shelf: Shelf, name: str) -> Entry | None:
    """The newest line of the ledger on one skill."""
    return next((e for e in reversed(shelf.ledger.entries()) if e.skill == name), None)


def evidence_sessions(skill: Skill, folders: Sequence[Path]) -> list[Path]:
    """The recordings a skill's evidence names, and the one it was drafted from, if here."""
    wanted = {s for p in skill.evidence.proofs for s in p.sessions} | {session_of(skill)} - {""}
    found = []
    for path in sorted({p for f in folders if f.is_dir() for p in f.glob("*.db")}):
        if wanted and session_id_of(path) in wanted:
            found.append(path)
    return found
