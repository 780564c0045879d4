# Drawer open, can in, drawer shut.

BAR = [[0.0, 0.0, 0.010, 0.08]]
DOWN = np.array([0.0, 0.0, 1.0, 0.0])
# A quarter turn: the closed fingers are narrower that way.
TURNED = np.array([0.0, -np.sqrt(0.5), np.sqrt(0.5), 0.0])
HANDLE_TO_TRAY = 0.118
PULL = 0.10
HOOK_Z = 0.045


def handle():
    return find_outline("orange handle", BAR, height_m=0.012, base_m=0.042)


# Open: the closed fingers behind the bar, then back.
bar = handle()
set_gripper(0.0)
goto_pose(np.array([bar[0], bar[1] - 0.026, 0.14]), TURNED)
move_linear(np.array([bar[0], bar[1] - 0.026, HOOK_Z]), TURNED)
move_linear(np.array([bar[0], bar[1] - 0.026 + PULL + 0.02, HOOK_Z]), TURNED)
move_linear(np.array([bar[0], bar[1] - 0.036 + PULL + 0.02, HOOK_Z]), TURNED)
move_linear(np.array([bar[0], bar[1] - 0.036 + PULL + 0.02, 0.16]), TURNED)
home_pose()

# The can, held high enough that the fingers stay above the tray's floor.
opened = handle()
can, _, size = get_object_pose("green can", return_bbox_extent=True)
open_gripper()
goto_pose(np.array([can[0], can[1], 0.20]), DOWN)
try:
    can, _, size = look_at_object("green can", camera="wrist")
except PrimitiveError:
    pass
grip = np.array([can[0], can[1], can[2] + size[2] / 2 - 0.016])
goto_pose(grip, DOWN, z_approach=0.08)
close_gripper()
goto_pose(grip + np.array([0.0, 0.0, 0.12]), DOWN)
tray = np.array([opened[0], opened[1] - HANDLE_TO_TRAY + 0.004])
goto_pose(np.array([tray[0], tray[1], 0.16]), DOWN)
move_until_contact([0.0, 0.0, -1.0], 0.16 - grip[2] - 0.010, speed=0.06)
open_gripper()
goto_pose(np.array([tray[0], tray[1], 0.16]), DOWN)

# Shut: push the bar from the front with closed fingers until it stops.
set_gripper(0.0)
front = opened[1] + 0.05
goto_pose(np.array([opened[0], front, 0.14]), TURNED)
move_linear(np.array([opened[0], front, HOOK_Z]), TURNED)
move_until_contact([0.0, -1.0, 0.0], 0.05 + PULL + 0.02, speed=0.08)
tool = get_observation()["robot_cartesian_pos"]
move_linear(np.array([tool[0], tool[1] + 0.01, HOOK_Z]), TURNED)
move_linear(np.array([tool[0], tool[1] + 0.01, 0.16]), TURNED)
home_pose()

RESULT = True
