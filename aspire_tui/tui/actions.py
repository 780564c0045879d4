"""Every act of the console, once: key, words, guard, and why it cannot be done now.

Key bindings, footer, help, palette and tests are all made from :data:`ACTIONS`, so they cannot
disagree. A disabled act stays listed with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from aspire_tui.session.snapshot import EMPTY, Snapshot
from aspire_tui.tui.people import UNTOLD, PeopleSeen
from aspire_tui.tui.ports import Mode, Verb

Group = Literal["cell", "agent", "session", "replay", "look", "console"]
Choice = Literal["cancel", "go"]

STANDING_STATES: Final = ("PSTOP", "FAULT", "LOST", "OFFLINE", "LIMP", "CHECK")


@dataclass(frozen=True)
class Situation:
    """What an act may depend on."""

    mode: Mode = "live"
    snapshot: Snapshot = EMPTY
    cell_state: str = "OFFLINE"
    """From the live stream, else from the session."""
    estop: str = "UNKNOWN"
    stale: bool = False
    engine: bool = False
    engine_gone: bool = False
    stop: bool = False
    pane_lists: bool = False
    """The pane in focus has rows to choose from."""
    pictures: int = 0
    program: bool = False
    searching: bool = False
    people: PeopleSeen = UNTOLD


@dataclass(frozen=True)
class Confirm:
    """A question in the docked bar; ``default`` is what enter does."""

    question: str
    go: str
    default: Choice = "cancel"


WhyNot = Callable[[Situation], str | None]
Asks = Callable[[Situation], Confirm | None]


def _always(_: Situation) -> str | None:
    return None


def _unasked(_: Situation) -> Confirm | None:
    return None


@dataclass(frozen=True)
class Action:
    """One act.

    Attributes:
        id: Stable name.
        keys: Textual key names; the first is shown.
        title: One or two words for the footer.
        what: One sentence for help.
        group: Where help lists it.
        why_disabled: None when it can be done now, else the reason.
        confirm: The question it asks first, if one is due now.
        moves_robot: The robot may move because of it.
        verb: The engine command it sends.
        footer: Rank in the footer; 0 is never shown there.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    what: str
    group: Group
    why_disabled: WhyNot = _always
    confirm: Asks = _unasked
    moves_robot: bool = False
    verb: Verb | None = None
    footer: int = 0


def _no_engine(now: Situation) -> str | None:
    if now.mode == "replay":
        return "replay: no cell attached"
    if not now.engine:
        return "no engine attached"
    if now.engine_gone:
        return "the engine is gone"
    if now.snapshot.ended is not None:
        return "the run has ended"
    return None


def _no_motion(now: Situation) -> str | None:
    refused = _no_engine(now)
    if refused:
        return refused
    if now.stale:
        return "the cell's state is stale"
    if now.estop in ("PRESSED", "UNKNOWN"):
        return f"e-stop is {now.estop}"
    state = now.cell_state.split(" ")[0]
    return f"cell is {state}" if state in STANDING_STATES else None


def _no_hold(now: Situation) -> str | None:
    if now.mode == "replay":
        return "replay: no cell attached"
    return None if now.stop or (now.engine and not now.engine_gone) else "no cell attached"


def _no_resume(now: Situation) -> str | None:
    refused = _no_motion(now)
    if refused:
        return refused
    held = now.snapshot.phase.phase == "held" or now.cell_state.startswith("HOLD")
    return None if held or now.snapshot.mode.stepping else "nothing is held"


def _no_trial(now: Situation) -> str | None:
    refused = _no_engine(now)
    if refused:
        return refused
    trial = now.snapshot.bench
    return None if trial is not None and trial.open else "no trial at the bench"


def _no_standing(now: Situation) -> str | None:
    refused = _no_engine(now)
    if refused:
        return refused
    return None if now.snapshot.standing is not None else "no call stands"


def _no_standing_motion(now: Situation) -> str | None:
    return _no_standing(now) or _no_motion(now)


def _no_bench(now: Situation) -> str | None:
    refused = _no_engine(now)
    if refused:
        return refused
    session = now.snapshot.session
    attended = session is None or session.spec.attended
    return None if attended else "a headless session has no bench"


def _no_dry_run(now: Situation) -> str | None:
    return _no_bench(now) or _no_program(now)


def _no_list(now: Situation) -> str | None:
    return "replay: no cell attached" if now.mode == "replay" else None


def _only_replay(now: Situation) -> str | None:
    return None if now.mode == "replay" else "only in a replay"


def _no_picture(now: Situation) -> str | None:
    return None if now.pictures else "this call kept no picture"


def _no_program(now: Situation) -> str | None:
    return None if now.program else "no program yet"


def _no_search(now: Situation) -> str | None:
    return None if now.searching else "search first with /"


def _ask_resume(now: Situation) -> Confirm:
    call, stood = now.snapshot.in_flight, now.snapshot.standing
    if stood is not None and not now.snapshot.phase.cause.startswith("HOLD"):
        end = f" ({stood.preview.status})" if stood.preview.status != "OK" else ""
        return Confirm(f"Run on? {stood.primitive} (call {stood.call}) runs{end}.", "run", "go")
    what = (
        f"{call.primitive} (call {call.call}) goes on, motion from the measured pose"
        if call is not None
        else "the next call may move"
    )
    return Confirm(f"Resume? {what}.", "resume", default="go")


def _ask_abort(now: Situation) -> Confirm:
    trial = now.snapshot.bench
    name = f"trial {trial.trial}" if trial else "the trial"
    return Confirm(f"Abort {name}? HOLD, then its program ends. The session stays.", "abort")


def _ask_end(_: Situation) -> Confirm:
    return Confirm("End the run? HOLD, last trial closed, engine exits.", "end run")


def _ask_detach(now: Situation) -> Confirm | None:
    if now.mode == "replay" or now.snapshot.ended is not None or now.engine_gone:
        return None
    return Confirm(f"Detach? {what_goes_on(now.snapshot)}", "detach", default="go")


def what_goes_on(snapshot: Snapshot) -> str:
    """What the engine keeps doing when nobody looks."""
    trial = snapshot.trial
    if snapshot.mode.agent_paused:
        doing = "agent paused"
    elif trial is not None and trial.open:
        doing = f"trial {trial.trial} {snapshot.phase.phase.replace('_', ' ')}"
        doing = f"trial {trial.trial} in a worker" if trial.where == "worker" else doing
    else:
        doing = snapshot.phase.phase.replace("_", " ")
    return f"The engine goes on: {doing}."


def _no_take(now: Situation) -> str | None:
    refused = _no_engine(now)
    if refused:
        return refused
    return "control is yours" if now.people.mine else None


def _no_approval(now: Situation) -> str | None:
    refused = _no_engine(now)
    if refused:
        return refused
    return None if now.snapshot.people.asked_program else "no program waits for approval"


def _no_grant(now: Situation) -> str | None:
    refused = _no_engine(now)
    if refused:
        return refused
    return None if now.people.policy == "hold" else "this cell goes on without people"


def _no_agent(now: Situation) -> str | None:
    refused = _no_engine(now)
    if refused:
        return refused
    session = now.snapshot.session
    has_agent = session is None or session.spec.verb == "run"
    return None if has_agent else "this session has no agent"


def _no_question(now: Situation) -> str | None:
    refused = _no_agent(now)
    if refused:
        return refused
    agent = now.snapshot.agent
    open_now = agent.asked is not None and not agent.asks_permission
    return None if open_now else "the agent asks nothing"


def _no_permission(now: Situation) -> str | None:
    refused = _no_agent(now)
    if refused:
        return refused
    agent = now.snapshot.agent
    open_now = agent.asked is not None and agent.asks_permission
    return None if open_now else "the agent asks for no permission"


def _ask_approve(now: Situation) -> Confirm:
    people = now.snapshot.people
    facts = people.asked_facts
    calls = facts.get("primitives")
    told = ", ".join(f"{n} ×{k}" for n, k in calls.items()) if isinstance(calls, dict) else ""
    where = f"cell {facts.get('state', 'unknown')} at {facts.get('speed', '?')} of full speed"
    return Confirm(f"Run program {people.asked_program[:8]}? {where}; calls {told}.", "approve")


def _ask_revoke(now: Situation) -> Confirm | None:
    if now.people.grant_until_s is None:
        return None
    return Confirm("End the unattended grant? Without people the cell holds.", "end it")


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "hold", ("space", "ctrl+c"), "HOLD",
        "Decelerate and hold, drives powered. Only ever holds. ctrl+c works while typing too.",
        "cell", _no_hold, verb="hold", footer=1,
    ),
    Action(
        "resume", ("R",), "resume",
        "Go on from the measured pose; never a step larger than a normal one.",
        "cell", _no_resume, _ask_resume, moves_robot=True, verb="resume", footer=2,
    ),
    Action(
        "step", ("s",), "step",
        "Run one call, then HOLD before the next.",
        "cell", _no_motion, moves_robot=True, verb="step", footer=3,
    ),
    Action(
        "abort", ("A",), "abort",
        "Abort the trial: HOLD, then the program ends. The session and the cell stay.",
        "cell", _no_trial, _ask_abort, verb="abort", footer=6,
    ),
    Action(
        "answer", ("a",), "answer",
        "Choose what becomes of the call that stands: run, step, skip, edit or abort.",
        "cell", _no_standing, footer=3,
    ),
    Action(
        "run_call", ("l",), "run on",
        "Let the call that stands run; the program goes on to the next breakpoint.",
        "cell", _no_standing_motion, moves_robot=True, verb="run_call",
    ),
    Action(
        "skip_call", ("S",), "skip",
        "Answer the call that stands with a result you state. Nothing moves; the next call stands.",
        "cell", _no_standing,
    ),
    Action(
        "edit_call", ("e",), "edit",
        "Edit the arguments of the call that stands. It is planned again and runs only when told.",
        "cell", _no_standing,
    ),
    Action(
        "break", ("b",), "break",
        "Set a breakpoint: before a primitive, at a program line, after a status.",
        "cell", _no_bench, footer=13,
    ),
    Action(
        "breakpoints", ("B",), "breaks",
        "List breakpoints; enter removes one.",
        "cell", _no_list,
    ),
    Action(
        "dry_run", ("D",), "dry run",
        "Run the shown program in the stand-in from what the cell's cameras see now.",
        "cell", _no_dry_run, footer=14,
    ),
    Action(
        "pause_agent", ("p",), "pause agent",
        "Pause or continue the agent. The robot is not touched.",
        "agent", _no_engine, verb="pause_agent", footer=5,
    ),
    Action(
        "message", ("i",), "message",
        "Write to the agent: it reads that at its next step, or breaks off at once after a !.",
        "agent", _no_agent, footer=15,
    ),
    Action(
        "reply", ("w",), "reply",
        "Answer the question the agent asks. Without an answer in time it gets TIMEOUT.",
        "agent", _no_question,
    ),
    Action(
        "allow", ("m",), "allow",
        "Allow the agent what it asks permission for, once. Without an answer it is denied.",
        "agent", _no_permission,
    ),
    Action(
        "deny", ("M",), "deny",
        "Deny the agent what it asks permission for.",
        "agent", _no_permission,
    ),
    Action(
        "end_run", ("E",), "end run",
        "End the run: HOLD, last trial closed, the engine exits. The session stays.",
        "session", _no_engine, _ask_end, verb="stop",
    ),
    Action(
        "detach", ("q",), "detach",
        "Leave the screen. The engine and the cell go on; attach again with aspire-tui attach.",
        "session", confirm=_ask_detach, footer=8,
    ),
    Action(
        "approve", ("Y",), "approve",
        "Let the program that waits run. The question shows the engine's facts, not its author's.",
        "agent", _no_approval, _ask_approve, moves_robot=True,
    ),
    Action(
        "reject", ("X",), "reject",
        "The program that waits does not run; its author is told who rejected it.",
        "agent", _no_approval,
    ),
    Action(
        "take_control", ("T",), "take control",
        "Take control from whoever has it, by typing so. Others may watch and HOLD.",
        "session", _no_take,
    ),
    Action(
        "unattended", ("U",), "unattended",
        "Type the sentence that lets a real cell go on without you; again ends it.",
        "session", _no_grant, _ask_revoke,
    ),
    Action(
        "iam", ("I",), "i am",
        "Say who you are: accounts at a bench are shared, and every act carries a name.",
        "session", _no_engine,
    ),
    Action("call_back", ("left", "comma"), "call", "One call back.",
           "replay", _only_replay, footer=4),
    Action("call_forward", ("right", "full_stop"), "call", "One call forward.",
           "replay", _only_replay),
    Action("time_back", ("less_than_sign",), "-10 s", "Ten seconds back.",
           "replay", _only_replay),
    Action("time_forward", ("greater_than_sign",), "+10 s", "Ten seconds forward.",
           "replay", _only_replay),
    Action("failure_back", ("left_curly_bracket",), "failure", "The failure before.",
           "replay", _only_replay, footer=7),
    Action("failure_forward", ("right_curly_bracket",), "failure", "The next failure.",
           "replay", _only_replay),
    Action("start", ("home",), "start", "To the start of the session.",
           "replay", _only_replay),
    Action("end", ("end",), "end", "To the end of the session.",
           "replay", _only_replay),
    Action("pane_1", ("1",), "calls", "Calls of the shown trial.", "look"),
    Action("pane_2", ("2",), "call", "The selected call in full.", "look"),
    Action("pane_3", ("3",), "checks", "Reset and verdict with every check.", "look"),
    Action("pane_4", ("4",), "agent", "What the agent thinks, says and does.", "look"),
    Action("pane_5", ("5",), "search", "Hypotheses and trials.", "look"),
    Action("pane_6", ("6",), "time", "Where the time went: MRU and MTU.", "look"),
    Action("next_pane", ("tab",), "next", "Next pane.", "look"),
    Action("last_pane", ("shift+tab",), "back", "Pane before.", "look"),
    Action("zoom", ("z",), "zoom", "One pane over the whole screen, and back.", "look"),
    Action("open", ("enter",), "open", "Open the row under the cursor.", "look", footer=9),
    Action("back", ("escape",), "back", "One step back; never touches agent or robot.", "look"),
    Action("down", ("j", "down"), "down", "One row down.", "look"),
    Action("up", ("k", "up"), "up", "One row up.", "look"),
    Action("page_down", ("ctrl+d", "pagedown"), "page", "Half a page down.", "look"),
    Action("page_up", ("ctrl+u", "pageup"), "page", "Half a page up.", "look"),
    Action("top", ("g",), "top", "First row.", "look"),
    Action("bottom", ("G",), "bottom", "Last row; follows new ones.", "look"),
    Action("search", ("slash",), "search", "Search in the pane in focus.", "look", footer=10),
    Action("search_next", ("n",), "next match", "Next match.", "look", _no_search),
    Action("search_last", ("N",), "match before", "Match before.", "look", _no_search),
    Action("picture", ("o",), "picture",
           "Show the next picture of the call, then none.", "look", _no_picture, footer=11),
    Action("program", ("c",), "code",
           "Show the whole program instead of the call, and back.", "look", _no_program, footer=12),
    Action("palette", ("colon", "ctrl+p"), "acts", "Find any act by name.", "console"),
    Action("redraw", ("ctrl+l",), "redraw", "Send the whole screen again.", "console"),
    Action("help", ("question_mark",), "help", "All keys, and what HOLD needs.", "console"),
)  # fmt: skip

BY_ID: Final = {action.id: action for action in ACTIONS}

_KEY_WORDS: Final = {
    "space": "space",
    "ctrl+c": "^C",
    "ctrl+p": "^P",
    "ctrl+l": "^L",
    "ctrl+d": "^D",
    "ctrl+u": "^U",
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "comma": ",",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "escape": "esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "left": "left",
    "right": "right",
    "shift+tab": "shift+tab",
}


def key_word(key: str) -> str:
    """A key as people write it."""
    return _KEY_WORDS.get(key, key)


def keys_word(action: Action) -> str:
    return " ".join(key_word(key) for key in action.keys)


def find(query: str) -> list[Action]:
    """Acts whose words contain every word of the query, best titles first."""
    words = query.lower().split()
    found = [a for a in ACTIONS if all(word in f"{a.title} {a.what}".lower() for word in words)]
    return sorted(found, key=lambda a: not a.title.lower().startswith(query.lower().strip() or "~"))
