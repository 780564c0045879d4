"""``cell accept``: the questions that only a real arm can answer, one by one, into a report."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.jobs import cell_named
from aspire_tui.errors import ConfigError, Exit
from drivers.acceptance import (
    QUESTIONS,
    Answer,
    Question,
    Report,
    read_report,
    report_path,
    unacceptable,
    unanswered,
)

if TYPE_CHECKING:
    from aspire_tui.commands.person import Person


def accept(
    ctx: typer.Context,
    cell: Annotated[str, typer.Argument(help="Cell by name or file.")],
    show: Annotated[bool, typer.Option("--show", help="Only say what is on file.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Walk through the open hardware questions on a real arm, and file what was seen."""
    from aspire_tui.commands.bringup import now_text, require_own
    from aspire_tui.commands.person import Person

    context = Context.of(ctx)
    path, file = cell_named(cell, context.workspace)
    kept = report_path(path, file.info.name)
    report = read_report(kept)
    if show or as_json:
        _show(report, kept, as_json)
        return
    if file.info.kind != "hardware":
        raise ConfigError(
            f"{file.info.name} is {file.info.kind}: only a real arm can answer; make its cell with "
            "aspire-tui cells new NAME --from so101 --port PORT"
        )
    require_own(path)
    person, who = Person(), context.who()
    if report is None or report.cell != file.info.name:
        where = f"{platform.system()} {platform.release()} {platform.machine()}"
        report = Report(file.info.name, where)
    person.say(
        "These steps are done by hand; nothing here moves the arm by itself. Support the arm when "
        "its power goes. Answer what you see; empty leaves a question open; q leaves, kept so far."
    )
    for question in unanswered(report):
        given = _ask(person, question)
        if given is None:
            break
        if given:
            answer = Answer(given, now_text(), who)
            report = msgspec.structs.replace(
                report, answers={**report.answers, question.code: answer}
            )
            _write(kept, report)
    left = unanswered(report)
    if left:
        person.say(f"{len(left)} of {len(QUESTIONS)} still open; {kept}")
        raise typer.Exit(Exit.NOT_PASS)
    against = unacceptable(report)
    if against:
        person.say(f"not accepted, because of {', '.join(against)}: mend the arm; {kept}")
        raise typer.Exit(Exit.NOT_PASS)
    if not report.accepted_by:
        person.say("Every question is answered. Accepting says: this arm did what docs/hardware.md")
        person.say("says the driver does, its power switch was tried, and you answer for it.")
        person.confirm("To accept it", "accept")
        report = msgspec.structs.replace(report, accepted_by=who, accepted_at=now_text())
        _write(kept, report)
    person.say(f"accepted by {report.accepted_by} on {report.accepted_at}; {kept}")


def _ask(person: Person, question: Question) -> str | None:
    """What was seen; empty: left open; None: the person leaves."""
    person.say()
    person.say(question.ask)
    for line in question.do:
        person.say(f"   - {line}")
    for n, choice in enumerate(question.choices, 1):
        person.say(f"   {n}  {choice}")
    while True:
        typed = person.ask("   seen (number, then a remark if you like)")
        if typed.lower() == "q":
            return None
        if not typed:
            return ""
        number, _, remark = typed.partition(" ")
        if number.isdigit() and 1 <= int(number) <= len(question.choices):
            chosen = question.choices[int(number) - 1]
            return f"{chosen}; {remark.strip()}" if remark.strip() else chosen
        person.say(f"   a number from 1 to {len(question.choices)}")


def _write(path: Path, report: Report) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    fresh.replace(path)


def _show(report: Report | None, path: Path, as_json: bool) -> None:
    if as_json:
        print_json({"path": str(path), "report": report})
        return
    if report is None:
        typer.echo(f"none on file ({path}): emulator only")
        return
    for question in QUESTIONS:
        answer = report.answers.get(question.code)
        said = f"{answer.seen}  ({answer.who}, {answer.at})" if answer else "open"
        typer.echo(f"{question.code:18} {said}")
    typer.echo(f"accepted by {report.accepted_by}" if report.accepted_by else "not accepted")
