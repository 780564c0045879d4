"""What the tools that only look answer: small, bounded, the same for every agent."""

from __future__ import annotations

import msgspec

from aspire_tui.domain import JSON, Status
from aspire_tui.improvement.tools import CallBrief


class JointBrief(msgspec.Struct, frozen=True):
    name: str
    lo_rad: float
    hi_rad: float
    vmax_rad_s: float


class ArmBrief(msgspec.Struct, frozen=True):
    """One arm: its joints and what its gripper can hold."""

    name: str
    joints: tuple[JointBrief, ...]
    gripper_open_m: float
    gripper_force_N: float


class CameraBrief(msgspec.Struct, frozen=True):
    name: str
    mount: str
    width: int
    height: int
    depth: bool


class CellBrief(msgspec.Struct, frozen=True):
    """The cell as its file describes it. Lengths in metres, robot base frame."""

    name: str
    kind: str
    arms: tuple[ArmBrief, ...]
    cameras: tuple[CameraBrief, ...]
    workspace_lo_m: tuple[float, float, float]
    workspace_hi_m: tuple[float, float, float]
    table_z_m: float
    brands: tuple[str, ...] = ()


class PrimitiveLine(msgspec.Struct, frozen=True):
    """One line of the reference: enough to know whether to open it."""

    name: str
    signature: str
    group: str
    moves: bool
    what: str


class PrimitivePage(msgspec.Struct, frozen=True):
    """One primitive in full."""

    name: str
    signature: str
    doc: str
    returns: str
    statuses: tuple[Status, ...]
    aliases: tuple[str, ...]


class SkillLine(msgspec.Struct, frozen=True):
    """One skill of the library; ``proof`` is counted, not claimed."""

    name: str
    description: str
    primitives: tuple[str, ...]
    statuses: tuple[Status, ...]
    proof: str


class SkillPage(msgspec.Struct, frozen=True):
    """One skill opened. ``text`` and ``sketch`` are data from whoever wrote the skill."""

    name: str
    description: str
    when: str
    text: str
    sketch: str
    parameters: dict[str, str]
    proof: str


class Picture(msgspec.Struct, frozen=True):
    """One picture a call used; ``data`` is base64 of a JPEG."""

    trial: int
    call: int
    camera: str
    overlay: bool
    width: int
    height: int
    media: str
    data: str


class Spliced(msgspec.Struct, frozen=True):
    """A program with a skill in it, not yet in the tree: ``draft`` opens it as it stands."""

    draft: str
    difference: tuple[str, ...]
    program: str


class Comparison(msgspec.Struct, frozen=True):
    """Where two trials part. ``at`` is the first call (same number) that differs; None: nowhere."""

    at: int | None
    why: str
    a: CallBrief | None
    b: CallBrief | None
    same: int
    """Calls before it that were the same."""


class Standing(msgspec.Struct, frozen=True):
    """One hypothesis on the leaderboard. Held-out results are not for agents."""

    hypothesis: int
    parent: int | None
    claim: str
    status: str
    reason: str
    dev: str
    """Passed of run, and the Wilson interval, e.g. ``7/12 (0.32 to 0.81)``."""
    selection: str
    lines: int


class ProposedSkill(msgspec.Struct, frozen=True):
    """Answer to a proposed skill: kept for the operator, or what is wrong with it."""

    kept: bool
    findings: tuple[str, ...] = ()


PERMIT_WITHIN_S = 120.0
"""Until what a hosted agent asks permission for is denied, where nobody says otherwise."""


class OperatorAnswer(msgspec.Struct, frozen=True):
    """What the operator said; TIMEOUT when nobody answered in time or nobody is there."""

    status: Status
    text: str = ""


class BudgetLeft(msgspec.Struct, frozen=True):
    """What is left of every limit; None where there is none."""

    trials: int | None
    minutes: float | None
    tokens: int | None
    cost_usd: float | None
    model_calls: int | None = None
    exhausted: str = ""


class Told(msgspec.Struct, frozen=True):
    """What the operator wrote to the agent since it last looked; oldest first."""

    messages: tuple[str, ...] = ()


Answer = JSON
"""An answer as plain JSON, ready to be shown."""
