# Lift the pot by both handles: each hand over its bar from above, close both, rise together.

# What is red of it: the body and the four arms of its handles.
POT = [
    [0.0, 0.0, 0.12, 0.14],
    [0.036, 0.098, 0.012, 0.06],
    [-0.036, 0.098, 0.012, 0.06],
    [0.036, -0.098, 0.012, 0.06],
    [-0.036, -0.098, 0.012, 0.06],
]
BAR = 0.132
GRIP_Z = 0.055
RISE = 0.16


def down(turn):
    return np.array([0.0, -np.sin(turn / 2), np.cos(turn / 2), 0.0])


pot = find_outline("red pot", POT, height_m=0.07)
turn = (pot[2] + np.pi / 2) % np.pi - np.pi / 2
across = np.array([-np.sin(turn), np.cos(turn)])
left, right = pot[:2] + BAR * across, pot[:2] - BAR * across
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
