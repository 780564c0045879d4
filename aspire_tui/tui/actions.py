"""Every act of the console, once: key, words, guard, and why it cannot be done now.

Key bindings, footer, help, palette and tests are all made from :data:`ACTIONS`, so they cannot
disagree. A disabled act stays listed with its reason.
"""

from __future__ import annotations

from typing import Final

from aspire_tui.tui.guards import (
    ask_abandon,
    ask_abort,
    ask_approve,
    ask_detach,
    ask_end,
    ask_faster,
    ask_home,
    ask_reset,
    ask_resume,
    ask_revoke,
    ask_take,
    ask_verify,
    no_agent,
    no_approval,
    no_bench,
    no_closed_trial,
    no_draft,
    no_dry_run,
    no_editing_draft,
    no_editing_tree,
    no_engine,
    no_failed_trial,
    no_free_bench,
    no_grant,
    no_hold,
    no_hypotheses,
    no_list,
    no_motion,
    no_permission,
    no_picture,
    no_program,
    no_program_here,
    no_question,
    no_resume,
    no_search,
    no_session,
    no_shown_trial,
    no_standing,
    no_standing_motion,
    no_take,
    no_tree,
    no_trial,
    only_replay,
)
from aspire_tui.tui.situation import NO_KEYS, Action, Keys
from aspire_tui.tui.situation import Choice as Choice
from aspire_tui.tui.situation import Confirm as Confirm
from aspire_tui.tui.situation import Group as Group
from aspire_tui.tui.situation import Situation as Situation

ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "hold", ("space", "ctrl+c"), "HOLD",
        "Decelerate and hold, drives powered. Only ever holds. ctrl+c works while typing too.",
        "cell", no_hold, verb="hold", footer=1,
    ),
    Action(
        "resume", ("R",), "resume",
        "Go on from the measured pose; never a step larger than a normal one.",
        "cell", no_resume, ask_resume, moves_robot=True, verb="resume", footer=2,
    ),
    Action(
        "step", ("s",), "step",
        "Run one call, then HOLD before the next.",
        "cell", no_motion, moves_robot=True, verb="step", footer=3,
    ),
    Action(
        "abort", ("A",), "abort",
        "Abort the trial: HOLD, then the program ends. The session and the cell stay.",
        "cell", no_trial, ask_abort, verb="abort", footer=6,
    ),
    Action(
        "answer", ("a",), "answer",
        "Choose what becomes of the call that stands: run, step, skip, edit or abort.",
        "cell", no_standing, footer=3,
    ),
    Action(
        "run_call", ("l",), "run on",
        "Let the call that stands run; the program goes on to the next breakpoint.",
        "cell", no_standing_motion, moves_robot=True, verb="run_call",
    ),
    Action(
        "skip_call", ("S",), "skip",
        "Answer the call that stands with a result you state. Nothing moves; the next call stands.",
        "cell", no_standing,
    ),
    Action(
        "edit_call", ("e",), "edit",
        "Edit the arguments of the call that stands. It is planned again and runs only when told.",
        "cell", no_standing,
    ),
    Action(
        "break", ("b",), "break",
        "Set a breakpoint: before a primitive, at a program line, after a status.",
        "cell", no_bench, footer=13,
    ),
    Action(
        "breakpoints", ("B",), "breaks",
        "List breakpoints; enter removes one.",
        "cell", no_list,
    ),
    Action(
        "dry_run", ("D",), "dry run",
        "Run the shown program in the stand-in from what the cell's cameras see now.",
        "cell", no_dry_run, footer=14,
    ),
    Action(
        "slower", ("left_square_bracket",), "slower",
        "Speed override one step down, at once. It falls back after a fault or an operator's stop.",
        "cell", no_bench,
    ),
    Action(
        "faster", ("right_square_bracket",), "faster",
        "Speed override one step up.",
        "cell", no_bench, ask_faster, moves_robot=True,
    ),
    Action(
        "home", ("h",), "home",
        "Outside of a trial: put down what is held, open the gripper, go home.",
        "cell", no_free_bench, ask_home, moves_robot=True,
    ),
    Action(
        "reset", ("0",), "reset",
        "Outside of a trial: set a new scene of the task and verify it. It counts nowhere.",
        "cell", no_free_bench, ask_reset, moves_robot=True,
    ),
    Action(
        "verify", ("v",), "verify",
        "Outside of a trial: judge what stands there now, by the task's own rule. Counts nowhere.",
        "cell", no_free_bench, ask_verify, moves_robot=True,
    ),
    Action(
        "override", ("V",), "override",
        "Judge the shown trial otherwise, with a note. The verifier's verdict and the counts stay.",
        "session", no_closed_trial,
    ),
    Action(
        "pause_agent", ("p",), "pause agent",
        "Pause or continue the agent. The robot is not touched.",
        "agent", no_engine, verb="pause_agent", footer=5,
    ),
    Action(
        "message", ("i",), "message",
        "Write to the agent: it reads that at its next step, or breaks off at once after a !.",
        "agent", no_agent, footer=15,
    ),
    Action(
        "retry", ("t",), "retry",
        "Tell the agent to try again from the shown trial's failing call, with a hint of yours.",
        "agent", no_failed_trial,
    ),
    Action(
        "reply", ("w",), "reply",
        "Answer the question the agent asks. Without an answer in time it gets TIMEOUT.",
        "agent", no_question,
    ),
    Action(
        "allow", ("m",), "allow",
        "Allow the agent what it asks permission for, once. Without an answer it is denied.",
        "agent", no_permission,
    ),
    Action(
        "deny", ("M",), "deny",
        "Deny the agent what it asks permission for.",
        "agent", no_permission,
    ),
    Action(
        "fork", ("f",), "fork",
        "Begin a new line at the hypothesis under the cursor: you say what, the agent makes it.",
        "session", no_tree, footer=16,
    ),
    Action(
        "fork_edit", ("F",), "fork edited",
        "Edit the program of the hypothesis in $EDITOR and put it in as a fork. Only in HOLD.",
        "session", no_editing_tree,
    ),
    Action(
        "borrow", ("plus",), "borrow",
        "Join what the hypothesis under the cursor changed into another one; it is tried.",
        "session", no_tree,
    ),
    Action(
        "prune", ("x",), "prune",
        "Give up the hypothesis under the cursor, with a reason the agent is told.",
        "session", no_tree,
    ),
    Action(
        "promote", ("P",), "promote",
        "Draft a skill from the hypothesis; the gate's findings stand beside its SKILL.md.",
        "session", no_tree, footer=19,
    ),
    Action(
        "admit", (), "admit",
        "Put the drafted skill through the gate, by typing its name.",
        "session", no_draft,
    ),
    Action(
        "edit_draft", (), "edit",
        "Edit the drafted SKILL.md in $EDITOR, then hear what the gate says. Only in HOLD.",
        "session", no_editing_draft,
    ),
    Action(
        "abandon", (), "abandon",
        "Give the drafted skill up; its files go.",
        "session", no_draft, ask_abandon,
    ),
    Action(
        "note", ("quotation_mark",), "note",
        "Write something down for whoever reads the session later.",
        "session", no_engine,
    ),
    Action(
        "bookmark", ("apostrophe",), "bookmark",
        "Mark this moment with a name; J lists bookmarks. In a replay they are kept beside it.",
        "session",
    ),
    Action(
        "marks", ("J",), "marks",
        "Bookmarks, notes, overrides and acts by hand; enter goes there.",
        "session", footer=18,
    ),
    Action(
        "hand_over", ("H",), "hand over",
        "Write the hand-over note: what happened here, as Markdown, from the session alone.",
        "session", no_session,
    ),
    Action(
        "export", ("W",), "export",
        "Write the hypotheses as a git repository beside the session.",
        "session", no_hypotheses,
    ),
    Action(
        "find", ("ctrl+f",), "find",
        "Find words in the whole session: calls, texts, program code. Enter on a row goes there.",
        "session", no_session, footer=17,
    ),
    Action(
        "copy", ("y",), "copy",
        "Copy the row under the cursor, to your own clipboard (OSC 52).",
        "look",
    ),
    Action(
        "link", ("L",), "link",
        "Copy the command that opens this very moment: aspire-tui replay … --at …",
        "session", no_session,
    ),
    Action(
        "end_run", ("E",), "end run",
        "End the run: HOLD, last trial closed, the engine exits. The session stays.",
        "session", no_engine, ask_end, verb="stop",
    ),
    Action(
        "detach", ("q",), "detach",
        "Leave the screen. The engine and the cell go on; attach again with aspire-tui attach.",
        "session", confirm=ask_detach, footer=8,
    ),
    Action(
        "approve", ("Y",), "approve",
        "Let the program that waits run. The question shows the engine's facts, not its author's.",
        "agent", no_approval, ask_approve, moves_robot=True,
    ),
    Action(
        "reject", ("X",), "reject",
        "The program that waits does not run; its author is told who rejected it.",
        "agent", no_approval,
    ),
    Action(
        "take_control", ("T",), "take control",
        "Take control from whoever has it, by typing so. Others may watch and HOLD.",
        "session", no_take,
    ),
    Action(
        "unattended", ("U",), "unattended",
        "Type the sentence that lets a real cell go on without you; again ends it.",
        "session", no_grant, ask_revoke,
    ),
    Action(
        "iam", ("I",), "i am",
        "Say who you are: accounts at a bench are shared, and every act carries a name.",
        "session", no_engine,
    ),
    Action("call_back", ("left", "comma"), "call", "One call back.",
           "replay", only_replay, footer=4),
    Action("call_forward", ("right", "full_stop"), "call", "One call forward.",
           "replay", only_replay),
    Action("time_back", ("less_than_sign",), "-10 s", "Ten seconds back.",
           "replay", only_replay),
    Action("time_forward", ("greater_than_sign",), "+10 s", "Ten seconds forward.",
           "replay", only_replay),
    Action("failure_back", ("left_curly_bracket",), "failure", "The failure before.",
           "replay", only_replay, footer=7),
    Action("failure_forward", ("right_curly_bracket",), "failure", "The next failure.",
           "replay", only_replay),
    Action("play", ("p",), "play", "Let the replay run, and stop it.",
           "replay", only_replay, footer=3),
    Action("play_slower", ("left_square_bracket",), "slower", "Replay at half the speed.",
           "replay", only_replay),
    Action("play_faster", ("right_square_bracket",), "faster", "Replay at twice the speed.",
           "replay", only_replay),
    Action("trial_back", ("left_parenthesis",), "trial", "The trial before, where it is judged.",
           "replay", only_replay, footer=5),
    Action("trial_forward", ("right_parenthesis",), "trial", "The next trial, where it is judged.",
           "replay", only_replay),
    Action("phase_back", ("minus",), "phase", "The phase before.",
           "replay", only_replay),
    Action("phase_forward", ("equals_sign",), "phase", "The next phase.",
           "replay", only_replay),
    Action("mark_back", ("ctrl+left",), "mark", "The bookmark before.",
           "replay", only_replay),
    Action("mark_forward", ("ctrl+right",), "mark", "The next bookmark.",
           "replay", only_replay),
    Action("at", ("at",), "go to", "Go to a moment: 14:02:11, +93, 3.12 (trial.call), event 512.",
           "replay", only_replay, footer=6),
    Action("take", ("K",), "take along",
           "Leave, and run this trial's program on your own cell: aspire-tui exec --from ….",
           "replay", no_program_here, ask_take),
    Action("start", ("home",), "start", "To the start of the session.",
           "replay", only_replay),
    Action("end", ("end",), "end", "To the end of the session.",
           "replay", only_replay),
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
    Action("search_next", ("n",), "next match", "Next match.", "look", no_search),
    Action("search_last", ("N",), "match before", "Match before.", "look", no_search),
    Action("picture", ("o",), "picture",
           "Show the next picture of the call, then none.", "look", no_picture, footer=11),
    Action("program", ("c",), "code",
           "Show the whole program instead of the call, and back.", "look", no_program, footer=12),
    Action("what_if", ("u",), "what if",
           "The call that looked again, on its own pictures: another prompt, point or threshold.",
           "look", no_picture, footer=20),
    Action("what_if_fork", (), "fork what if",
           "Send what you asked instead to a fork of the trial's hypothesis.", "session", no_tree),
    Action("diff", ("d",), "diff",
           "The program of a hypothesis beside its parent's.", "look", no_hypotheses),
    Action("beside", ("C",), "beside",
           "Two trials, one failing and one passing, side by side at the call where they part.",
           "look", no_shown_trial),
    Action("clusters", ("O",), "failures",
           "All trials of the shown program: how often it passed, its failures by kind.",
           "look", no_shown_trial),
    Action("since", ("Z",), "what happened",
           "What happened in this session, and since you were last here.", "look", no_session),
    Action("narrower", ("f5",), "narrower", "The left panes narrower.", "console"),
    Action("wider", ("f6",), "wider", "The left panes wider.", "console"),
    Action("lower", ("f7",), "lower", "The upper panes lower.", "console"),
    Action("higher", ("f8",), "higher", "The upper panes higher.", "console"),
    Action("theme", ("ctrl+t",), "theme", "Dark, light, high contrast, the terminal's own colours.",
           "console"),
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
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "apostrophe": "'",
    "quotation_mark": '"',
    "minus": "-",
    "equals_sign": "=",
    "at": "@",
    "plus": "+",
    "ctrl+f": "^F",
    "ctrl+t": "^T",
    "ctrl+left": "^left",
    "ctrl+right": "^right",
    "f5": "F5",
    "f6": "F6",
    "f7": "F7",
    "f8": "F8",
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


def keys_word(action: Action, changed: Keys = NO_KEYS) -> str:
    """The keys of an act as people write them; ``changed`` are the operator's own."""
    return " ".join(key_word(key) for key in changed.get(action.id, action.keys))


def find(query: str) -> list[Action]:
    """Acts whose words contain every word of the query, best titles first."""
    words = query.lower().split()
    found = [a for a in ACTIONS if all(word in f"{a.title} {a.what}".lower() for word in words)]
    return sorted(found, key=lambda a: not a.title.lower().startswith(query.lower().strip() or "~"))
