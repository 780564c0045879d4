"""The nouns: cell, program, call, attempt, trial, verdict, hypothesis, skill, session.

Small frozen structs shared by every room. No I/O here and no import of ours. Lengths are metres,
angles radians, times seconds; poses are in the robot base frame, quaternions wxyz.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

JSON = Any
"""A JSON value: the one place where ``Any`` may cross a module boundary."""

Status = Literal[
    "OK",
    "IK_FAILED",
    "PLANNING_ERROR",
    "COLLISION",
    "NOT_CONVERGED",
    "BLOCKED",
    "EMPTY_GRASP",
    "SLIPPED",
    "NOT_FOUND",
    "STALE",
    "STOPPED",
    "LIMIT",
    "INVALID",
    "TIMEOUT",
    "FAULT",
]
"""How a primitive call ended. LIMIT is the robot's; a budget or an undeclared call is INVALID."""

Phase = Literal[
    "idle",
    "resetting",
    "verifying_reset",
    "ready",
    "executing",
    "verifying",
    "recorded",
    "held",
    "needs_operator",
    "fault",
]

ProgramEnd = Literal["returned", "raised", "timeout", "killed", "refused", "aborted"]
Outcome = Literal["PASS", "FAIL", "UNSURE"]
ResetOutcome = Literal["ok", "failed", "unsure", "unsafe_held_object"]
SeedSet = Literal["dev", "selection", "held_out", "operator"]
HypothesisStatus = Literal["open", "kept", "pruned", "promoted"]
Role = Literal["operator", "viewer", "agent", "engine"]
SandboxLevel = Literal["A", "A-", "B", "D"]
TOLD_THE_TRUTH = "privileged"
"""Brands a session whose programs were told where things really are (tier S1)."""
NO_SANDBOX = "NO SANDBOX"
"""Brands a session whose programs ran at level D."""
WorkerPictures = Literal["all", "failed", "none"]
"""Of which worker trials the pictures are kept. Bench trials keep all."""

UtilisationClass = Literal[
    "executing", "resetting", "verifying", "thinking", "operator", "held", "fault", "idle"
]


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every noun: immutable, and strict about what it is given."""


class Blob(Struct, frozen=True):
    """Bytes kept beside the events, named by their content."""

    sha256: str
    media: str
    size: int


class Keyframe(Struct, frozen=True):
    """One picture that perception used, kept losslessly with what is needed to use it again."""

    camera: str
    t_s: float
    rgb: Blob
    depth: Blob | None
    depth_unit_m: float
    K: tuple[tuple[float, ...], ...]
    T_base_cam: tuple[tuple[float, ...], ...]
    overlay: Blob | None = None
    """The same picture with masks, boxes or grasps drawn in, for people."""


class RobotState(Struct, frozen=True):
    """The arm before or after a call: measured joints, tool pose, gripper opening."""

    q_rad: tuple[float, ...]
    xyz_m: tuple[float, float, float]
    wxyz: tuple[float, float, float, float]
    width_m: float
    grip_force_N: float


class Samples(msgspec.Struct, frozen=True):
    """Joint state along one call (or between calls), packed little-endian float32 columns.

    ``columns`` names them: ``t_s``, ``q0``…, ``c0``… (commands), ``width_m``, ``width_cmd_m``.
    """

    trial: int
    call: int
    arm: str
    t0_s: float
    t1_s: float
    rows: int
    columns: tuple[str, ...]
    data: bytes


class VideoFrame(msgspec.Struct, frozen=True):
    """One picture of the low-rate video, JPEG, for people. Prunable."""

    trial: int
    camera: str
    t_s: float
    jpeg: bytes


class GraspCandidate(Struct, frozen=True):
    """One grasp the sampler considered. ``rejected`` says why it was not taken."""

    xyz_m: tuple[float, float, float]
    wxyz: tuple[float, float, float, float]
    score: float
    width_m: float
    rejected: str = ""


class PlannedPath(Struct, frozen=True):
    """The path of a motion call: knots (thinned for the record) and the planner's own word."""

    planner: str
    planner_status: str
    duration_s: float
    q_rad: tuple[tuple[float, ...], ...]
    tool_xyz_m: tuple[tuple[float, float, float], ...]


class Evidence(Struct, frozen=True):
    """What a call leaves behind besides its result."""

    keyframes: tuple[Keyframe, ...] = ()
    grasps: tuple[GraspCandidate, ...] = ()
    path: PlannedPath | None = None
    before: RobotState | None = None
    after: RobotState | None = None
    notes: tuple[str, ...] = ()


class Check(Struct, frozen=True):
    """One measured value against its range, by one camera or sensor."""

    name: str
    source: str
    value: float | None
    unit: str
    lo: float | None
    hi: float | None
    outcome: Outcome
    why: str = ""


class Verdict(Struct, frozen=True):
    """What the verifier says of one attempt, from cameras and sensors alone."""

    outcome: Outcome
    checks: tuple[Check, ...]
    rule: str
    reason: str
    keyframes: tuple[Keyframe, ...] = ()
    """Of each camera the later look, then of each the earlier one."""
    robots: tuple[RobotState, ...] = ()
    """Every arm when the program had ended: with the pictures all there was to judge by."""
    holder: int | None = None
    """Which of them held something."""


class ResetVerdict(Struct, frozen=True):
    """Whether the scene is what the task asks for before the program may run."""

    outcome: ResetOutcome
    attempt: int
    of: int
    checks: tuple[Check, ...]
    reason: str
    keyframes: tuple[Keyframe, ...] = ()


class Layer(Struct, frozen=True):
    """One layer of the sandbox: on, or off with the reason."""

    name: str
    on: bool
    why: str = ""


class SandboxReport(Struct, frozen=True):
    """What the self-probe proved, told before any program runs."""

    level: SandboxLevel
    kernel: str
    layers: tuple[Layer, ...]
    denied: tuple[str, ...]
    """What the probe tried and was refused, e.g. ``socket``."""
    leaks: tuple[str, ...] = ()
    """What the probe tried and got, e.g. ``stat /etc/passwd`` at level B."""
    raise_it: str = ""
    """The one command that would raise the level, empty at A."""

    def in_words(self) -> str:
        """What the level means, short enough for a status bar."""
        return {
            "A": "no files, no network",
            "A-": "no files, no network; no Landlock",
            "B": "sees file names; no namespaces",
            "D": "a mere process",
        }[self.level]

    def missing(self) -> dict[str, str]:
        """Every layer that is not there, with the reason."""
        return {layer.name: layer.why for layer in self.layers if not layer.on}


class Tokens(Struct, frozen=True):
    """Tokens by class. ``input`` is fresh input, cached input is counted apart; ``output`` has
    ``reasoning`` in it, as providers bill it."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    cost_usd: float = 0.0

    @property
    def total(self) -> int:
        return self.input + self.cached + self.output

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.cached + other.cached,
            self.output + other.output,
            self.reasoning + other.reasoning,
            self.cost_usd + other.cost_usd,
        )

    def __sub__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input - other.input,
            self.cached - other.cached,
            self.output - other.output,
            self.reasoning - other.reasoning,
            self.cost_usd - other.cost_usd,
        )


class Budget(Struct, frozen=True):
    """Limits that block. None means no limit."""

    max_trials: int | None = None
    max_minutes: float | None = None
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    max_model_calls: int | None = None


class QueuedTrial(Struct, frozen=True):
    """A trial that waits for the one bench. ``program`` is its sha256."""

    hypothesis: int | None
    seed_set: SeedSet
    program: str


class Repair(Struct, frozen=True):
    """One change to a program that a failing call led to, and its proof on unseen seeds."""

    trial: int
    call: int
    primitive: str
    status: str
    skill: str
    parameters: dict[str, float]
    same_task_evidence: bool
    """The skill's evidence comes from this very task: a demonstration, not learning."""


Unattended = Literal["hold", "park"]
"""What an unattended cell does by itself when it needs somebody."""


class Grant(Struct, frozen=True):
    """One person's word that a cell may go on while nobody is there, and within what bounds."""

    who: str
    cell: str
    task: str
    until_s: float
    """Unix time."""
    speed: float
    """Most speed override, in (0, 1]."""
    lo_m: tuple[float, float, float]
    hi_m: tuple[float, float, float]
    """Box for the tool point in the base frame."""
    failed_resets: int
    """So many resets in a row may fail before ``on_failed_resets``."""
    on_needs_operator: Unattended = "hold"
    on_heat: Unattended = "hold"
    on_failed_resets: Unattended = "hold"
    sentence: str = ""
    """As it was typed."""


class SourceChange(Struct, frozen=True):
    """One file that is not what it was when the session began."""

    name: str
    """What it belongs to: ``verifier``, ``task cube_stack`` and the like."""
    path: str
    before: str
    """sha256; empty when the file was not there."""
    after: str
    diff: str
    """Unified, cut when long; empty for what is no text."""


BreakpointKind = Literal["primitive", "line", "status"]


class Breakpoint(Struct, frozen=True):
    """Where a program at the bench stands until an operator says what becomes of the next call.

    A ``primitive`` stands before each call of that name, a ``line`` before a call from that line of
    one program text, a ``status`` after a call that ended so (before the next, or the verifying).
    """

    number: int
    kind: BreakpointKind
    primitive: str = ""
    line: int = 0
    program: str = ""
    """sha256 of the text a line belongs to; empty means any."""
    status: Status | None = None


class CallPreview(Struct, frozen=True):
    """What a call that stands would do, planned without moving anything.

    ``status`` is what planning ends in: OK, or why the call would fail before it moves. Of several
    moves in one call the first is shown.
    """

    moves: bool
    status: Status = "OK"
    detail: str = ""
    target_xyz_m: tuple[float, float, float] | None = None
    target_wxyz: tuple[float, float, float, float] | None = None
    reach_m: float | None = None
    """From the arm's base to the target of the tool."""
    travel_m: float = 0.0
    """Way of the tool."""
    duration_s: float = 0.0
    joint: str = ""
    """The joint that turns most, by ``turn_rad`` from where it is."""
    turn_rad: float = 0.0
    width_m: float | None = None
    """Opening the fingers would be driven to, and with what force."""
    force_N: float = 0.0
    path: PlannedPath | None = None


class SeenThing(Struct, frozen=True):
    """An upright box as the cell's own cameras have it. ``sigma_m``: one standard deviation along
    the table. ``name`` is the task's, or ``seen 1``… for what no word of the task names."""

    name: str
    xyz_m: tuple[float, float, float]
    yaw_rad: float
    size_m: tuple[float, float, float]
    sigma_m: float
    cameras: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class SeenTable(Struct, frozen=True):
    """The table as a plane in the picture: height under the tool's workspace, tilt, residual."""

    camera: str
    z_m: float
    tilt_rad: float
    residual_m: float
    points: int


class SeenCell(Struct, frozen=True):
    """A cell as its sensors have it now. What was not seen is in ``absent``, in words."""

    cell_s: float
    q_rad: tuple[float, ...]
    width_m: float
    grip_force_N: float
    things: tuple[SeenThing, ...]
    table: SeenTable | None
    absent: tuple[str, ...]
    keyframes: tuple[Keyframe, ...] = ()


class DryCall(Struct, frozen=True):
    """One call of a dry run."""

    call: int
    primitive: str
    line: int
    status: Status
    summary: str
    duration_s: float


AGENT_UNCONFINED = "AGENT UNCONFINED"
"""Brands a session whose agent could have read more than its tools: no held-out evidence."""


class RunSpec(Struct, frozen=True):
    """What a session was started to do; written into its first event."""

    verb: Literal["run", "exec"]
    tasks: tuple[str, ...]
    cell: str
    agent: str
    seed: int
    attended: bool
    budget: Budget
    rounds: int = 3
    candidates: int = 4
    trials: int = 1
    retries: int = 1
    tier: str = ""
    skills: str = "default"
    program: str = ""
    program_path: str = ""
    noise: bool = True
    video_fps: float = 5.0
    workers: int = 2
    worker_pictures: WorkerPictures = "failed"
    speed: float = 1.0
    pace: float = 0.0
    """Trials in workers take their cell time at so many times wall time; 0: as fast as they go."""
    held_out: int | None = None
    sandbox_waived: bool = False
    dry_run: bool = False
    """Run the program in the stand-in from the cell's present state before anything else."""
    then_run: bool = False
    """After a dry run that ended in PASS, run it on the cell."""
    recorded: str = ""
    """Session and trial the program was taken from."""
    cell_file: str = ""
    """Where the cell was read from; a resumed run looks there when no cell has the name."""
    agent_options: dict[str, str] = {}
    until: str = ""
    """What ends the search as a success: ``K/N`` or ``row:N`` selection scenes; empty: all."""
    plateau: int = 3
    """Rounds without gain after which the search ends."""
    team: int = 1
    executor: str = "local"
    """``local`` or ``dask://HOST:PORT``."""
    perception: str = ""
    """Perception stack of programs (classical, server, vlm); empty: what the cell file says."""
    perception_model: str = ""
    """``PROVIDER:NAME`` that programs may ask about pictures; empty: none."""
    perception_model_url: str = ""
    experiment: str = ""
    """What is measured instead of improving a task: nothing of it is run on held-out scenes."""
    agent_at_large: str = ""
    """Why nothing keeps the agent from reading what it should not; empty when something does."""


def sha256_hex(data: bytes) -> str:
    """Content address used for blobs, programs and hashes of the evaluation."""
    return hashlib.sha256(data).hexdigest()
