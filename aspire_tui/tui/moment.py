"""All a screen draws: the session at one moment, and what of it the operator looks at.

Read from the session file by :func:`read_moment` and by nothing else; panes are pure functions of a
:class:`Moment`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from aspire_tui.domain import Keyframe
from aspire_tui.events import (
    ProgramEnded,
    Recorded,
    RefereeJudged,
    ResetReported,
    SkillMatched,
    VerdictGiven,
)
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import (
    AgentLine,
    CallDetail,
    KeyframeRow,
    ProgramRow,
    TrialRow,
)
from aspire_tui.session.snapshot import EMPTY, Snapshot
from aspire_tui.tui.account import NO_ACCOUNT, Account, AccountReading
from aspire_tui.tui.calls_reading import NO_CALLS, Calls, CallsReading
from aspire_tui.tui.tree import EMPTY_TREE, Tree
from aspire_tui.tui.tree_reading import TreeReading

AGENT_LINES = 400
HAND_ACTS = 4
OVERRIDES = 200
TRIAL_KINDS = ("reset", "program_ended", "verdict", "referee", "skill_matched")


@dataclass(frozen=True)
class Asked:
    """What the operator looks at. None follows: the end of the file, the newest trial and call."""

    at_seq: int | None = None
    trial: int | None = None
    call: int | None = None
    picture: int | None = None
    """Which picture of the call to show, from 0; None shows none."""


@dataclass(frozen=True)
class TrialFacts:
    """What is known of the shown trial besides its calls."""

    resets: tuple[ResetReported, ...] = ()
    ended: tuple[ProgramEnded, ...] = ()
    verdicts: tuple[VerdictGiven, ...] = ()
    referee: tuple[RefereeJudged, ...] = ()
    skills: tuple[SkillMatched, ...] = ()


@dataclass(frozen=True)
class Picture:
    """One stored picture, encoded, with what it is."""

    camera: str
    t_s: float
    overlay: bool
    media: str
    data: bytes
    ordinal: int
    of: int


@dataclass(frozen=True)
class Moment:
    """The session at ``snapshot.seq`` with the trial, call and picture that are shown."""

    asked: Asked = Asked()
    snapshot: Snapshot = EMPTY
    last_seq: int = 0
    trial: TrialRow | None = None
    facts: TrialFacts = TrialFacts()
    calls: Calls = NO_CALLS
    call: CallDetail | None = None
    keyframes: tuple[KeyframeRow, ...] = ()
    picture: Picture | None = None
    program: ProgramRow | None = None
    agent: tuple[AgentLine, ...] = ()
    tree: Tree = EMPTY_TREE
    account: Account = NO_ACCOUNT
    path: str = ""
    by_hand: tuple[Recorded, ...] = ()
    """The newest acts by hand."""
    overrides: tuple[Recorded, ...] = ()
    """Verdicts of trials that people judge otherwise."""

    @property
    def at_end(self) -> bool:
        return self.snapshot.seq >= self.last_seq

    def wall_s(self, mono_s: float) -> float:
        """Unix time of a moment of the recorder's monotonic clock."""
        return self.snapshot.wall_s - (self.snapshot.mono_s - mono_s)


@dataclass
class Remembered:
    """What need not be read again while nothing it depends on has changed."""

    calls: CallsReading = field(default_factory=CallsReading)
    tree: TreeReading = field(default_factory=TreeReading)
    account: AccountReading = field(default_factory=AccountReading)
    programs: dict[str, ProgramRow | None] = field(default_factory=dict)


def read_moment(
    reader: SessionReader, asked: Asked, remembered: Remembered, *, at_once: bool = False
) -> Moment:
    """Read what a screen needs of the asked moment; the cost does not grow with the session.

    Args:
        reader: The session file.
        asked: What is looked at.
        remembered: What was read for the moment before.
        at_once: Tree and account are still those of the moment before: a whole one follows.
    """
    snapshot = reader.snapshot(asked.at_seq)
    seq = snapshot.seq
    number = asked.trial or (snapshot.trial.trial if snapshot.trial else None)
    trial = reader.trial(number, seq) if number is not None else None
    calls = remembered.calls.at(reader, trial.trial, seq) if trial else NO_CALLS
    call = _chosen(reader, asked, trial, calls, seq)
    keyframes: tuple[KeyframeRow, ...] = ()
    if trial and call:
        keyframes = tuple(reader.keyframes(trial.trial, call.intent.call, seq))
    return Moment(
        asked=asked,
        snapshot=snapshot,
        last_seq=reader.last_seq(),
        trial=trial,
        facts=_facts(reader, trial, seq),
        calls=calls,
        call=call,
        keyframes=keyframes,
        picture=_picture(reader, keyframes, asked.picture),
        program=_program(reader, trial, remembered),
        agent=tuple(reader.agent_lines(seq, AGENT_LINES)),
        tree=remembered.tree.last if at_once else remembered.tree.at(reader, seq),
        account=remembered.account.last if at_once else remembered.account.at(reader, snapshot),
        path=str(reader.path),
        by_hand=tuple(reader.newest_events(HAND_ACTS, ("hand_act",), seq)),
        overrides=tuple(reader.newest_events(OVERRIDES, ("override",), seq)),
    )


def _chosen(
    reader: SessionReader,
    asked: Asked,
    trial: TrialRow | None,
    calls: Calls,
    seq: int,
) -> CallDetail | None:
    if trial is None or not calls:
        return None
    wanted = (asked.call, trial.implicated if trial.closed_seq is not None else None)
    for number in wanted:
        found = reader.call(trial.trial, number, seq) if number is not None else None
        if found is not None:
            return found
    return reader.call(trial.trial, calls[-1].call, seq)


def _facts(reader: SessionReader, trial: TrialRow | None, seq: int) -> TrialFacts:
    if trial is None:
        return TrialFacts()
    events = [
        recorded.event
        for recorded in reader.events(trial=trial.trial, kinds=TRIAL_KINDS, upto_seq=seq)
    ]
    return TrialFacts(
        resets=tuple(e for e in events if isinstance(e, ResetReported)),
        ended=tuple(e for e in events if isinstance(e, ProgramEnded)),
        verdicts=tuple(e for e in events if isinstance(e, VerdictGiven)),
        referee=tuple(e for e in events if isinstance(e, RefereeJudged)),
        skills=tuple(e for e in events if isinstance(e, SkillMatched)),
    )


def pictures_of(keyframes: tuple[KeyframeRow, ...]) -> list[tuple[Keyframe, bool]]:
    """The pictures one can step through: of each keyframe the overlay first, then the bare one."""
    found: list[tuple[Keyframe, bool]] = []
    for row in keyframes:
        if row.keyframe.overlay is not None:
            found.append((row.keyframe, True))
        found.append((row.keyframe, False))
    return found


def _picture(
    reader: SessionReader, keyframes: tuple[KeyframeRow, ...], wanted: int | None
) -> Picture | None:
    choices = pictures_of(keyframes)
    if wanted is None or not choices:
        return None
    ordinal = wanted % len(choices)
    frame, overlay = choices[ordinal]
    blob = frame.overlay if overlay and frame.overlay is not None else frame.rgb
    data = reader.blob(blob.sha256)
    if data is None:
        return None
    return Picture(frame.camera, frame.t_s, overlay, blob.media, data, ordinal, len(choices))


def _program(
    reader: SessionReader, trial: TrialRow | None, remembered: Remembered
) -> ProgramRow | None:
    if trial is None:
        return None
    if remembered.programs.get(trial.program) is None:
        remembered.programs[trial.program] = reader.program(trial.program)
    return remembered.programs[trial.program]
