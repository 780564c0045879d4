"""What the agent thinks, says and does: text wrapped, tool calls folded to one line each."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from aspire_tui.domain import Tokens
from aspire_tui.events import (
    AgentAnswered,
    AgentAsked,
    AgentSaid,
    AgentTool,
    AgentTurn,
    OperatorTold,
    SkillMatched,
)
from aspire_tui.session.rows import AgentLine
from aspire_tui.session.views import SpentView
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.body import Body, Look, nothing
from aspire_tui.tui.panes.format import clock, count, value_text
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean, clean_line
from aspire_tui.tui.screen.text import Line, Span, fit, line, wrap

SAID_LINES = 40
BAR_CELLS = 10
_SAID_ROLES = {"plan": "agent", "finding": "strong", "error": "bad"}


def agent_body(moment: Moment, look: Look) -> Body:
    """The last lines of the agent, newest at the end."""
    session = moment.snapshot.session
    name = clean_line(session.spec.agent, 20) if session and session.spec.agent else "none"
    title = f"Agent {look.glyphs.dot} {name}"
    lines: list[Line] = []
    for said in whole_texts(moment.agent):
        lines += agent_rows(said, look)
    if not lines:
        return nothing(title, line(("the agent has said nothing yet", "dim")))
    foot = " ".join(
        text
        for text in (budget_bar(moment.snapshot.spent, look), tokens_text(moment.snapshot.tokens))
        if text
    )
    return Body(title=title, lines=FixedLines(lines), foot=foot, tail=True)


def whole_texts(said: Iterable[AgentLine]) -> list[AgentLine]:
    """Lines with the pieces of each streamed text joined where the text began."""
    joined: list[AgentLine] = []
    open_at: dict[int, int] = {}
    for row in said:
        event = row.event
        if isinstance(event, AgentTurn):
            open_at.clear()
        if not isinstance(event, AgentSaid) or event.stream == 0:
            joined.append(row)
            continue
        at = open_at.get(event.stream)
        if at is None:
            open_at[event.stream] = len(joined)
            joined.append(row)
        else:
            begun = joined[at].event
            if isinstance(begun, AgentSaid):
                text = begun.text + event.text
                whole = msgspec.structs.replace(begun, text=text, done=event.done)
                joined[at] = msgspec.structs.replace(joined[at], event=whole)
        if event.done:
            open_at.pop(event.stream, None)
    return [r for r in joined if not isinstance(r.event, AgentSaid) or r.event.text.strip()]


def agent_rows(said: AgentLine, look: Look) -> list[Line]:
    """The rows of one thing the agent did; turns that only close and token counts take none."""
    at = f"{clock(said.wall_s)} "
    rest = " " * len(at)
    match said.event:
        case AgentTurn(open=True, note=note):
            return [line((at, "dim"), ("thinks ", "agent"), (clean_line(note, 200), "dim"))]
        case AgentSaid(text=text, role=role):
            shown = _SAID_ROLES.get(role, "said")
            rows = wrap(clean(text, 8_000).strip(), look.width - len(at), shown)
            cut = rows[:SAID_LINES]
            if len(rows) > SAID_LINES:
                cut.append(line((f"{len(rows) - SAID_LINES} more lines", "dim")))
            heads = [line((at, "dim"))] + [line(rest)] * (len(cut) - 1)
            return [(*head, *row) for head, row in zip(heads, cut, strict=True)]
        case OperatorTold(who=who, text=text, interrupts=interrupts):
            head = f"{clean_line(who, 24)} writes{', interrupting' if interrupts else ''}: "
            return _spoken(at, head, text, look)
        case AgentAsked(text=text, permission=True):
            return _spoken(at, "asks permission: ", text, look)
        case AgentAsked(text=text):
            return _spoken(at, "asks: ", text, look)
        case AgentAnswered(status="OK", text=text, who=who):
            return _spoken(at, f"{clean_line(who, 24)} answers: ", text, look)
        case AgentAnswered(text=text):
            return _spoken(at, "no answer in time", f": {text}" if text else "", look)
        case AgentTool(tool=tool, args=args, answer=answer, ok=ok):
            return [fit(_tool_row(at, tool, args, answer, ok, look), look.width)]
        case SkillMatched(trial=trial, call=call, skill=skill, why=why, same_task=same_task):
            text = f"{skill} for call {call} of trial {trial}: {why}"
            if same_task:
                text += " (its evidence is from this same task)"
            rows = wrap(clean(text, 600), look.width - len(at) - 6, "")
            first = line((at, "dim"), ("skill ", "accent"))
            return [(*first, *rows[0]), *((Span(rest + " " * 6), *row) for row in rows[1:])]
    return []


def _spoken(at: str, head: str, text: str, look: Look) -> list[Line]:
    """What passes between the agent and people."""
    rows = wrap(head + clean(text, 4_000).strip(), look.width - len(at), "warn")[:SAID_LINES]
    heads = [line((at, "dim"))] + [line(" " * len(at))] * (len(rows) - 1)
    return [(*first, *row) for first, row in zip(heads, rows, strict=True)]


def _tool_row(
    at: str, tool: str, args: dict[str, object], answer: str, ok: bool, look: Look
) -> Line:
    given = ", ".join(f"{clean_line(k, 40)}={value_text(v, 60)}" for k, v in args.items())
    mark, role = (look.glyphs.ok, "tool") if ok else (look.glyphs.bad, "bad")
    return line(
        (at, "dim"),
        (f"{mark} {clean_line(tool, 40)}", role),
        (f"({given}) ", "dim"),
        (f"{look.glyphs.arrow} " if answer else "", "dim"),
        clean_line(answer, 300),
    )


def budget_bar(spent: SpentView, look: Look) -> str:
    """How much of the limit that is nearest is gone; empty without limits."""
    b = spent.budget
    gone = {
        "trials": (spent.trials, b.max_trials),
        "minutes": (spent.minutes, b.max_minutes),
        "tokens": (spent.tokens, b.max_tokens),
        "USD": (spent.cost_usd, b.max_cost_usd),
        "model calls": (spent.model_calls, b.max_model_calls),
    }
    shares = {name: used / limit for name, (used, limit) in gone.items() if limit}
    if not shares:
        return ""
    nearest = max(shares, key=lambda name: shares[name])
    share = min(1.0, shares[nearest])
    filled = int(share * BAR_CELLS)
    full, empty = ("#", ".") if look.glyphs.arrow.isascii() else ("█", "░")
    return f"{full * filled}{empty * (BAR_CELLS - filled)} {share:.0%} of {nearest}"


def tokens_text(tokens: Tokens) -> str:
    """Tokens by class; empty when none were used."""
    if tokens == Tokens():
        return ""
    text = f"tokens in {count(tokens.input)} cached {count(tokens.cached)} "
    text += f"out {count(tokens.output)} reasoning {count(tokens.reasoning)}"
    return f"{text} ${tokens.cost_usd:.2f}" if tokens.cost_usd else text
