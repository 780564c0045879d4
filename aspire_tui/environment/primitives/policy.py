"""``run_policy``: a learned policy behind a server, as one line of a program.

Its actions go through planning and the driver's limits like any move: what it may not do ends the
call with a status. Which servers there are, and whose wire they speak, stands in the cell file.
"""

from __future__ import annotations

from typing import Annotated, Final

import numpy as np

from aspire_tui.domain import Evidence, Keyframe, Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.lerobot import LeRobot
from aspire_tui.environment.motion.execution import execute, prepare, refused
from aspire_tui.environment.motion.path import polyline
from aspire_tui.environment.motion.planner import Plan
from aspire_tui.environment.motion.pose import FloatArray
from aspire_tui.environment.motion.reach import outside
from aspire_tui.environment.motion.survey import planner
from aspire_tui.environment.openpi import OpenPi, PolicyDown, WrongAnswer
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives import gripper
from aspire_tui.environment.primitives.arguments import Key, Prompt, number_between
from aspire_tui.environment.primitives.motion import MOTION
from aspire_tui.environment.primitives.perception import fixed_camera, hand_camera
from aspire_tui.environment.primitives.registry import Primitive, primitive
from drivers.types import PolicySection

GRIP_STEP: Final = 0.1
"""An opening that changes by less than this is left as it is."""

Duration = Annotated[float, number_between(0.1, 300.0, "seconds")]


@primitive(
    group="motion",
    statuses=("FAULT", "INVALID", *MOTION),
    returns="MotionResult of the last stretch, truthy when the time was used up without trouble",
    moves=True,
    tiers=(),
    profiles=("capx", "libero", "robosuite"),
    example='run_policy("pi0", "pick up the red cube", 0.5)',
)
def run_policy(
    bench: Workbench, name: Key, instruction: Prompt, seconds: Duration
) -> PrimitiveOutcome:
    """Let a policy server lead the arm for some seconds of cell time.

    Again and again it is given both cameras' pictures, the joints and the instruction, and gives a
    chunk of joint targets with openings; the chunk is made at the arm's own limits. A chunk that
    leaves the joints' ranges or the workspace is LIMIT, one that would touch something COLLISION;
    no server of that name, or none that answers, FAULT; an answer of another shape INVALID.
    """
    section = next((p for p in bench.cell.info.policies if p.name == name), None)
    if section is None:
        known = ", ".join(p.name for p in bench.cell.info.policies) or "none"
        return refused(bench, "FAULT", f"no policy server is called {name!r}; there are: {known}")
    ends_s = bench.cell.now_s() + seconds
    frames: list[Keyframe] = []
    chunks, last = 0, refused(bench, "OK", "nothing was asked yet")
    try:
        with _server(section, bench) as server:
            while bench.cell.now_s() < ends_s:
                rows = server.actions(_observation(bench, instruction, frames))
                chunks += 1
                last = _carry_out(bench, rows)
                if last.status != "OK":
                    return _told(last, last.status, f"chunk {chunks}: {last.summary}", frames)
    except PolicyDown as down:
        return _told(refused(bench, "FAULT", str(down)), "FAULT", str(down), frames)
    except WrongAnswer as wrong:
        return _told(refused(bench, "INVALID", str(wrong)), "INVALID", str(wrong), frames)
    return _told(last, "OK", f"{chunks} chunks in {seconds:g} s; {last.summary}", frames)


def _server(section: PolicySection, bench: Workbench) -> OpenPi | LeRobot:
    if section.wire == "lerobot":
        return LeRobot(section, [joint.name for joint in bench.arm.joints])
    return OpenPi(section.address)


def _observation(bench: Workbench, instruction: str, frames: list[Keyframe]) -> dict[str, object]:
    """What openpi servers for one arm are asked with."""
    out: dict[str, object] = {"prompt": instruction}
    names = {
        "observation/image": fixed_camera(bench),
        "observation/wrist_image": hand_camera(bench),
    }
    for key, camera in names.items():
        if camera is not None:
            view = bench.look(camera)
            frames.append(bench.evidence.keyframe(view))
            out[key] = view.rgb
    opening = bench.width_m() / bench.arm.gripper.open_width_m
    out["observation/state"] = np.append(bench.joints(), opening).astype(np.float32)
    return out


def _carry_out(bench: Workbench, rows: FloatArray) -> PrimitiveOutcome:
    n = bench.kinematics.n
    if rows.shape[1] not in (n, n + 1):
        raise WrongAnswer(f"actions have {rows.shape[1]} columns, this arm takes {n} or {n + 1}")
    joints = rows[:, :n]
    for q in joints:
        if not bench.kinematics.within_limits(q):
            return refused(bench, "LIMIT", "a joint target is beyond the arm's range")
        if why := outside(bench, bench.kinematics.tool_pose(q)[:3, 3]):
            return refused(bench, "LIMIT", why)
    T = bench.kinematics.tool_pose(joints[-1])
    q_start = bench.joints_commanded()
    vmax = np.array([j.vmax_rad_s for j in bench.arm.joints])
    legs = polyline(np.vstack((q_start, joints)), vmax, rounded=True)
    scene = planner(bench, T)
    scene.world.forgive(q_start)
    dense = np.concatenate([q_start[None], *(leg.samples(0.02) for leg in legs)])
    roam = scene.roam(q_start, joints[-1])
    trouble = next((w for q in dense if (w := scene.blocked(q, roam, True))), "")
    status: Status = "COLLISION" if trouble else "OK"
    detail = f"{trouble} would touch" if trouble else ""
    plan = Plan(status, detail, () if trouble else legs, dense, "policy", status)
    moved = execute(bench, prepare(bench, plan, T))
    if moved.status == "OK" and rows.shape[1] == n + 1:
        return _grip(bench, float(np.clip(rows[-1, n], 0.0, 1.0)), moved)
    return moved


def _grip(bench: Workbench, opening: float, moved: PrimitiveOutcome) -> PrimitiveOutcome:
    spec = bench.arm.gripper
    now = bench.width_m() / spec.open_width_m
    if abs(opening - now) < GRIP_STEP or (bench.holding is not None and opening < now):
        return moved
    width = spec.closed_width_m + opening * (spec.open_width_m - spec.closed_width_m)
    gripped = gripper.to_width(bench, width, 0.5 * spec.max_force_N)
    if gripped.status in ("OK", "EMPTY_GRASP"):
        return moved
    return refused(bench, gripped.status, gripped.summary)


def _told(
    outcome: PrimitiveOutcome, status: Status, summary: str, frames: list[Keyframe]
) -> PrimitiveOutcome:
    evidence = Evidence(keyframes=tuple(frames[-8:]), path=outcome.evidence.path)
    return PrimitiveOutcome(
        status, outcome.value, summary, error_m=outcome.error_m, evidence=evidence
    )


PRIMITIVES: tuple[Primitive, ...] = (run_policy,)
