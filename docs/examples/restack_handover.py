# First the stack is turned over by the second arm, then the hammer goes from the first arm to it.

DOWN = np.array([0.0, 0.0, 1.0, 0.0])
UP = np.array([0.0, 0.0, 0.12])


def grasp(name):
    """Take a cube with the second arm; what is held, and with which turn."""
    for attempt in range(3):
        position, quaternion = sample_grasp_pose(name)
        open_gripper_arm1()
        if goto_pose_arm1(position + UP, quaternion):
            try:
                position[:2] = look_at_object(name, camera="right_wrist")[0][:2]
            except PrimitiveError:
                pass
        held = goto_pose_arm1(position, quaternion, z_approach=0.1) and close_gripper_arm1()
        if held and goto_pose_arm1(position + UP, quaternion):
            return position, quaternion
        open_gripper_arm1()
        home_pose_arm1()
    raise PrimitiveError("EMPTY_GRASP", f"{name} was not held after 3 tries")


def place(held, quaternion, below, xy, surface):
    at = np.array([xy[0], xy[1], surface + held[2] - below + 0.003])
    goto_pose_arm1(at, quaternion, z_approach=0.08)
    open_gripper_arm1()
    goto_pose_arm1(at + UP, quaternion)
    home_pose_arm1()


blue, _, size = get_object_pose("blue cube", return_bbox_extent=True)
below = blue[2] - size[2] / 2
held, turned = grasp("blue cube")
place(held, turned, below, blue[:2] + np.array([0.0, 0.11]), 0.0)
blue, _, size = get_object_pose("blue cube", return_bbox_extent=True)
red, _, tall = get_object_pose("red cube", return_bbox_extent=True)
held, turned = grasp("red cube")
place(held, turned, red[2] - tall[2] / 2, blue[:2], blue[2] + size[2] / 2)

HAMMER = [[-0.015, 0.0, 0.23, 0.022], [0.115, 0.0, 0.03, 0.06]]
GRIP_Z = 0.017
MEET_Z = 0.20


def down(turn):
    return np.array([0.0, -np.sin(turn / 2), np.cos(turn / 2), 0.0])


pose = find_outline("green hammer", HAMMER, height_m=0.024)
along = np.array([np.cos(pose[2]), np.sin(pose[2])])
# Fingers close across the handle; it lies nearly along y, so the hand is turned by a quarter.
turn = pose[2]
turn = (turn + np.pi / 2) % np.pi - np.pi / 2
first = pose[:2] + 0.06 * along
open_gripper_arm0()
open_gripper_arm1()
goto_pose_arm0(np.array([first[0], first[1], GRIP_Z]), down(turn), z_approach=0.10)
close_gripper_arm0()
goto_pose_arm0(np.array([first[0], first[1], MEET_Z]), down(turn))
# To the middle, the handle straight along y towards the second arm.
side = np.sign(along[1])
meet = np.array([0.34, 0.10, MEET_Z])
straight = np.pi / 2 if turn > 0 else -np.pi / 2
goto_pose_arm0(meet, down(straight))
free_end = meet[:2] - 0.15 * np.array([0.0, side])
goto_pose_arm1(np.array([free_end[0], free_end[1], MEET_Z]), down(straight), z_approach=0.08)
close_gripper_arm1()
open_gripper_arm0()
goto_pose_arm0(meet + np.array([0.0, 0.0, 0.10]), down(straight))
home_pose_arm0()

RESULT = True
