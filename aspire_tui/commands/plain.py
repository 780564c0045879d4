"""A session as plain lines: for headless progress, logs and screen readers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from aspire_tui.domain import Outcome
from aspire_tui.events import (
    AgentAnswered,
    AgentAsked,
    AgentSaid,
    AgentTool,
    ApprovalAsked,
    ApprovalGiven,
    CallResult,
    CallStood,
    CellChanged,
    ControlChanged,
    DryRunReported,
    EvaluationChanged,
    GrantEnded,
    GrantGiven,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    Note,
    OperatorAct,
    OperatorTold,
    PhaseChanged,
    PresenceChanged,
    ProgramEnded,
    Recorded,
    RefereeJudged,
    ResetReported,
    RunEnded,
    SessionOpened,
    SessionResumed,
    TrialClosed,
    TrialOpened,
    VerdictGiven,
)
from aspire_tui.tui.screen.safe import clean


@dataclass
class PlainLines:
    """Lines for events as they come: the pieces of a streamed text are one line, at its end."""

    _pieces: dict[int, str] = field(default_factory=dict)

    def line(self, recorded: Recorded) -> str | None:
        """One inert line: what a program or a model says can never drive the terminal."""
        told = self._told(recorded)
        return None if told is None else clean(told)

    def _told(self, recorded: Recorded) -> str | None:
        said = recorded.event
        if not isinstance(said, AgentSaid) or said.stream == 0:
            return line_of(recorded)
        text = self._pieces.pop(said.stream, "") + said.text
        if not said.done:
            self._pieces[said.stream] = text
            return None
        whole = msgspec.structs.replace(said, text=" ".join(text.split()))
        return line_of(msgspec.structs.replace(recorded, event=whole)) if whole.text else None


def line_of(recorded: Recorded) -> str | None:
    """One line for an event, or None for events that say nothing on their own."""
    text = _text(recorded)
    return None if text is None else f"{recorded.mono_s:8.2f}  {text}"


def _text(recorded: Recorded) -> str | None:
    match recorded.event:
        case SessionOpened(spec=s, sandbox=b, brands=brands):
            brand = f"  [{', '.join(brands)}]" if brands else ""
            return f"session  {s.verb} {' '.join(s.tasks)}  seed {s.seed}  sandbox {b.level}{brand}"
        case PhaseChanged(trial=t, phase=p, cause=c, waits_for=w):
            return f"trial {t}  {p}  {c}{f'; waits for: {w}' if w else ''}"
        case TrialOpened(trial=t, task=name, seed_set=which, where=where):
            return f"trial {t}  opened  {name}  {which} scene, {where}"
        case ResetReported(trial=t, verdict=v):
            return f"trial {t}  reset {v.outcome}  {v.reason}"
        case CallResult(trial=t, call=n, primitive=p, status=s, summary=m, duration_s=d):
            return f"trial {t}  #{n} {p}  {s}  {d:.2f} s  {m}"
        case CallStood(trial=t, call=n, primitive=p, why=why, preview=plan):
            return f"trial {t}  #{n} {p} stands  {why}; would end {plan.status}  {plan.detail}"
        case DryRunReported(seen=None, error=error):
            return f"dry run  not made: {error}"
        case DryRunReported(verdict=v, ended=e, error=error):
            why = error or (v.reason if v else "")
            return f"dry run  {v.outcome if v else 'no verdict'}  program {e}  {why}"
        case ProgramEnded(trial=t, ended=e, error=error, calls=n):
            return f"trial {t}  program {e} after {n} calls  {error}"
        case VerdictGiven(trial=t, verdict=v):
            return f"trial {t}  verdict {v.outcome}  {v.reason}"
        case RefereeJudged(trial=t, outcome=o):
            return f"trial {t}  referee {o}"
        case TrialClosed(trial=t, outcome=o, reason=r, implicated=i):
            return f"trial {t}  closed {_said(o)}{f', call #{i} implicated' if i else ''}  {r}"
        case AgentSaid(text=text, role=role):
            return f"agent  {role}: {text}"
        case AgentTool(tool=tool, answer=answer, ok=False):
            return f"agent  {tool}: {answer}"
        case OperatorTold(who=who, text=text):
            return f"{who} to the agent  {text}"
        case AgentAsked(text=text, permission=permission):
            return f"agent asks{' permission' if permission else ''}  {text}"
        case AgentAnswered(text=text, who=who, status=status):
            return f"agent is answered  {text or status} by {who}"
        case HypothesisOpened(hypothesis=h, claim=claim):
            return f"hypothesis {h}  {claim}"
        case HypothesisScored(hypothesis=h, seed_set=which, k=k, n=n, lo=lo, hi=hi):
            return f"hypothesis {h}  {which} {k}/{n}  interval {lo:.2f}–{hi:.2f}"
        case HypothesisDecided(hypothesis=h, status=s, reason=r):
            return f"hypothesis {h}  {s}: {r}"
        case OperatorAct(verb=v, who=w, accepted=ok, reason=r):
            return f"operator  {v} by {w}: {'accepted' if ok else 'refused'}  {r}"
        case CellChanged(state=s, cause=c):
            return f"cell  {s}  {c}"
        case PresenceChanged(present=present, cause=cause, who=who):
            return f"people  {who or 'somebody'} is present" if present else f"people  {cause}"
        case ControlChanged(who=who, cause=cause):
            return f"people  control: {who or 'nobody'} ({cause})"
        case GrantGiven(grant=grant):
            return f"people  grant: {grant.sentence}"
        case GrantEnded(cause=cause):
            return f"people  the grant ended: {cause}; without people the cell holds"
        case ApprovalAsked(program=program, why=why):
            return f"people  program {program[:12]} waits for approval: {why}"
        case ApprovalGiven(program=program, approved=ok, who=who):
            return f"people  program {program[:12]} {'approved' if ok else 'rejected'} by {who}"
        case EvaluationChanged(changes=changes):
            return "\n".join(
                f"evaluation  {c.name} {c.path} is not what it was\n{c.diff}".rstrip()
                for c in changes
            )
        case SessionResumed(who=who, finished=n, unfinished=open_, unknown=unknown):
            lost = f"; unknown outcome: {', '.join(unknown)}" if unknown else ""
            again = f", {len(open_)} unfinished" if open_ else ""
            return f"session  resumed by {who}: {n} trials are not repeated{again}{lost}"
        case Note(text=text, severity=severity):
            return f"{severity}  {text}"
        case RunEnded(outcome=o, stopped_by=by, reason=r):
            return f"run ended  {_said(o)}  by {by}  {r}"
        case _:
            return None


def _said(outcome: Outcome | None) -> str:
    return outcome if outcome is not None else "nothing to judge"
