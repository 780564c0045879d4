"""``bench first``: trials to a first success, scene by scene, with a skill and without it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from aspire_tui.commands.bench_skills import (
    NONE,
    SkillsOption,
    WorkersOption,
    skills_in,
)
from aspire_tui.commands.bench_verbs import bench_app
from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.experiments import arm_spec, frozen, run_arm
from aspire_tui.commands.jobs import tasks_named
from aspire_tui.commands.run_options import CellOption
from aspire_tui.domain import RunSpec
from aspire_tui.environment.task import TaskDef
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.arms import (
    ArmRun,
    Arms,
    first_passes,
    to_success,
    told_to_success,
)
from aspire_tui.improvement.rules.first_pass import FIRST_PASS
from aspire_tui.session.reader import SessionReader

LEAST_SCENES = 20


@bench_app.command("first")
def first(
    ctx: typer.Context,
    task: Annotated[str, typer.Argument(help="Task name or file.")],
    but: Annotated[
        list[str] | None,
        typer.Option("--but", help="Skill the other arm lacks; none: it has no library at all."),
    ] = None,
    scenes: Annotated[int, typer.Option(min=1, max=1000, help="Scenes of both arms.")] = 24,
    most: Annotated[int, typer.Option(min=1, help="Trials a scene may take.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Draws the scenes.")] = 0,
    skills: SkillsOption = "",
    cell: CellOption = "yam",
    workers: WorkersOption = 2,
    json_only: JsonFlag = False,
) -> None:
    """On each scene: the plain program, then the library's repairs of what failed there, the best
    match first, until one passes. Run again to go on where it stopped."""
    context = Context.of(ctx)
    held = skills_in(context, skills)
    absent = [name for name in but or () if name not in {s.name for s in held}]
    if absent:
        raise ConfigError(f"--but {absent[0]}: the library holds {', '.join(s.name for s in held)}")
    rest = [s for s in held if but and s.name not in but]
    (known,) = tasks_named([task], context.workspace)
    criterion = msgspec.structs.replace(known.criterion, dev_n=scenes)
    known = msgspec.structs.replace(known, criterion=criterion)
    arms = []
    for folder in (str(frozen(context, held)), str(frozen(context, rest)) if rest else NONE):
        spec = arm_spec(known, cell, seed, folder, 1, workers, **{FIRST_PASS: str(most)})
        arms.append(_ran(context, spec, known))
    both = Arms(arms[0], arms[1])
    if json_only:
        told = {"experiment": "first", "task": task, "cell": cell, "but": list(but or ())}
        scene = {r.seed: {"with": _told(r)} for r in both.with_it}
        for r in both.without:
            scene.setdefault(r.seed, {})["without"] = _told(r)
        print_json(
            {
                **told,
                **to_success(both)._asdict(),
                "counts": scenes >= LEAST_SCENES,
                "scenes": scene,
            }
        )
        return
    typer.echo(f"{known.name}, {len(both.with_it)} scenes, at most {most} trials each")
    typer.echo("\n".join(told_to_success(to_success(both), "scene")))
    if scenes < LEAST_SCENES:
        typer.echo(f"too few to count: at least {LEAST_SCENES} scenes")


def _ran(context: Context, spec: RunSpec, task: TaskDef) -> tuple[ArmRun, ...]:
    with SessionReader(Path(run_arm(context, spec, (task,)))) as reader:
        return first_passes(reader)


def _told(run: ArmRun) -> dict[str, object]:
    return {"trials": run.search_trials, "reached": run.reached, "repairs": list(run.repairs)}
