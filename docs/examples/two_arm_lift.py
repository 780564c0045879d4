# Lift the pot by both handles: each hand over its bar from above, close both, rise together.

POT = [[0.0, 0.0, 0.12, 0.14], [0.0, 0.132, 0.06, 0.014], [0.0, -0.132, 0.06, 0.014]]
BAR = 0.132
GRIP_Z = 0.055
RISE = 0.16


def down(turn):
    return np.array([0.0, -np.sin(turn / 2), np.cos(turn / 2), 0.0])


pot = find_outline("red pot", POT[:1], height_m=0.07)
# The body looks the same every half turn and nearly so every quarter: the bars say which way it is.
bars = find_outline("blue handles", POT[1:], height_m=0.016, base_m=0.047)
turn = (bars[2] + np.pi / 2) % np.pi - np.pi / 2
across = np.array([-np.sin(turn), np.cos(turn)])
left, right = bars[:2] + BAR * across, bars[:2] - BAR * across
hand = down(turn)
open_gripper_arm0()
open_gripper_arm1()
goto_pose_arm0(np.array([left[0], left[1], GRIP_Z]), hand, z_approach=0.10)
goto_pose_arm1(np.array([right[0], right[1], GRIP_Z]), hand, z_approach=0.10)
close_gripper_arm0()
close_gripper_arm1()
p0, q0 = get_arm0_gripper_pose()
p1, q1 = get_arm1_gripper_pose()
up = np.array([0.0, 0.0, RISE])
goto_pose_both(p0 + up, q0, p1 + up, q1)

RESULT = True
