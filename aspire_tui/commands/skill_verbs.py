"""``skills``: what there is, in full and in a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.skill_match_verb import match_skills
from aspire_tui.commands.skill_shelf_verbs import (
    add_skills,
    check_skill,
    draft_skill,
    promote_skill,
    retire_skill,
    shelf_of,
    show_ledger,
)
from aspire_tui.commands.skill_verify_verb import held_out_words, verify_skill
from aspire_tui.evolution.admission import PROBATION, TASK_SPECIFIC
from aspire_tui.library.load import load_library
from aspire_tui.library.promotion import Shelf
from aspire_tui.library.skill import Skill
from aspire_tui.library.uses import Use, Uses

skills_app = typer.Typer(help="The skill library.", invoke_without_command=True)
skills_app.command("check")(check_skill)
skills_app.command("add")(add_skills)
skills_app.command("draft")(draft_skill)
skills_app.command("promote")(promote_skill)
skills_app.command("retire")(retire_skill)
skills_app.command("ledger")(show_ledger)
skills_app.command("match")(match_skills)
skills_app.command("verify")(verify_skill)


@skills_app.callback()
def _skills(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        list_skills(ctx, as_json=False)


@skills_app.command("list")
def list_skills(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """Skills with what they answer and what proves them."""
    library = load_library(Context.of(ctx).workspace.skill_folders())
    if as_json:
        print_json(
            {
                "skills": [
                    {
                        "name": s.name,
                        "description": s.description,
                        "kind": s.kind,
                        "task_specific": s.metadata.get(TASK_SPECIFIC, ""),
                        "primitives": list(s.definition.signature.primitives),
                        "statuses": list(s.definition.signature.statuses),
                        "checks": list(s.definition.signature.checks),
                        "evidence": msgspec.to_builtins(s.evidence),
                    }
                    for s in library.skills
                ],
                "problems": msgspec.to_builtins(library.problems),
            }
        )
        return
    for s in library.skills:
        typer.echo(f"{s.name:<26} {_proven(s):<44} {s.description}")
    for problem in library.problems:
        typer.echo(f"not loaded: {problem.folder}: {problem.text}", err=True)


@skills_app.command("show")
def show_skill(ctx: typer.Context, skill: str, as_json: JsonFlag = False) -> None:
    """One skill in full, its sketch and evidence included."""
    context = Context.of(ctx)
    found = load_library(context.workspace.skill_folders()).get(skill)
    shelf = shelf_of(context)
    standing = shelf.standings().get(skill, "shipped")
    uses = Uses(shelf.skills).of(skill, found.digest)
    if as_json:
        counts = {cell: {"k": u.k, "n": u.n, "broken": u.broken} for cell, u in uses.items()}
        print_json({**msgspec.to_builtins(found), "standing": standing, "uses": counts})
        return
    typer.echo(f"{found.name}: {found.description}\n\n{found.text.strip()}\n")
    only = found.metadata.get(TASK_SPECIFIC, "")
    if found.kind or only:
        typer.echo(f"--- {found.kind or 'of no kind'}" + (f", for {only} alone" if only else ""))
    typer.echo(f"--- sketch ({found.definition.repair.splice})\n{found.sketch.rstrip()}\n")
    for p in found.evidence.proofs:
        typer.echo(
            f"--- {p.task} on {p.cell}, {p.seed_set} seeds: with {p.rate_with.k}/{p.rate_with.n}, "
            f"without {p.rate_without.k}/{p.rate_without.n}{held_out_words(p)}"
        )
    typer.echo("\n".join(standing_lines(standing, last_proofs(shelf, skill), uses)))


def last_proofs(shelf: Shelf, skill: str) -> list[str]:
    """What counted when it came in, as the ledger has it."""
    edits = [e for e in shelf.ledger.entries() if e.skill == skill and e.act == "edit"]
    return [str(line) for line in edits[-1].details.get("proofs", [])] if edits else []


def standing_lines(standing: str, proofs: Sequence[str], uses: Mapping[str, Use]) -> list[str]:
    """How it stands, and how it did on each cell by itself: simulation and benches apart. Pure."""
    out = [f"--- {standing}"]
    if standing == "provisional":
        out += [f"  {line}" for line in proofs if line.endswith("provisional")]
    for use in uses.values():
        broke = f", broke {use.broken}" if use.broken else ""
        more = "" if use.n >= PROBATION and use.k else f"; probation ends after {PROBATION} uses"
        out.append(f"  used {use}{broke}{more}")
    return out


def _proven(s: Skill) -> str:
    if not s.evidence.proofs:
        return "no evidence"
    p = s.evidence.proofs[-1]
    return (
        f"{p.task}: {p.rate_with.k}/{p.rate_with.n} with, "
        f"{p.rate_without.k}/{p.rate_without.n} without"
    )
