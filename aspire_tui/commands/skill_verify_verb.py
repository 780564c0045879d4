"""``skills verify``: proven anew by runs, or all of them checked by reading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.experiments import arm_spec, frozen, run_arm
from aspire_tui.commands.jobs import tasks_named
from aspire_tui.commands.skill_shelf_verbs import check_shelf, shelf_of
from aspire_tui.commands.skill_standing import proven_under
from aspire_tui.errors import Exit
from aspire_tui.evolution.evidence import NoEvidence, proof_of, with_proof
from aspire_tui.improvement.rules.prove import PROGRAM, PROVE
from aspire_tui.library.load import PROOF, Library, load_library, load_skill
from aspire_tui.library.skill import Proof, Skill
from aspire_tui.session.reader import SessionReader


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
        under = proven_under(context, skill, proof.task, proof.cell)
        proof = msgspec.structs.replace(proof, hashes=proof.hashes | under)
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
    judged = msgspec.structs.replace(known, criterion=criterion)
    options = {PROVE: str(n), PROGRAM: program}
    spec = arm_spec(judged, cell, seed, str(folder), held_out, workers, **options)
    return run_arm(context, msgspec.structs.replace(spec, rounds=1), (judged,))


def _write(skill: Skill, data: bytes) -> None:
    path = Path(skill.folder) / "evidence.json"
    beside = path.with_suffix(".new")
    beside.write_bytes(msgspec.json.format(data, indent=2) + b"\n")
    beside.replace(path)


def held_out_words(p: Proof) -> str:
    """What the held-out scenes said, if they were run. Pure."""
    r = p.held_out
    return "" if r is None else f"; held-out with it {r.k}/{r.n} ({r.lo:.2f}–{r.hi:.2f})"
