"""``cell teach``: show the arm poses and places by hand or in finite steps; kept in its file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from aspire_tui.commands.context import Context
from aspire_tui.commands.jobs import cell_named
from aspire_tui.errors import ConfigError

if TYPE_CHECKING:
    from aspire_tui.commands.bench_arm import BenchArm
    from aspire_tui.commands.bringup import Bringup
    from drivers.taught import Taught, TaughtKind, Xyz

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
GUIDE_S: Final = 120.0
DIGITS: Final = 6
"""Of radians and metres in a cell file."""
STEPS: Final = """   x+10 y-5 z+20  tool along an axis, mm      JOINT+5 JOINT-5  one joint, degrees
   guide          move it by hand, Enter holds    ok  keep it      q  leave"""


def teach(
    ctx: typer.Context,
    cell: Annotated[str, typer.Argument(help="Cell by name or file.")],
    what: Annotated[
        str, typer.Argument(help="home, rest, box, start:NAME or region:NAME; empty: list them.")
    ] = "",
    arm: Annotated[str, typer.Option(help="Which arm, in a cell of several.")] = "",
    camera: Annotated[
        str, typer.Option(help="Draw a region on this camera's picture; nothing moves.")
    ] = "",
) -> None:
    """Teach home, rest and start poses, the workspace's corners, goal regions."""
    from aspire_tui.commands.bringup import Bringup, require_own
    from aspire_tui.commands.person import Person
    from drivers.cameras.calibration.board import BoardSpec

    context = Context.of(ctx)
    path, file = cell_named(cell, context.workspace)
    if not what:
        _list(file.taught)
        return
    kind, name = _meant(what)
    require_own(path)
    if camera:
        from aspire_tui.commands.region_drawn import draw_region

        if kind != "region":
            raise ConfigError(f"--camera: only a region is drawn, {what} is shown with the arm")
        draw_region(path, file, camera, name, context.who())
        return
    names = [a.name for a in file.info.arms]
    if arm and arm not in names:
        raise ConfigError(f"--arm {arm}: {file.info.name} has {', '.join(names)}")
    if not arm and len(names) > 1:
        raise ConfigError(f"--arm: which of {', '.join(names)}?")
    bringup = Bringup(path, file, Person(), context.who(), BoardSpec(), 0, arm or names[0])
    with bringup.served() as bench:
        if kind in ("box", "region"):
            _teach_place(bringup, bench, kind, name)
        else:
            _teach_pose(bringup, bench, kind, name)


def _meant(what: str) -> tuple[TaughtKind, str]:
    """Raises ConfigError for anything that cannot be taught."""
    kind, _, name = what.partition(":")
    match kind, name:
        case (("home" | "rest" | "box"), ""):
            return kind, kind
        case (("start" | "region"), _) if NAME.fullmatch(name):
            if name in ("home", "rest", "box"):
                raise ConfigError(f"{what}: {name} is taught as `{name}`")
            return kind, name
    raise ConfigError(f"{what}: expected home, rest, box, start:NAME or region:NAME")


def _teach_pose(bringup: Bringup, bench: BenchArm, kind: TaughtKind, name: str) -> None:
    from aspire_tui.commands.bringup import now_text
    from drivers.celledit import CellText
    from drivers.taught import Taught

    if not _lead(bringup, bench, f"Lead {bench.spec.name} to its {kind} pose"):
        return
    q = tuple(round(v, DIGITS) for v in bench.q().tolist())
    for joint, angle in zip(bench.spec.joints, q, strict=True):
        if not joint.lo_rad <= angle <= joint.hi_rad:
            raise ConfigError(f"{joint.name} is beyond its range there; nothing was written")
    text = CellText(bringup.path)
    if kind in ("home", "rest"):
        text.joints(bench.spec.name, f"{kind}_rad", q)
    text.taught(name, Taught(kind, bench.spec.name, now_text(), bringup.who, q_rad=q))
    text.save()
    _said(bringup, f"{name}: {', '.join(f'{math.degrees(v):.1f}°' for v in q)}")


def _teach_place(bringup: Bringup, bench: BenchArm, kind: TaughtKind, name: str) -> None:
    from aspire_tui.commands.bringup import now_text
    from drivers.celledit import CellText
    from drivers.taught import Taught, box_of, inside

    points: list[Xyz] = []
    wanted = (
        ("the lowest corner of the box", "the corner diagonally opposite, at the top")
        if kind == "box"
        else ("one corner of the region", "the corner diagonally opposite")
    )
    for corner in wanted:
        if not _lead(bringup, bench, f"Lead the tool point to {corner}"):
            return
        x, y, z = bench.kinematics.tool_pose(bench.q())[:3, 3].tolist()
        points.append((round(x, DIGITS), round(y, DIGITS), round(z, DIGITS)))
        bringup.person.say(f"   {1e3 * x:.0f}, {1e3 * y:.0f}, {1e3 * z:.0f} mm")
    text = CellText(bringup.path)
    if kind == "box":
        try:
            lo, hi = box_of(points)
        except ValueError as error:
            raise ConfigError(f"{error}; nothing was written") from None
        text.workspace(lo, hi)
    elif not all(inside(p, bringup.cell.info.workspace) for p in points):
        raise ConfigError("the region leaves the workspace box; nothing was written")
    record = Taught(kind, bench.spec.name, now_text(), bringup.who, points_m=tuple(points))
    text.taught(name, record)
    text.save()
    _said(bringup, name)


def _said(bringup: Bringup, what: str) -> None:
    bringup.person.say(f"written to {bringup.path}: {what}")
    bringup.person.say(
        f"it counts from the next start: aspire-tui cell shutdown {bringup.cell.info.name}"
    )


def _lead(bringup: Bringup, bench: BenchArm, task: str) -> bool:
    """Let the person lead the arm until they are content. False: they left."""
    from drivers.errors import CellRefused

    person = bringup.person
    person.say(f"{task}.")
    person.say(STEPS)
    while True:
        typed = person.ask("   step").replace(" ", "").lower()
        if typed == "q":
            person.say("nothing was written")
            return False
        if typed == "ok":
            return True
        try:
            if typed == "guide":
                _guide(bringup, bench)
            else:
                _step(bench, typed)
        except CellRefused as refused:
            person.say(f"   {refused.text}")
            bench.make_ready()
            continue
        x, y, z = 1e3 * bench.kinematics.tool_pose(bench.q())[:3, 3]
        person.say(f"   tool at {x:.0f}, {y:.0f}, {z:.0f} mm")


def _guide(bringup: Bringup, bench: BenchArm) -> None:
    person = bringup.person
    person.confirm("   The arm will not hold itself: support it", "guide")
    bench.client.hand_guide(bench.spec.name, GUIDE_S, bringup.who)
    person.ask("   Move it by hand, then hold still. Enter")
    bench.client.hand_guide(bench.spec.name, 0.0, bringup.who)
    bench.make_ready()


def _step(bench: BenchArm, typed: str) -> None:
    """One finite step as typed. Raises CellRefused for what is none."""
    from drivers.errors import CellRefused

    found = re.fullmatch(r"([a-z_0-9]*[a-z_])([+-]\d+(?:\.\d+)?)", typed)
    if found is None:
        raise CellRefused("no_step", f"{typed!r} is no step, e.g. z+10 or wrist_roll-5")
    what, size = found.group(1), float(found.group(2))
    if what in ("x", "y", "z"):
        bench.jog_tool(what, 1e-3 * size)
    else:
        bench.jog_joint(what, math.radians(size))


def _list(taught: Mapping[str, Taught]) -> None:
    if not taught:
        typer.echo("nothing was taught; home, rest and box are as the file was written")
    for name, entry in taught.items():
        typer.echo(f"{name:16} {entry.kind:8} {entry.arm:8} {entry.at}  {entry.who}")
