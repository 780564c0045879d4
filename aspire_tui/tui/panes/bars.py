"""Tabs above the panes, the bar for questions and notices, and the footer of keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from aspire_tui.session.snapshot import Snapshot
from aspire_tui.tui.actions import ACTIONS, BY_ID, Choice, Confirm, Situation, keys_word
from aspire_tui.tui.arrange import PaneId
from aspire_tui.tui.glyphs import Glyphs
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.format import clock
from aspire_tui.tui.panes.standing import stands_words
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, Part, fit, line, spread, width

TAB_NAMES: dict[PaneId, str] = {
    "calls": "Calls",
    "call": "Call",
    "checks": "Checks",
    "agent": "Agent",
    "search": "Search",
    "time": "Time",
}


PLACE_CELLS = 12


@dataclass(frozen=True)
class Asking:
    """A question that stands, and the choice enter would take."""

    action: str
    confirm: Confirm
    choice: Choice
    then: Callable[[], None] | None = None
    """What ``go`` does, where it is more than the act itself."""


@dataclass(frozen=True)
class Offered:
    """Several acts to choose from, docked; cancel (``at`` 0) is what enter takes first."""

    question: str
    actions: tuple[str, ...]
    at: int = 0

    @property
    def chosen(self) -> str:
        """The act under the mark; empty for cancel."""
        return ("", *self.actions)[self.at]

    def moved(self, by: int) -> Offered:
        return replace(self, at=(self.at + by) % (len(self.actions) + 1))


TABS_CELLS = 2 + sum(len(name) + 4 for name in TAB_NAMES.values())
"""Cells the names of the panes take, the mark of the one in focus included."""


def tabs_row(focused: PaneId, zoomed: bool, columns: int, more: Line = ()) -> Line:
    """The panes by number; at the right ``more``, what the strip above had no room for."""
    parts: list[Part] = [" "]
    for number, (pane, name) in enumerate(TAB_NAMES.items(), 1):
        if pane == focused:
            parts += [(f" {number} {name}* ", "badge_sim")]
        else:
            parts += [(f" {number}", "key"), (f" {name} ", "dim")]
    back = line(("zoomed, z back " if zoomed else "", "warn"))
    right = (*more, *line(" ")) if more else back
    return spread(line(*parts), right, columns)


def place_of(moment: Moment, glyphs: Glyphs, columns: int) -> Line:
    """Where the shown moment stands in the session: a bar, the event, the time.

    As much of it as there is room for beside what is said: the end of a session is named shortly.
    """
    seq, last = moment.snapshot.seq, moment.last_seq
    done = round(PLACE_CELLS * seq / last) if last else 0
    bar = line(
        (glyphs.bar * done, "bar_thinking"), (glyphs.bar_rest * (PLACE_CELLS - done), "faint")
    )
    when = clock(moment.snapshot.wall_s)
    whole = (*bar, *line((f" event {seq} of {last} {when} ", "dim")))
    short = line((f"event {seq} {when} " if seq == last else f"event {seq} of {last} ", "dim"))
    return whole if width(whole) <= columns else short


def question_row(asking: Asking, columns: int) -> Line:
    """The question with both choices; the marked one is what enter takes."""
    cancel = ("[cancel]", "choice_on") if asking.choice == "cancel" else (" cancel ", "choice")
    go_on = asking.choice == "go"
    go = (f"[{asking.confirm.go}]", "choice_on") if go_on else (f" {asking.confirm.go} ", "choice")
    right = line(cancel, (" ", "ask"), go, (" y/n ", "choice"))
    question = fit(line((f" {asking.confirm.question}", "ask")), columns - width(right) - 1)
    fill = " " * max(0, columns - width(question) - width(right))
    return (*question, *line((fill, "ask")), *right)


def offered_row(offered: Offered, now: Situation, columns: int) -> Line:
    """Cancel and the acts, each with its key; one that cannot be done now is faint."""
    choices: Line = ()
    for index, name in enumerate(("", *offered.actions)):
        action = BY_ID[name] if name else None
        word = f"{keys_word(action, now.keys).split(' ')[0]} {action.title}" if action else "cancel"
        marked = f"[{word}]" if index == offered.at else f" {word} "
        able = action is None or action.why_disabled(now) is None
        role = "choice_on" if index == offered.at else "choice" if able else "faint"
        choices = (*choices, *line((marked, role)))
    question = fit(line((f" {offered.question} ", "ask")), max(0, columns - width(choices)))
    fill = " " * max(0, columns - width(question) - width(choices))
    return fit((*question, *line((fill, "ask")), *choices), columns)


def notice_row(snapshot: Snapshot, notice: str, role: str, columns: int) -> Line:
    """What the operator should know now: the last answer, else who is needed, else a note."""
    return fit(_notice(snapshot, notice, role), columns)


def _notice(snapshot: Snapshot, notice: str, role: str) -> Line:
    if notice:
        return line((f" {clean_line(notice)}", role))
    phase = snapshot.phase
    stood = snapshot.standing
    if stood is not None and not phase.cause.startswith("HOLD"):
        return line((" STANDS ", "hold"), f"{stands_words(stood)}: a answers")
    bench = snapshot.bench
    over = phase.phase == "held" and bench is not None and not bench.open
    if phase.phase in ("needs_operator", "fault", "held") and not over:
        word = {"needs_operator": "NEEDS YOU", "fault": "FAULT", "held": "HELD"}[phase.phase]
        role = "hold" if phase.phase == "held" else "alarm"
        why = clean_line(phase.cause or phase.waits_for)
        return line((f" {word} ", role), why)
    if snapshot.ended is not None:
        return line((f" {clean_line(snapshot.ended.reason)}", "dim"))
    for note in reversed(snapshot.notes):
        if note.severity != "info":
            return line((f" {clock(note.wall_s)} ", "dim"), (clean_line(note.text), "warn"))
    if snapshot.notes:
        last = snapshot.notes[-1]
        return line((f" {clock(last.wall_s)} {clean_line(last.text)}", "note"))
    return ()


def typing_row(hint: str, columns: int) -> Line:
    """While a line is typed: what it should say, and the only keys that are acts now."""
    keys = line(("enter", "key"), " takes  ", ("esc", "key"), " leaves  ", ("^C", "key"), " HOLD ")
    return spread(line((f" {clean_line(hint)}", "")), keys, columns)


def answering_row(columns: int) -> Line:
    """While a question stands: how it is answered."""
    keys = (
        ("tab", "the other one"), ("enter", "takes the marked one"), ("esc", "cancel"),
        ("space ^C", "HOLD"),
    )  # fmt: skip
    return fit(line(*(p for key, word in keys for p in ((f" {key}", "key"), f" {word} "))), columns)


def footer_row(now: Situation, columns: int) -> Line:
    """Keys that do something now; one that does not says why, where there is room for it."""
    ranked = sorted((a for a in ACTIONS if a.footer), key=lambda a: a.footer)
    parts: list[list[Part]] = []
    for action in ranked:
        why = action.why_disabled(now)
        key = (
            keys_word(action, now.keys).split(" ")[0]
            if action.id != "hold"
            else keys_word(action, now.keys)
        )
        if action.id == "call_back":
            key = "left/right"
        if why is None:
            over = now.mode == "replay" or now.snapshot.ended is not None
            title = "leave" if action.id == "detach" and over else action.title
            parts.append([(key, "key"), (f" {title}", "")])
        elif action.id in ("hold", "resume", "step", "abort"):
            parts.append([(f"{key} {action.title}: {why}", "dim")])
    return _packed(parts, columns, now)


def _packed(parts: list[list[Part]], columns: int, now: Situation) -> Line:
    help_part = line(("?", "key"), " help ")
    if now.mode == "replay":
        reasons = [p for p in parts if len(p) == 1]
        parts = [p for p in parts if len(p) > 1]
        if reasons:
            parts.append([("HOLD, R, s, A: no cell attached to a replay", "dim")])
    out: Line = line(" ")
    room = columns - width(help_part) - 1
    for part in parts:
        piece = line(*part)
        room -= width(piece) + 2
        if room < 0:
            room += width(piece) + 2
            continue
        out = (*out, *piece, *line("  "))
    return spread(out, help_part, columns)
