"""A small session, written by the real recorder: a failing trial, its repair, and the proof."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from aspire_tui.domain import (
    Budget,
    Check,
    Evidence,
    GraspCandidate,
    Keyframe,
    Layer,
    PlannedPath,
    Repair,
    ResetVerdict,
    RobotState,
    RunSpec,
    SandboxReport,
    Tokens,
    Verdict,
)
from aspire_tui.events import (
    AgentSaid,
    AgentTool,
    AgentTurn,
    AnyEvent,
    BudgetSpent,
    CallIntent,
    CallResult,
    CellChanged,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    Note,
    PhaseChanged,
    ProgramEnded,
    ProgramStored,
    RefereeJudged,
    ResetReported,
    RunEnded,
    SessionOpened,
    SkillMatched,
    TokensUsed,
    TrialClosed,
    TrialOpened,
    VerdictGiven,
)
from aspire_tui.session.journal import RecorderJournal
from aspire_tui.session.recorder import Recorder

BEGAN_WALL_S = 1_790_000_000.0

PLAIN = """\
# put the red cube on the green one
red = get_object_pose("red cube")
green = get_object_pose("green cube")
home_pose()
open_gripper()
grasp = sample_grasp_pose("red cube")
goto_pose(grasp.position, grasp.quaternion_wxyz)
close_gripper()
goto_pose(green.position + [0, 0, 0.12], [0, 0, 1, 0])
open_gripper()
RESULT = True
"""

MENDED = PLAIN.replace("goto_pose(grasp.position", "goto_pose(grasp.position - [0, 0, 0.012]")


GRASP_M = [0.312, -0.118, 0.031]
PLACE_M = [0.402, 0.061, 0.145]
EMPTY = "closed on nothing: 0.4 mm, 0.0 N, above the cube by 12 mm"
DOWN = (0.0, 0.0, 1.0, 0.0)
BEFORE = RobotState((0.0, -0.77, 0.03, -2.2, 0.0, 1.6), (0.31, -0.12, 0.3), DOWN, 0.08, 0.0)
AFTER = RobotState((0.12, -0.7, 0.03, -2.1, 0.0, 1.5), (0.312, -0.118, 0.043), DOWN, 0.08, 0.0)
PATH = PlannedPath(
    "RRTConnect", "exact solution", 2.1, (BEFORE.q_rad, AFTER.q_rad), (BEFORE.xyz_m, AFTER.xyz_m)
)
MOVED = Evidence(path=PATH, before=BEFORE, after=AFTER)
STOOD = Evidence(before=AFTER, after=AFTER, notes=("fingers met at 0.4 mm",))
SAMPLED = Evidence(
    grasps=(
        GraspCandidate((0.312, -0.118, 0.031), DOWN, 0.91, 0.04),
        GraspCandidate((0.305, -0.12, 0.031), DOWN, 0.64, 0.05, "IK_FAILED"),
    )
)
CLAIM = "a plain top-down pick and place stacks the cubes"
IF_WRONG = "close_gripper ends in EMPTY_GRASP"
REPAIR = Repair(1, 7, "close_gripper", "EMPTY_GRASP", "grasp-depth", {"depth_m": 0.012}, True)


@dataclass(frozen=True)
class Told:
    """One call and how it ended."""

    primitive: str
    line: int
    summary: str
    duration_s: float
    evidence: Evidence = STOOD
    args: dict[str, object] = field(default_factory=dict)
    status: str = "OK"


@dataclass
class StoryClock:
    """Time that passes only when told to."""

    t_s: float = 0.0

    def wall_s(self) -> float:
        return BEGAN_WALL_S + self.t_s

    def mono_s(self) -> float:
        return self.t_s


def picture(hue: int) -> bytes:
    """A small scene: table, two cubes."""
    rgb = np.full((48, 64, 3), 210, np.uint8)
    rgb[30:] = (120, 96, 72)
    rgb[22:32, 14:24] = (200, 40 + hue, 40)
    rgb[20:34, 40:52] = (40, 160, 60)
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    return out.getvalue()


@dataclass
class Story:
    """Tells the session event by event; ``until`` stops it in the middle."""

    path: Path
    clock: StoryClock = field(default_factory=StoryClock)
    cell_s: float = 0.0

    def __post_init__(self) -> None:
        self.recorder = Recorder.create(self.path, clock=self.clock, ballast_bytes=1 << 16)
        self.journal = RecorderJournal(self.recorder)

    def say(self, *events: AnyEvent, after_s: float = 0.5) -> None:
        for event in events:
            self.clock.t_s += after_s
            self.journal.record(event)

    def close(self) -> None:
        self.recorder.close()

    def keyframe(self, hue: int) -> Keyframe:
        blob = self.journal.blob(picture(hue), "image/png")
        overlay = self.journal.blob(picture(hue + 60), "image/png")
        K = ((60.0, 0.0, 32.0), (0.0, 60.0, 24.0), (0.0, 0.0, 1.0))
        T = tuple(tuple(1.0 if r == c else 0.0 for c in range(4)) for r in range(4))
        return Keyframe("scene", self.cell_s, blob, None, 1e-4, K, T, overlay)

    def opens(self, speed: float = 1.0, brands: tuple[str, ...] = ()) -> None:
        spec = RunSpec(
            verb="run",
            tasks=("cube_stack",),
            cell="yam-sim",
            agent="rules",
            seed=7,
            attended=True,
            budget=Budget(max_trials=60, max_minutes=20.0),
            speed=speed,
        )
        sandbox = SandboxReport(
            "B", "6.1", (Layer("seccomp", True),), ("socket",), ("stat /etc/passwd",), ""
        )
        cameras = [{"name": "scene"}, {"name": "wrist"}]
        cell = {"name": "yam-sim", "kind": "sim", "estop": "NOT WIRED", "cameras": cameras}
        self.say(
            SessionOpened(spec, sandbox, {"aspire_tui": "0.1.0"}, cell, {}, brands),
            CellChanged("CHECK", None, "opened", "host", 0.0),
            CellChanged("HOLD", None, "drives on", "engine", 0.2),
        )

    def program(self, text: str, author: str) -> str:
        blob = self.journal.blob(text.encode(), "text/x-python")
        self.say(ProgramStored(blob.sha256, blob, author))
        return blob.sha256

    def begins(
        self, trial: int, program: str, seed: int, hypothesis: int | None = 1, where: str = "bench"
    ) -> None:
        clock = "wall" if where == "bench" else "sim"
        seed_set = "dev" if where == "bench" else "selection"
        self.say(
            TrialOpened(trial, "cube_stack", seed, seed_set, program, hypothesis, where, clock)
        )
        if where != "bench":
            return
        height = Check("cubes on the table", "scene", 2.0, "", 2.0, 2.0, "PASS")
        apart = Check("cubes apart", "scene", 0.112, "m", 0.06, None, "PASS")
        reset = ResetVerdict("ok", 1, 3, (height, apart), "both cubes seen where they belong")
        self.say(
            PhaseChanged(trial, "resetting", "attempt 1", self.cell_s),
            PhaseChanged(trial, "verifying_reset", "attempt 1", self.cell_s + 2.0),
            ResetReported(trial, reset, "abc"),
            PhaseChanged(trial, "ready", "reset verified", self.cell_s + 3.0),
            PhaseChanged(trial, "executing", "program started", self.cell_s + 3.1),
            CellChanged("RUN", "TRAJ", "program", "engine", self.cell_s + 3.2),
        )

    def intends(self, trial: int, call: int, primitive: str, line: int, **args: object) -> None:
        self.say(CallIntent(trial, 1, call, primitive, dict(args), line, self.cell_s))

    def calls(self, trial: int, call: int, told: Told) -> None:
        self.intends(trial, call, told.primitive, told.line, **told.args)
        self.cell_s += told.duration_s
        self.say(
            CallResult(
                trial=trial,
                attempt=1,
                call=call,
                primitive=told.primitive,
                status=told.status,  # type: ignore[arg-type]
                summary=told.summary,
                duration_s=told.duration_s,
                cell_s=self.cell_s,
                value={"ok": told.status == "OK"},
                evidence=told.evidence,
                think_s=0.03,
            )
        )

    def tries(self, trial: int, lifts: bool, upto: int = 10) -> None:
        """The calls of the program; without ``lifts`` the fingers close on nothing."""
        seen = Evidence(keyframes=(self.keyframe(trial * 20),), notes=("412 points kept",))
        red, green = {"name": "red cube"}, {"name": "green cube"}
        told: list[Told] = [
            Told("get_object_pose", 2, "red cube at +0.312 -0.118 +0.020 m", 0.12, seen, red),
            Told("get_object_pose", 3, "green cube at +0.402 +0.061 +0.025 m", 0.11, seen, green),
            Told("home_pose", 4, "0.2 mm from home", 1.72, MOVED),
            Told("open_gripper", 5, "80.0 mm", 0.5, STOOD),
            Told("sample_grasp_pose", 6, "2 sampled, best 0.91", 0.2, SAMPLED, red),
            Told("goto_pose", 7, "0.6 mm from target", 2.31, MOVED, {"position": GRASP_M}),
        ]
        if lifts:
            told += [
                Told("close_gripper", 8, "39.2 mm, 11.8 N, holding", 0.84, STOOD),
                Told("goto_pose", 9, "0.8 mm from target", 2.6, MOVED, {"position": PLACE_M}),
                Told("open_gripper", 10, "80.0 mm", 0.5, STOOD),
            ]
        else:
            told.append(Told("close_gripper", 8, EMPTY, 0.91, STOOD, status="EMPTY_GRASP"))
        for call, one in enumerate(told[:upto], 1):
            self.calls(trial, call, one)

    def judged(self, trial: int, passed: bool, implicated: int | None) -> None:
        outcome = "PASS" if passed else "FAIL"
        height = Check(
            "red cube above table", "scene", 0.065 if passed else 0.02, "m", 0.055, None, outcome,
            "" if passed else "still lies on the table",
        )  # fmt: skip
        still = Check("at rest", "scene", 0.0004, "m", None, 0.002, "PASS")
        reason = "the red cube rests on the green one" if passed else "the red cube was not moved"
        verdict = Verdict(outcome, (height, still), "all checks, each camera alone", reason)
        self.say(
            ProgramEnded(trial, 1, "returned", "", True, "picked red\n", 9 if passed else 7),
            CellChanged("HOLD", None, "program ended", "engine", self.cell_s),
            PhaseChanged(trial, "verifying", "program returned", self.cell_s),
            VerdictGiven(trial, 1, verdict),
            RefereeJudged(trial, 1, outcome, {"cube_z_m": 0.065 if passed else 0.02}),
            PhaseChanged(trial, "recorded", outcome, self.cell_s),
            TrialClosed(trial, outcome, "returned", implicated, 12.0, 14.0, reason),
        )

    def worker_trial(self, trial: int, program: str, seed: int, passed: bool) -> None:
        """A trial of the second hypothesis in a worker: one call, then judged."""
        self.begins(trial, program, seed, 2, where="worker")
        outcome, implicated = ("PASS", None) if passed else ("FAIL", 1)
        self.say(
            CallIntent(trial, 1, 1, "home_pose", {}, 4, 1.0),
            CallResult(trial, 1, 1, "home_pose", "OK", "at home", 1.7, 2.7),
            ProgramEnded(trial, 1, "returned", "", True, "", 1),
            TrialClosed(trial, outcome, "returned", implicated, 12.0, 0.6),
            after_s=0.05,
        )


def first_half(story: Story) -> str:
    """Up to the middle of the first trial: a call is in flight."""
    story.opens()
    program = story.program(PLAIN, "rules")
    story.say(
        AgentTurn(True, "reads the task"),
        AgentSaid("Plan: find both cubes, grasp red from above, place it on green.", "plan"),
        AgentTool("read_task", {"task": "cube_stack"}, "put the red cube on the green one"),
        HypothesisOpened(1, None, CLAIM, "plain program", IF_WRONG, program, "rules"),
        AgentTurn(False),
        BudgetSpent(Budget(max_trials=60, max_minutes=20.0), 1, 0.2, 0, 0.0),
    )
    story.begins(1, program, 7)
    story.tries(1, lifts=False, upto=5)
    story.intends(1, 6, "goto_pose", 7, position=[0.312, -0.118, 0.031])
    return program


def second_half(story: Story, program: str, ends: bool = True) -> None:
    """The failing call, the repair, the proof, the end."""
    story.cell_s += 2.31
    story.say(CallResult(1, 1, 6, "goto_pose", "OK", "0.6 mm from target", 2.31, story.cell_s))
    story.calls(1, 7, Told("close_gripper", 8, EMPTY, 0.91, STOOD, status="EMPTY_GRASP"))
    story.judged(1, False, 7)
    mended = story.program(MENDED, "rules")
    story.say(
        AgentTurn(True, "reads the trace"),
        AgentSaid("close_gripper met nothing; the tool stood 12 mm above the cube.", "finding"),
        SkillMatched(1, 7, "grasp-depth", "EMPTY_GRASP with fingers closed below 1 mm", True),
        TokensUsed(Tokens(input=1200, cached=900, output=310), "none"),
        HypothesisScored(1, "dev", 0, 1, 0.0, 0.79),
        HypothesisOpened(
            2, 1, "grasping 12 mm deeper holds the cube", "grasp height -12 mm", IF_WRONG, mended,
            "rules", (REPAIR,),
        ),
        AgentTurn(False),
    )  # fmt: skip
    story.begins(2, mended, 8, hypothesis=2)
    story.tries(2, lifts=True)
    story.judged(2, True, None)
    for number in range(3, 9):
        story.worker_trial(number, mended, 100 + number, passed=number != 5)
    story.say(
        HypothesisScored(2, "dev", 1, 1, 0.2, 1.0),
        HypothesisScored(2, "selection", 5, 6, 0.44, 0.97),
        HypothesisDecided(1, "pruned", "0 of 1"),
        HypothesisDecided(2, "kept", "5 of 6 on selection seeds"),
        Note("held-out seeds were run once", "info"),
    )
    if ends:
        story.say(RunEnded("PASS", "done", 2, 5, 6, 0.44, 0.97, "5 of 6, lower bound 0.44"))


def whole_session(path: Path) -> Path:
    story = Story(path)
    second_half(story, first_half(story))
    story.close()
    return path
