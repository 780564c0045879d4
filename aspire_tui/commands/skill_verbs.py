"""``skills``: what there is, and proving one anew."""

from __future__ import annotations

import getpass
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from aspire_tui.commands.context import Context, print_json
from aspire_tui.commands.follow import follow, to_stderr
from aspire_tui.commands.jobs import make_job, tasks_named
from aspire_tui.commands.run_verbs import JsonFlag
from aspire_tui.commands.skill_shelf_verbs import (
    add_skills,
    check_shelf,
    check_skill,
    promote_skill,
    retire_skill,
    shelf_of,
    show_ledger,
)
from aspire_tui.domain import Budget, RunSpec
from aspire_tui.engine.spawn import EngineNotStarted, start_engine
from aspire_tui.errors import ConfigError, Exit
from aspire_tui.evolution.evidence import NoEvidence, proof_of, with_proof
from aspire_tui.library.load import load_library
from aspire_tui.library.skill import Skill
from aspire_tui.session.reader import SessionReader

skills_app = typer.Typer(help="The skill library.", invoke_without_command=True)
skills_app.command("check")(check_skill)
skills_app.command("add")(add_skills)
skills_app.command("promote")(promote_skill)
skills_app.command("retire")(retire_skill)
skills_app.command("ledger")(show_ledger)


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
    found = load_library(Context.of(ctx).workspace.skill_folders()).get(skill)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    typer.echo(f"{found.name}: {found.description}\n\n{found.text.strip()}\n")
    typer.echo(f"--- sketch ({found.definition.repair.splice})\n{found.sketch.rstrip()}\n")
    for p in found.evidence.proofs:
        typer.echo(
            f"--- {p.task} on {p.cell}, {p.seed_set} seeds: with {p.rate_with.k}/{p.rate_with.n}, "
            f"without {p.rate_without.k}/{p.rate_without.n}"
        )


@skills_app.command("verify")
def verify_skill(
    ctx: typer.Context,
    skill: Annotated[
        str, typer.Argument(help="Skill to prove by runs; none: check all of them by reading.")
    ] = "",
    task: Annotated[str, typer.Option("--task", help="Task to prove it on.")] = "cube_stack",
    cell: Annotated[str, typer.Option("--cell", help="Cell by name or file.")] = "yam",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = 0,
    write: Annotated[bool, typer.Option("--write", help="Keep it in evidence.json.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take in files changed without the ledger.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Prove a skill anew: the same unseen scenes with it and without it, nothing else changed.

    Without a name: the ledger, its files, and every skill against today's primitives and policy.
    """
    context = Context.of(ctx)
    if not skill:
        _verify_all(context, accept, as_json)
    found = load_library(context.workspace.skill_folders()).get(skill)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(found.folder, Path(folder) / found.name)
        session = _run_with(context, task, cell, seed, folder)
    try:
        proof = proof_of(SessionReader(session), found)
    except NoEvidence as none:
        raise ConfigError(str(none)) from None
    holds = proof.rate_with.k > proof.rate_without.k
    if write:
        _write(found, msgspec.json.encode(with_proof(found.evidence, proof)))
    shelf = shelf_of(context)
    own = Path(found.folder).parent.resolve() == shelf.skills.resolve()
    if own and (shelf.ledger.entries() or write):
        proven = f"{task}: with {proof.rate_with.k}, without {proof.rate_without.k}"
        shelf.verify(skill, holds, f"{proven} of {proof.rate_with.n}", {}, accept=write)
    if as_json:
        print_json({"skill": skill, "session": str(session), "proof": msgspec.to_builtins(proof)})
    else:
        typer.echo(
            f"{skill} on {task}: with {proof.rate_with.k}/{proof.rate_with.n}, "
            f"without {proof.rate_without.k}/{proof.rate_without.n}"
            + (f", {proof.left_out} scenes left out" if proof.left_out else "")
            + f"  ({session.name})"
        )
    raise typer.Exit(Exit.PASS if holds else Exit.NOT_PASS)


def _verify_all(context: Context, accept: bool, as_json: bool) -> NoReturn:
    rows = check_shelf(context, accept=accept)
    if as_json:
        print_json({"skills": [{"name": n, "holds": not ls, "why": ls} for n, ls in rows]})
    else:
        for name, lines in rows:
            typer.echo(f"{name:<28} {'holds' if not lines else 'no longer holds'}")
            for line in lines:
                typer.echo(f"  {line}")
    raise typer.Exit(Exit.NOT_PASS if any(lines for _, lines in rows) else Exit.PASS)


def _run_with(context: Context, task: str, cell: str, seed: int, skills: str) -> Path:
    spec = RunSpec(
        verb="run",
        tasks=(task,),
        cell=cell,
        agent="rules",
        seed=seed,
        attended=False,
        budget=Budget(),
        rounds=1,
        skills=skills,
        held_out=1,
        worker_pictures="none",
    )
    try:
        started = start_engine(
            make_job(spec, tasks_named([task], context.workspace), context.workspace)
        )
    except EngineNotStarted as error:
        typer.echo(f"aspire-tui: {error}", err=True)
        raise typer.Exit(error.code) from None
    follow(started, getpass.getuser(), to_stderr)
    return started.session


def _write(skill: Skill, data: bytes) -> None:
    path = Path(skill.folder) / "evidence.json"
    beside = path.with_suffix(".new")
    beside.write_bytes(msgspec.json.format(data, indent=2) + b"\n")
    beside.replace(path)


def _proven(s: Skill) -> str:
    if not s.evidence.proofs:
        return "no evidence"
    p = s.evidence.proofs[-1]
    return (
        f"{p.task}: {p.rate_with.k}/{p.rate_with.n} with, "
        f"{p.rate_without.k}/{p.rate_without.n} without"
    )
