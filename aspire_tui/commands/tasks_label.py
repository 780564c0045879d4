"""``tasks label`` and ``tasks table``: a verifier against people, on ends that were recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.jobs import cell_named, session_named, tasks_named
from aspire_tui.commands.list_verbs import one_of, tasks_app
from aspire_tui.commands.recorded import recorded_trial
from aspire_tui.config import Workspace
from aspire_tui.domain import Keyframe, Verdict
from aspire_tui.environment.labelled_ends import (
    LabelledEnd,
    LabelledEnds,
    NotLabelled,
    Said,
    end_seen,
    judge,
    table_of,
)
from aspire_tui.environment.new_task import to_toml, unproven
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_file import SHIPPED, TaskError, load_task, task_path
from aspire_tui.environment.task_fit import fit
from aspire_tui.errors import ConfigError
from aspire_tui.events import ResetReported, VerdictGiven
from aspire_tui.hand_events import VerdictOverridden
from aspire_tui.session.reader import SessionReader

CALLED = {"PASS": True, "FAIL": False}


@tasks_app.command("label")
def label_task(
    ctx: typer.Context,
    task: Annotated[str, typer.Argument(help="Task whose verifier is to be proven.")],
    session: Annotated[str, typer.Argument(help="Session its trials were recorded in.")],
    trial: Annotated[
        int, typer.Argument(min=0, help="Which trial; 0: all that an operator judged.")
    ] = 0,
    truth: Annotated[str, typer.Argument(help="What you saw: good or bad.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Call the end of a recorded trial good or bad; its pictures are kept beside the task.

    Without a trial: every trial of the session whose verdict an operator has overridden.
    """
    context = Context.of(ctx)
    path, found = own_task(task, context.workspace)
    file = session_named(session, context.workspace)
    if trial:
        calls = {trial: one_of(truth, ("good", "bad"), "truth") == "good"}
    else:
        calls = _overridden(file)
        if not calls:
            raise ConfigError(f"{session}: no verdict was overridden; name a trial, good or bad")
    ends = LabelledEnds.of(path)
    told = []
    for number, good in calls.items():
        try:
            _take(ends, file, number, good, found, context)
            told.append(number)
        except NotLabelled as why:
            if trial:
                raise ConfigError(f"{session} trial {number}: {why}") from None
            typer.echo(f"trial {number}: {why}", err=True)
    _tell(path, found, context.workspace, as_json)


@tasks_app.command("table")
def table_task(ctx: typer.Context, task: str, as_json: JsonFlag = False) -> None:
    """Judge all labelled ends of a task anew and print its confusion table."""
    context = Context.of(ctx)
    path, found = own_task(task, context.workspace)
    _tell(path, found, context.workspace, as_json)


def own_task(name: str, workspace: Workspace) -> tuple[Path, TaskDef]:
    """A task of the workspace whose verifier has to be proven. Raises ConfigError."""
    try:
        path = task_path(name, workspace.task_folders())
    except TaskError as error:
        raise ConfigError(str(error)) from None
    if path.parent == SHIPPED:
        raise ConfigError(f"task {name} ships; its verifier is checked by `bench verifier`")
    found = tasks_named([name], workspace)[0]
    if found.labelled is None:
        raise ConfigError(f"task {name} needs no labels: the operator is its verifier")
    return path, found


def _overridden(file: Path) -> dict[int, bool]:
    with SessionReader(file) as reader:
        events = [r.event for r in reader.events(kinds=("override",))]
    return {
        e.trial: CALLED[e.outcome]
        for e in events
        if isinstance(e, VerdictOverridden) and e.outcome in CALLED
    }


def _take(
    ends: LabelledEnds, file: Path, trial: int, good: bool, task: TaskDef, context: Context
) -> None:
    past = recorded_trial(file, trial, context.workspace, lambda _: None)
    if [o.name for o in past.task.objects] != [o.name for o in task.objects]:
        raise NotLabelled(f"it is of {past.task.name}, which is about other things")
    info = cell_named(past.cell, context.workspace)[1].info
    with SessionReader(file) as reader:
        attempt, verdict = _verdict(reader, trial)
        end = LabelledEnd(
            source=f"{past.label} attempt {attempt}",
            good=good,
            who=context.who(),
            cell=past.cell,
            table_z_m=info.workspace.table_z_m,
            robots=verdict.robots,
            holder=verdict.holder,
            start=_start(reader, trial),
            end=verdict.keyframes,
        )
        ends.add(end, reader.blob)


def _verdict(reader: SessionReader, trial: int) -> tuple[int, Verdict]:
    given = [
        r.event
        for r in reader.events(trial=trial, kinds=("verdict",))
        if isinstance(r.event, VerdictGiven)
    ]
    if not given:
        raise NotLabelled("it was not judged")
    end_seen(given[-1].verdict)
    return given[-1].attempt, given[-1].verdict


def _start(reader: SessionReader, trial: int) -> tuple[Keyframe, ...]:
    verified = [
        r.event.verdict
        for r in reader.events(trial=trial, kinds=("reset",))
        if isinstance(r.event, ResetReported)
    ]
    return verified[-1].keyframes if verified else ()


def _tell(path: Path, task: TaskDef, workspace: Workspace, as_json: bool) -> None:
    said = judged_anew(path, task, workspace)
    changed = msgspec.structs.replace(task, labelled=table_of(said))
    path.write_text(to_toml(changed), encoding="utf-8")
    load_task(path)
    doubt = unproven(changed)
    if as_json:
        ends = msgspec.to_builtins(said)
        table = msgspec.to_builtins(changed.labelled)
        print_json({"task": task.name, "labelled": table, "ends": ends, "why": doubt})
        return
    for line in table_lines(said):
        typer.echo(line)
    typer.echo(doubt or f"{task.name}: the verifier counts from now on")


def judged_anew(path: Path, task: TaskDef, workspace: Workspace) -> list[Said]:
    """What the verifier says today of every labelled end. Raises ConfigError."""
    ends = LabelledEnds.of(path)
    try:
        return [judge(_as_on(e.cell, task, workspace), e, ends.bytes_of) for e in ends.all()]
    except NotLabelled as why:
        raise ConfigError(str(why)) from None


def _as_on(cell: str, task: TaskDef, workspace: Workspace) -> TaskDef:
    info = cell_named(cell, workspace)[1].info
    return fit(task, info.task_area, [camera.name for camera in info.cameras])


def table_lines(said: list[Said]) -> list[str]:
    """The table, and each end it was wrong or unsure about. Pure."""
    out = [f"{'':<6}{'PASS':>6}{'FAIL':>6}{'UNSURE':>8}"]
    for word, good in (("good", True), ("bad", False)):
        row = [s.verifier for s in said if s.good is good]
        counts = (row.count("PASS"), row.count("FAIL"), row.count("UNSURE"))
        out.append(f"{word:<6}{counts[0]:>6}{counts[1]:>6}{counts[2]:>8}")
    for s in said:
        if s.verifier != ("PASS" if s.good else "FAIL"):
            word = "good" if s.good else "bad"
            out.append(f"  {s.source}, called {word}: {s.verifier}, {s.reason}")
    return out
