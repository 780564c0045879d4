"""What a canary runs: a program that holds on one scene for as long as the world is the same."""

from __future__ import annotations

from typing import Final, NamedTuple

from aspire_tui.environment.task import ObjectDef, Relation, Start, TaskDef
from drivers.types import CellInfo

CUBE: Final = ObjectDef("red cube", "box", (0.063, 0.063, 0.063), "red")


class KnownGood(NamedTuple):
    """A task and a program that does it."""

    task: TaskDef
    program: str


STANDING: Final = KnownGood(
    # In the middle of where any arm of ours works; fitted to smaller arms like all tasks.
    TaskDef(
        name="canary",
        instruction="Lift the red cube.",
        objects=(CUBE,),
        start=Start((0.28, 0.40), (-0.12, 0.12)),
        goal=(Relation("lifted", "red cube", value_m=0.04),),
    ),
    """\
# A pick that looks twice: it holds on this scene for as long as the world is the same.
position, quaternion = sample_grasp_pose("red cube")
open_gripper()
goto_pose(position + np.array([0.0, 0.0, 0.12]), quaternion)
seen = look_at_object("red cube")[0]
position[0] = seen[0]
position[1] = seen[1]
goto_pose(position, quaternion, z_approach=0.06)
close_gripper()
goto_pose(position + np.array([0.0, 0.0, 0.12]), quaternion)
RESULT = True
""",
)

DRIVING: Final = KnownGood(
    # On the desk of cell mobile, room frame, within reach from its free side.
    TaskDef(
        name="canary",
        instruction="Drive to the desk and pick up the red cube.",
        api="r1pro",
        cameras=("head",),
        objects=(CUBE,),
        start=Start(
            (0.90, 1.00),
            (-0.20, 0.20),
            base_x_m=(-0.9, -0.7),
            base_y_m=(-0.2, 0.1),
            base_yaw_rad=(-0.1, 0.1),
        ),
        goal=(Relation("carried", "red cube", value_m=0.04),),
        in_scope={"cube_pos": "red cube"},
    ),
    """\
# A drive and a pick: it holds on this scene for as long as the world is the same.
navigate_to_pose([cube_pos[0] - 0.7, cube_pos[1], 0.0])
open_gripper()
pregrasps, grasps = sample_grasp_pose("red cube")
grasp_object(pregrasps[0], grasps[0], "red cube")
lift_arm()
RESULT = True
""",
)


def known_good(cell: CellInfo) -> KnownGood:
    """For an arm that stands, or one that is driven."""
    return STANDING if cell.base is None else DRIVING
