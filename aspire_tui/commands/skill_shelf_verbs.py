"""``skills check|add|promote|retire|ledger``: how skills come in and go out, each act a line."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.live_promotion import live_origin, live_session
from aspire_tui.commands.session_verbs import find_session
from aspire_tui.commands.skill_standing import changed_lines
from aspire_tui.errors import ConfigError, Exit, PolicyRefused
from aspire_tui.evolution.admission import Ruling, unsound_lines
from aspire_tui.evolution.drafting import draft_from, session_of
from aspire_tui.evolution.gate import (
    evidence_sessions,
    keep_draft,
    primitives_here,
    promote,
    ruling_of,
)
from aspire_tui.library.foreign import Offered, clone, is_address, offer, skill_folders_in
from aspire_tui.library.front_matter import NAME
from aspire_tui.library.ledger import Entry
from aspire_tui.library.load import Library, load_library, load_skill
from aspire_tui.library.promotion import Shelf
from aspire_tui.library.scene_constants import scene_constants
from aspire_tui.library.skill import Skill
from aspire_tui.session.reader import SessionReader

MOST_LINES = 400
"""Lines of a difference shown without ``--all``."""


def shelf_of(context: Context) -> Shelf:
    """The workspace's own skills: what ships is never written to."""
    return Shelf(context.workspace.skills, context.who(), time.time)


def check_skill(
    ctx: typer.Context,
    skill: Annotated[str, typer.Argument(help="Name of a skill, waiting ones too, or a folder.")],
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", help="Session that compares with and without.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """What the gate would say of a skill now, and what is missing."""
    context = Context.of(ctx)
    found = _named(skill, context)
    ruling = _ruling(context, found, evidence or [])
    if as_json:
        print_json({"skill": found.name, **msgspec.to_builtins(ruling)})
    else:
        typer.echo("\n".join(ruling_lines(found, ruling)))
    raise typer.Exit(Exit.PASS if ruling.standing != "refused" else Exit.NOT_PASS)


def add_skills(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(help="Folder of a skill or of skills, or a git address.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    whole: Annotated[bool, typer.Option("--all", help="Show the whole difference.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take foreign skills into quarantine: shown as a difference, with the primitives they use."""
    context = Context.of(ctx)
    library = load_library(context.workspace.skill_folders())
    with tempfile.TemporaryDirectory() as scratch:
        folder = _fetched(source, Path(scratch))
        offered, problems = _offers(folder, library)
        if not as_json:
            for o in offered:
                typer.echo("\n".join(offered_lines(o, None if whole else MOST_LINES)))
            for text in problems if offered else problems[1:]:
                typer.echo(f"refused: {text}", err=True)
        if not offered:
            raise PolicyRefused(problems[0] if problems else f"{source}: holds no skill")
        if not yes:
            _ask(len(offered), as_json)
        shelf = shelf_of(context)
        for o in offered:
            shelf.add(Path(o.skill.folder), o.skill.name, source)
    if as_json:
        rows = [{"name": o.skill.name, "uses": o.skill.uses, "unknown": o.unknown} for o in offered]
        print_json({"source": source, "quarantined": rows, "refused": problems})
        return
    names = " ".join(o.skill.name for o in offered)
    typer.echo(f"in quarantine, used by nothing until promoted: {names}")


def draft_skill(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Session that holds the repair.")],
    hypothesis: Annotated[int, typer.Option("--hypothesis", min=1, help="Its number there.")],
    name: Annotated[str, typer.Option(help="Of the skill; else one is made up.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Draft a skill from a repair of any author: the failing call, what changed, what it proved.
    Of a session that is running its engine does it, for all to see."""
    context = Context.of(ctx)
    path = find_session(session, context.workspace)
    live = live_session(context, path)
    if live is not None:
        told = live.draft(hypothesis, name).data
        found = load_skill(Path(str(told["folder"])))
        if as_json:
            print_json(told)
        else:
            typer.echo(f"drafted in {found.folder}: edit it, then skills promote {found.name}")
            typer.echo("\n".join(ruling_lines(found, ruling_told(told))))
        return
    library = load_library(context.workspace.skill_folders())
    names = primitives_here()
    with SessionReader(path) as reader:
        today = datetime.now(UTC).date()
        draft = draft_from(reader, hypothesis, names, library, today, name)
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep_draft(shelf_of(context), draft, Path(scratch))
    found = load_skill(folder)
    ruling = _ruling(context, found, [session])
    if as_json:
        head = {"skill": draft.name, "folder": str(folder), "leftovers": draft.leftovers}
        print_json({**head, **msgspec.to_builtins(ruling)})
        return
    typer.echo(f"drafted in {folder}: edit it, then skills promote {draft.name}")
    for line in draft.leftovers:
        typer.echo(f"  to mend  {line}")
    typer.echo("\n".join(ruling_lines(found, ruling)))


def promote_skill(
    ctx: typer.Context,
    skill: Annotated[str, typer.Argument(help="Name of a skill that waits in quarantine.")],
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", help="Session that compares with and without.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why; needed when no file changes.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Let a skill through the gate, or say what is missing. Operators get no other way in. A draft
    of a running session is promoted by its engine, so that its tree shows it."""
    context = Context.of(ctx)
    shelf = shelf_of(context)
    waits = shelf.quarantined(skill)
    named = load_skill(waits) if waits.is_dir() else None
    live = live_origin(context, session_of(named)) if named is not None else None
    if live is not None and named is not None:
        said = live.promote(skill, _sessions(context, None, evidence or []), note)
        came_in = said.standing in ("admitted", "provisional")
        if as_json:
            print_json({"skill": skill, **msgspec.to_builtins(said)})
        else:
            told = {"standing": said.standing, "missing": said.missing, "shown": said.shown}
            typer.echo("\n".join(ruling_lines(named, ruling_told(told))))
        raise typer.Exit(Exit.PASS if came_in else Exit.REFUSED)
    sessions = _sessions(context, named, evidence or [])
    # It loads a stand-in, which no other verb of the library needs.
    from aspire_tui.commands.world_canary import World, world_of

    names, world = primitives_here(), World(None, ())
    if named is not None and ruling_of(named, sessions, names).standing != "refused":
        world = world_of(context, sessions)
    found, ruling = promote(shelf, skill, sessions, names, note=note, world_holds=world.holds)
    if as_json:
        print_json({"skill": skill, "canary": world.lines, **msgspec.to_builtins(ruling)})
    else:
        typer.echo("\n".join([*world.lines, *ruling_lines(found, ruling)]))
    raise typer.Exit(Exit.REFUSED if ruling.standing == "refused" else Exit.PASS)


def retire_skill(
    ctx: typer.Context,
    skill: Annotated[str, typer.Argument(help="Name of a skill.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is not used any more.")],
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give up an open promotion of it instead.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take a skill out of use; its files and its lines in the ledger stay."""
    context = Context.of(ctx)
    shelf = shelf_of(context)
    if abandon:
        entry = shelf.abandon(skill, reason)
    else:
        load_library(context.workspace.skill_folders()).get(skill)
        entry = shelf.retire(skill, reason)
    if as_json:
        print_json(msgspec.to_builtins(entry))
    else:
        typer.echo(entry_line(entry))


def show_ledger(
    ctx: typer.Context,
    skill: Annotated[str, typer.Argument(help="Only this skill.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Every act on the skills, checked: an edit by hand is named by line."""
    shelf = shelf_of(Context.of(ctx))
    entries = [e for e in shelf.ledger.entries() if not skill or e.skill == skill]
    begun, changes = shelf.open_promotion(), shelf.changes()
    if as_json:
        print_json(
            {
                "ledger": str(shelf.ledger.path),
                "entries": msgspec.to_builtins(entries),
                "standings": shelf.standings(),
                "open": begun.skill if begun else None,
                "changed": msgspec.to_builtins(changes),
            }
        )
    else:
        for entry in entries:
            typer.echo(entry_line(entry))
        if begun is not None:
            typer.echo(f"open: a promotion of {begun.skill} by {begun.who} since line {begun.n}")
        for change in changes:
            typer.echo(f"{change.what} without the ledger: {change.path}")
    raise typer.Exit(Exit.FAULT if changes else Exit.PASS)


def check_shelf(context: Context, *, accept: bool) -> list[tuple[str, list[str]]]:
    """Every skill against today's release, with what no longer holds; marked in the ledger."""
    shelf = shelf_of(context)
    if accept and shelf.changes():
        changes = shelf.changes()
        paths = [c.path for c in changes]
        shelf.verify(paths[0].split("/")[0], True, "taken in", {"changed": paths}, accept=True)
    elif shelf.changes():
        first = shelf.changes()[0]
        raise PolicyRefused(f"{first.path} was {first.what} without the ledger; see --accept")
    library = load_library(context.workspace.skill_folders())
    names = frozenset(primitives_here())
    rows = [(s.name, [*stale_lines(s, names), *changed_lines(context, s)]) for s in library.skills]
    rows += [(Path(p.folder).name, [p.text]) for p in library.problems]
    marked = {
        e.skill: bool(e.details.get("holds")) for e in shelf.ledger.entries() if e.act == "verify"
    }
    for name, lines in rows:
        holds = not lines
        if marked.get(name, True) != holds:
            shelf.verify(name, holds, "; ".join(lines) or "holds again", {})
    return rows


def stale_lines(skill: Skill, names: frozenset[str]) -> list[str]:
    """Why a skill does not stand any more, without running anything. Pure."""
    out = unsound_lines(skill, names)
    out += [f"scene constant: {c}" for c in scene_constants(skill)]
    old = [
        p.task for p in skill.evidence.proofs if p.hashes.get("skill", skill.digest) != skill.digest
    ]
    if old:
        out.append(
            f"its evidence on {', '.join(old)} was measured with another text of it: "
            f"skills verify {skill.name} --task {old[0]} --write"
        )
    return out


def ruling_lines(skill: Skill, ruling: Ruling) -> list[str]:
    """What the gate says, for a person. Pure."""
    out = [f"{skill.name}: {ruling.standing}; uses {', '.join(skill.uses) or 'no primitive'}"]
    out += [f"  shown    {line}" for line in ruling.proofs]
    return out + [f"  missing  {line}" for line in ruling.missing]


def ruling_told(data: Mapping[str, Any]) -> Ruling:
    """A ruling as an engine tells it."""
    return Ruling(data["standing"], tuple(data["missing"]), tuple(data["shown"]))


def offered_lines(o: Offered, most: int | None) -> list[str]:
    """A foreign skill for a person, before anything is kept. Pure."""
    uses = ", ".join(o.skill.uses) or "nothing"
    out = [f"untrusted: {o.skill.name}; its sketch calls {uses}"]
    if o.unknown:
        out.append(f"  not a primitive here: {', '.join(o.unknown)}")
    diff = list(o.changed) or ["  no difference to the skill of that name"]
    if most is not None and len(diff) > most:
        diff = [*diff[:most], f"… {len(diff) - most} more lines; --all shows them"]
    return out + diff


def entry_line(e: Entry) -> str:
    at = datetime.fromtimestamp(e.at_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return f"{e.n:>4} {at} {e.act:<9} {e.skill:<28} {e.who:<10} {e.note}".rstrip()


def _named(name: str, context: Context) -> Skill:
    waiting = shelf_of(context).quarantined(name) if NAME.match(name) else Path(name)
    if (waiting / "SKILL.md").is_file():
        return load_skill(waiting)
    if Path(name).is_dir():
        return load_skill(Path(name).absolute())
    return load_library(context.workspace.skill_folders()).get(name)


def _ruling(context: Context, skill: Skill, sessions: list[str]) -> Ruling:
    return ruling_of(skill, _sessions(context, skill, sessions), primitives_here())


def _sessions(context: Context, skill: Skill | None, named: list[str]) -> list[Path]:
    """The recordings that were named, else those that the skill's own evidence names."""
    if named:
        return [find_session(name, context.workspace) for name in dict.fromkeys(named)]
    folders = context.workspace.session_folders()
    return evidence_sessions(skill, folders) if skill is not None else []


def _fetched(source: str, scratch: Path) -> Path:
    if is_address(source):
        return clone(source, scratch / "clone", dict(os.environ))
    path = Path(source)
    if not source or not path.is_dir():
        raise ConfigError(f"{source}: is no folder, and no https, ssh or file address of git")
    return path.absolute()


def _offers(folder: Path, library: Library) -> tuple[list[Offered], list[str]]:
    names = frozenset(primitives_here())
    offered, problems = [], []
    for each in skill_folders_in(folder):
        try:
            offered.append(offer(each, library.skills, names))
        except ConfigError as error:
            problems.append(str(error))
    return offered, problems


def _ask(n: int, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise ConfigError(f"{n} foreign skills would be kept in quarantine; say --yes")
    if not typer.confirm(f"keep these {n} in quarantine?"):
        raise typer.Exit(Exit.STOPPED)
