# The first arm takes the hammer by the upper part of its handle, brings it to the middle; the second
# arm takes the handle's free end, the first lets go and draws back.

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
