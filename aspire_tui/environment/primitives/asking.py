"""The primitive that asks a person."""

from __future__ import annotations

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.outcome import AnswerResult, PrimitiveOutcome
from aspire_tui.environment.primitives.arguments import Question
from aspire_tui.environment.primitives.perception import EVERYWHERE
from aspire_tui.environment.primitives.registry import Primitive, primitive


@primitive(
    group="people",
    statuses=("OK", "TIMEOUT"),
    returns="AnswerResult(status, text), truthy only on OK",
    tiers=("S1", "S2", "S3", "S4"),
    profiles=EVERYWHERE,
)
def ask_operator(bench: Workbench, text: Question) -> PrimitiveOutcome:
    """Ask whoever is at the cell and wait for the answer.

    TIMEOUT when nobody answers, at once when nobody is there; the trial is then UNSURE and does
    not count, whatever the cameras say. No clock of the program runs while it waits.
    """
    heard = bench.operator.ask(text)
    if heard.status == "OK":
        return PrimitiveOutcome("OK", AnswerResult("OK", "answered", heard.text), heard.text)
    return PrimitiveOutcome(heard.status, AnswerResult(heard.status, heard.text), heard.text)


PRIMITIVES: tuple[Primitive, ...] = (ask_operator,)
