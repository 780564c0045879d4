"""``bench program``: one program on many scenes of a task, resumable, k of n with intervals."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aspire_tui.commands.bench_verbs import bench_app
from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.exec_verb import read_program
from aspire_tui.commands.jobs import cell_named, require_fit, tasks_named
from aspire_tui.commands.run_options import CellOption
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.statistics import Rate, rate
from aspire_tui.rollout.sandbox.levels import admitted

if TYPE_CHECKING:
    from aspire_tui.rollout.program_check import Ran


@bench_app.command("program")
def program(
    ctx: typer.Context,
    program: Annotated[Path, typer.Argument(help="Python file with the program.")],
    task: Annotated[str, typer.Option(help="Task name or file.")],
    n: Annotated[int, typer.Option("--n", min=1, max=20_000, help="Scenes.")] = 100,
    minutes: Annotated[float, typer.Option(min=0.1, help="Stop after; go on later.")] = 60,
    into: Annotated[str, typer.Option(help="File of the scenes run, kept and gone on with.")] = "",
    first_seed: Annotated[
        int, typer.Option(min=1_000_000, help="Seed of scene 0; what was looked at is no proof.")
    ] = 9_000_000,
    cell: CellOption = "yam",
    json_only: JsonFlag = False,
) -> None:
    """A program's success on scenes that no search draws, by referee and by cameras."""
    # Loads the simulator, which no other verb should wait for.
    from aspire_tui.rollout.program_check import ProgramCheck

    context = Context.of(ctx)
    found = tasks_named([task], context.workspace)[0]
    file, cell_file = cell_named(cell, context.workspace)
    require_fit([found], cell_file.info)
    if not cell_file.has_workers:
        raise ConfigError(f"--cell {cell}: only a simulated cell of this machine can be had often")
    name = f"program-{found.name}-{cell_file.info.name}.jsonl"
    path = Path(into) if into else context.workspace.root / "bench" / name
    levels = admitted(hardware=False, waived=False)
    check = ProgramCheck(found, read_program(program), file.resolve(), path, levels, first_seed)
    until = time.monotonic() + 60 * minutes
    for ran in check.run(n):
        if ran.referee != "PASS" or ran.verifier != "PASS":
            typer.echo(
                f"scene {ran.n}: referee {ran.referee}, verifier {ran.verifier}; {ran.call} "
                f"{ran.reason}",
                err=True,
            )
        if time.monotonic() > until:
            break
    answer = program_json(found.name, check.ran(), path)
    if json_only:
        print_json(answer)
        return
    for line in program_lines(answer):
        typer.echo(line)


def program_json(task: str, ran: Sequence[Ran], path: Path) -> dict[str, Any]:
    """k of n with Wilson intervals; scenes without a verified reset are counted apart."""
    ready = [r for r in ran if r.reset == "ok"]
    failed = Counter(r.call or r.reason[:60] for r in ready if r.referee != "PASS")
    agreed = [r for r in ready if r.verifier in ("PASS", "FAIL") and r.referee is not None]
    return {
        "task": task,
        "file": str(path),
        "success": _rate(rate(sum(r.referee == "PASS" for r in ready), len(ready))),
        "verifier_pass": _rate(rate(sum(r.verifier == "PASS" for r in ready), len(ready))),
        "verifier_agrees": _rate(rate(sum(r.verifier == r.referee for r in agreed), len(agreed))),
        "false_pass": [r.n for r in ready if (r.verifier, r.referee) == ("PASS", "FAIL")],
        "verified_reset": _rate(rate(len(ready), len(ran))),
        "verified_at_once": _rate(
            rate(sum(r.reset == "ok" and r.reset_attempts == 1 for r in ran), len(ran))
        ),
        "reset_cell_s": round(median(r.reset_cell_s for r in ran), 2) if ran else None,
        "trial_cell_s": round(median(r.cell_s for r in ran), 1) if ran else None,
        "failures": dict(failed.most_common()),
    }


def _rate(rate: Rate) -> dict[str, Any]:
    return {"k": rate.k, "n": rate.n, "interval": [round(rate.lo, 3), round(rate.hi, 3)]}


def program_lines(answer: dict[str, Any]) -> list[str]:
    """One line per figure, never a bare percentage."""
    lines = [f"{answer['task']}: from {answer['file']}"]
    for name in ("success", "verifier_pass", "verifier_agrees", "verified_reset"):
        one = answer[name]
        lo, hi = one["interval"]
        lines.append(f"{name.replace('_', ' '):<16} {one['k']}/{one['n']} ({lo:.3f}–{hi:.3f})")
    if answer["reset_cell_s"] is not None:
        lines.append(
            f"median cell time of a reset {answer['reset_cell_s']} s, of a trial "
            f"{answer['trial_cell_s']} s"
        )
    lines += [f"  {count} × {what}" for what, count in answer["failures"].items()]
    return lines
