# Put the green nut over the blue peg: hold it by its handle, bring the hole over the peg, lower it
# until it meets the table, let go.

NUT = [
    [0.0285, 0.0, 0.013, 0.07],
    [-0.0285, 0.0, 0.013, 0.07],
    [0.0, 0.0285, 0.044, 0.013],
    [0.0, -0.0285, 0.044, 0.013],
    [0.06, 0.0, 0.05, 0.024],
]
PEG = [[0.0, 0.0, 0.022, 0.022]]
HANDLE = 0.062
GRIP_Z = 0.017


def wrapped(angle):
    return (angle + np.pi) % (2 * np.pi) - np.pi


def down(turn):
    return np.array([0.0, -np.sin(turn / 2), np.cos(turn / 2), 0.0])


def handle_at(pose):
    return pose[:2] + HANDLE * np.array([np.cos(pose[2]), np.sin(pose[2])])


peg = find_outline("blue peg", PEG, height_m=0.05)
for attempt in range(4):
    nut = find_outline("green nut", NUT, height_m=0.022)
    # Any yaw fits over the peg: keep the nut's own, or the nearest the wrist can turn to.
    ways = [wrapped(nut[2]), wrapped(nut[2] + np.pi)]
    turn = min(ways, key=abs)
    at = handle_at(nut)
    open_gripper()
    goto_pose(np.array([at[0], at[1], GRIP_Z]), down(turn), z_approach=0.08)
    if not close_gripper():
        open_gripper()
        home_pose()
        continue
    move_linear(np.array([at[0], at[1], 0.13]), down(turn))
    # Where is the hole now? The fingers have pulled the handle to their middle.
    end = handle_at(np.array([peg[0], peg[1], nut[2]]))
    goto_pose(np.array([end[0], end[1], 0.13]), down(turn))
    held = None
    try:
        held = find_outline("green nut", NUT, height_m=0.022, base_m=0.13 - GRIP_Z)
    except PrimitiveError:
        pass
    if held is not None and np.hypot(*(held[:2] - peg[:2])) < 0.03:
        end = end + peg[:2] - held[:2]
        move_linear(np.array([end[0], end[1], 0.13]), down(turn))
    move_until_contact([0.0, 0.0, -1.0], 0.13 - GRIP_Z - 0.001, speed=0.06)
    open_gripper()
    move_linear(np.array([end[0], end[1], 0.14]), down(turn))
    home_pose()
    try:
        nut = find_outline("green nut", NUT, height_m=0.022)
    except PrimitiveError:
        continue
    if np.hypot(*(nut[:2] - peg[:2])) < 0.015:
        break

RESULT = True
