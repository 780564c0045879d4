"""``skills``: what there is, and proving one anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.experiments import frozen, run_arm
from aspire_tui.commands.jobs import tasks_named
from aspire_tui.commands.skill_shelf_verbs import (
    add_skills,
    check_shelf,
    check_skill,
    draft_skill,
    promote_skill,
    retire_skill,
    shelf_of,
    show_ledger,
)
from aspire_tui.domain import Budget, RunSpec
from aspire_tui.errors import Exit
from aspire_tui.evolution.admission import PROBATION
from aspire_tui.evolution.evidence import NoEvidence, proof_of, with_proof
from aspire_tui.improvement.rules.prove import PROGRAM, PROVE
from aspire_tui.library.load import PROOF, Library, load_library, load_skill
from aspire_tui.library.promotion import Shelf
from aspire_tui.library.skill import Proof, Skill
from aspire_tui.library.uses import Use, Uses
from aspire_tui.session.reader import SessionReader

skills_app = typer.Typer(help="The skill library.", invoke_without_command=True)
skills_app.command("check")(check_skill)
skills_app.command("add")(add_skills)
skills_app.command("draft")(draft_skill)
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
    typer.echo(f"--- sketch ({found.definition.repair.splice})\n{found.sketch.rstrip()}\n")
    for p in found.evidence.proofs:
        typer.echo(
            f"--- {p.task} on {p.cell}, {p.seed_set} seeds: with {p.rate_with.k}/{p.rate_with.n}, "
            f"without {p.rate_without.k}/{p.rate_without.n}{held_out_words(p)}"
        )
    typer.echo("\n".join(standing_lines(standing, last_proofs(shelf, skill), uses)))


def held_out_words(p: Proof) -> str:
    """What the held-out scenes said, if they were run. Pure."""
    r = p.held_out
    return "" if r is None else f"; held-out with it {r.k}/{r.n} ({r.lo:.2f}–{r.hi:.2f})"


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


@skills_app.command("verify")
def verify_skill(
    ctx: typer.Context,
    skills: Annotated[
        list[str] | None,
        typer.Argument(help="Skills to prove by runs; none: check all of them by reading."),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option("--task", help="Tasks to prove them on; else those of their evidence."),
    ] = None,
    cell: Annotated[
        str,
        typer.Option("--cell", help="Cell by name or file; else that of the evidence, else yam."),
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = 0,
    n: Annotated[int, typer.Option("--n", min=1, help="Unseen scenes per task.")] = 32,
    held_out: Annotated[
        int,
        typer.Option(
            "--held-out",
            min=0,
            help="Scenes run once at the end with each skill that was kept, recorded and never "
            "used; 0: none, and skills of one program share its runs.",
        ),
    ] = 20,
    write: Annotated[bool, typer.Option("--write", help="Keep it in evidence.json.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take in files changed without the ledger.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes for the trials.")] = 2,
    as_json: JsonFlag = False,
) -> None:
    """Prove skills anew: the same unseen scenes with each and without it, nothing else changed.

    Without a name: the ledger, its files, and every skill against today's primitives and policy.
    """
    context = Context.of(ctx)
    if not skills:
        _verify_all(context, accept, as_json)
    library = load_library(context.workspace.skill_folders())
    named = [waiting_or_known(name, context, library) for name in skills]
    rows: list[dict[str, Any]] = []
    groups = proof_groups(named, task or [], cell, alone=held_out > 0)
    for (on, program, where, _), group in groups.items():
        session = _prove(context, group, on, where, seed, n, held_out or 1, program, workers)
        for each in group:
            rows.append(_proven_row(context, each.name, on, session, library, write=write))
            if not as_json:
                typer.echo(rows[-1]["told"])
    if as_json:
        print_json({"proofs": rows})
    raise typer.Exit(Exit.PASS if all(r["holds"] for r in rows) else Exit.NOT_PASS)


def waiting_or_known(name: str, context: Context, library: Library) -> Skill:
    """A skill by name: one that waits in quarantine before one that is in use."""
    waits = shelf_of(context).quarantined(name)
    return load_skill(waits) if (waits / "SKILL.md").is_file() else library.get(name)


def proof_groups(
    skills: Sequence[Skill], tasks: Sequence[str], cell: str = "", *, alone: bool = False
) -> dict[tuple[str, str, str, str], list[Skill]]:
    """Skills by the task, the program and the cell they are proven on, to share their runs.

    With ``alone`` each has its own: what a session stands by, and runs held out, is one program.
    """
    groups: dict[tuple[str, str, str, str], list[Skill]] = {}
    for skill in skills:
        folder = Path(skill.folder) / PROOF
        own = {p.stem: p for p in sorted(folder.glob("*.py"))} if folder.is_dir() else {}
        for task in tasks or sorted({*skill.evidence_tasks(), *own}) or ["cube_stack"]:
            program = own[task].read_text(encoding="utf-8") if task in own else ""
            known = [p.cell for p in skill.evidence.proofs if p.task == task and p.cell]
            where = cell or (known or [p.cell for p in skill.evidence.proofs] or [""])[-1] or "yam"
            key = (task, program, where, skill.name if alone else "")
            groups.setdefault(key, []).append(skill)
    return groups


def _proven_row(
    context: Context, name: str, task: str, session: Path, library: Library, *, write: bool
) -> dict[str, Any]:
    """What a session proves of one skill, kept when asked; a skill that matched nothing says so."""
    skill = waiting_or_known(name, context, library)
    try:
        with SessionReader(session) as reader:
            proof = proof_of(reader, skill)
    except NoEvidence as none:
        told = f"{name} on {task}: {none}"
        return {"skill": name, "task": task, "holds": False, "proof": None, "told": told}
    c = proof.rate_with.k > proof.rate_without.k
    if write:
        now = load_skill(Path(skill.folder))
        _write(now, msgspec.json.encode(with_proof(now.evidence, proof)))
    shelf = shelf_of(context)
    own = Path(skill.folder).parent.resolve() == shelf.skills.resolve()
    if own and (shelf.ledger.entries() or write):
        proven = f"{task}: with {proof.rate_with.k}, without {proof.rate_without.k}"
        shelf.verify(name, c, f"{proven} of {proof.rate_with.n}", {}, accept=write)
    with_it, without = proof.rate_with, proof.rate_without
    told = (
        f"{name} on {task}: with {with_it.k}/{with_it.n} ({with_it.lo:.2f}–{with_it.hi:.2f}), "
        f"without {without.k}/{without.n} ({without.lo:.2f}–{without.hi:.2f})"
        + held_out_words(proof)
        + (f", {proof.left_out} scenes left out" if proof.left_out else "")
        + f"  ({session.name})"
    )
    return {
        "skill": name,
        "task": task,
        "holds": c,
        "session": str(session),
        "proof": msgspec.to_builtins(proof),
        "told": told,
    }


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


def _prove(
    context: Context,
    skills: Sequence[Skill],
    task: str,
    cell: str,
    seed: int,
    n: int,
    held_out: int,
    program: str,
    workers: int,
) -> Path:
    """One session in which each of these skills is judged alone against the same program.

    The skills' files are kept beside the sessions, by content, so that a stopped proof goes on: the
    same command finds its session and runs only what is missing.
    """
    folder = frozen(context, skills)
    (known,) = tasks_named([task], context.workspace)
    criterion = msgspec.structs.replace(known.criterion, selection_n=n)
    tasks = (msgspec.structs.replace(known, criterion=criterion),)
    spec = RunSpec(
        verb="run",
        tasks=(task,),
        cell=cell,
        agent="rules",
        seed=seed,
        attended=False,
        budget=Budget(),
        rounds=1,
        skills=str(folder),
        held_out=held_out,
        worker_pictures="none",
        workers=workers,
        agent_options={PROVE: str(n), PROGRAM: program},
    )
    return run_arm(context, spec, tasks)


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
