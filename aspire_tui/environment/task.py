"""A task: instruction, start, goal, judging and seeds, all as data in one TOML file.

The task names *relations* (:mod:`aspire_tui.environment.relations`); code knows relations, never
tasks. A task file that ships nowhere runs like one that ships.
"""

from __future__ import annotations

from typing import Literal

from aspire_tui.domain import Struct

Shape = Literal["box", "cylinder", "sphere"]


class PartDef(Struct):
    """One primitive of a thing made of several: full extents, centre and yaw in its own frame."""

    shape: Shape
    size_m: tuple[float, float, float]
    xyz_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_rad: float = 0.0
    colour: str = ""
    """Empty has the colour of the thing."""


class RailDef(Struct):
    """How a thing runs on a rail along its own x; it starts pushed in."""

    reach_m: float
    handle: str
    """Colour of the part it is drawn by."""
    friction_N: float = 1.0


class Place(Struct):
    """Where one thing may stand, base frame, when that is not where the others may."""

    x_m: tuple[float, float]
    y_m: tuple[float, float]
    yaw_rad: tuple[float, float] = (0.0, 0.0)


Hold = Literal["free", "fixed", "printed"]
"""Lies there, is screwed to the table, or is paint on it."""


class ObjectDef(Struct):
    """One thing on the table. ``name`` is also the words a camera can find it by.

    A thing of several parts has its origin at half its height; parts are placed about it.
    """

    name: str
    shape: Shape
    size_m: tuple[float, float, float]
    """Full extents of the thing lying as it starts."""
    colour: str
    mass_kg: float = 0.08
    parts: tuple[PartDef, ...] = ()
    hold: Hold = "free"
    rail: RailDef | None = None
    mount: str = ""
    """Another thing whose place and yaw it shares."""
    place: Place | None = None
    friction: float = 0.6


class Relation(Struct):
    """One statement about objects: at the start, or to be made true."""

    relation: str
    object: str
    target: str = ""
    value_m: float | None = None
    share: float | None = None
    """A limit that is a share of something, 0..1."""


class SpillDef(Struct):
    """Something spilt on the table; cells of 1 cm, the low corner drawn in a rectangle."""

    colour: str
    columns: int
    rows: int
    x_m: tuple[float, float]
    y_m: tuple[float, float]
    wiper: str


class SubTask(Struct):
    """One step of a task that can be asked for and judged by itself."""

    name: str
    instruction: str
    goal: tuple[Relation, ...]


class Recalled(Struct):
    """Where one thing stood at the start of a past trial: its centre, base frame."""

    name: str
    xyz_m: tuple[float, float, float]
    yaw_rad: float


class Start(Struct):
    """How the reset draws a scene: a rectangle in the base frame, any yaw, a gap between things."""

    x_m: tuple[float, float]
    y_m: tuple[float, float]
    yaw_rad: tuple[float, float] = (-3.14159, 3.14159)
    gap_m: float = 0.03
    relations: tuple[Relation, ...] = ()
    attempts: int = 3
    by: Literal["stand-in", "arm", "operator"] = "stand-in"
    """Who sets the scene. ``arm``: the robot itself; what it cannot do is asked of a person."""
    region: str = ""
    """A region the cell was taught: things are set out there, instead of in the rectangle."""
    pose: str = ""
    """A start pose the cell was taught: the arm goes there before the program begins."""
    recalled: tuple[Recalled, ...] = ()
    """The start of a past trial, to be set again; what is in it is drawn no more."""
    recalled_from: str = ""
    base_x_m: tuple[float, float] | None = None
    """Where a base that drives starts, room frame; the rectangle above is then the room's too."""
    base_y_m: tuple[float, float] | None = None
    base_yaw_rad: tuple[float, float] = (0.0, 0.0)


class Distractors(Struct):
    """Other things on the table; never of a colour the task names."""

    count: tuple[int, int] = (0, 2)
    colours: tuple[str, ...] = ("blue", "purple", "yellow")
    size_m: tuple[float, float] = (0.025, 0.045)


class Criterion(Struct):
    """When a run may say PASS: held-out trials and the least lower bound of their interval."""

    held_out_n: int = 50
    min_lower_bound: float = 0.8
    dev_n: int = 12
    selection_n: int = 32


class Limits(Struct):
    """What one attempt may use: cell time for the whole program, calls."""

    wall_s: float = 120.0
    calls: int = 400
    cell_s: float = 120.0


class Labelled(Struct):
    """How a task's verifier did on ends that people labelled good or bad."""

    good_pass: int = 0
    good_other: int = 0
    bad_fail: int = 0
    bad_other: int = 0
    false_pass: int = 0
    """Of the bad ones, those it passed."""


class TaskDef(Struct):
    """A task as its file says it."""

    name: str
    instruction: str
    objects: tuple[ObjectDef, ...]
    start: Start
    goal: tuple[Relation, ...]
    api: str = "capx"
    cameras: tuple[str, ...] = ("scene", "wrist")
    distractors: Distractors = Distractors()
    criterion: Criterion = Criterion()
    limits: Limits = Limits()
    spill: SpillDef | None = None
    subtasks: tuple[SubTask, ...] = ()
    cells: tuple[str, ...] = ()
    """Cells it is for; empty is any with one arm."""
    in_scope: dict[str, str] = {}
    """Names a program finds beside its primitives, each the place of one object as the cameras saw
    it when the trial was ready: (3,) metres, in the room where the base drives."""
    labelled: Labelled | None = None
    """With a table the verifier counts only once it is full enough; shipped tasks have none."""

    def object(self, name: str) -> ObjectDef:
        for o in self.objects:
            if o.name == name:
                return o
        raise KeyError(name)
