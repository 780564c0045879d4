# Bring the green T onto the blue T printed on the table: hold its stem between the fingers and
# slide it over the table, then look again and correct.

UNIT = 0.03
T_SHAPE = [[1.5 * UNIT, 0.0, UNIT, 4 * UNIT], [-0.5 * UNIT, 0.0, 3 * UNIT, UNIT]]
TALL = 0.025
GRIP_Z = 0.017
FARTHEST_TURN = np.deg2rad(100)


def wrapped(angle):
    return (angle + np.pi) % (2 * np.pi) - np.pi


def down(turn):
    """The hand straight down, turned from its usual yaw."""
    return np.array([0.0, -np.sin(turn / 2), np.cos(turn / 2), 0.0])


def stem(pose):
    """Where to hold: on the stem, close to the middle of the T's weight."""
    return pose[:2] + 0.005 * np.array([np.cos(pose[2]), np.sin(pose[2])])


target = find_outline("blue target", T_SHAPE)
# The fingers pull the stem to their own middle, which is not quite where the camera saw it: what is
# left after a slide is aimed for beyond the target in the next one.
lead = np.zeros(2)
for attempt in range(5):
    block = find_outline("green block", T_SHAPE, height_m=TALL)
    off = float(np.hypot(*(block[:2] - target[:2])))
    turn = wrapped(target[2] - block[2])
    print(f"{1000 * off:.1f} mm and {np.rad2deg(turn):.1f} degrees off")
    if off < 0.003 and abs(turn) < np.deg2rad(2.5):
        break
    if attempt > 0 and off < 0.02:
        lead = lead + target[:2] - block[:2]
    # The fingers close across the stem; of the two ways round take the one the wrist can begin, and
    # of those the one it can finish: what is left of the turn is made in the next attempt.
    ways = [wrapped(block[2]), wrapped(block[2] + np.pi)]
    ways.sort(key=lambda a: (abs(a) > FARTHEST_TURN, max(abs(a), abs(a + turn))))
    for before in ways:
        open_gripper()
        start = stem(block)
        if goto_pose(np.array([start[0], start[1], GRIP_Z]), down(before), z_approach=0.08):
            break
    after = float(np.clip(before + turn, -FARTHEST_TURN, FARTHEST_TURN))
    goal = np.array([target[0] + lead[0], target[1] + lead[1], block[2] + after - before])
    end = stem(goal)
    if not close_gripper():
        open_gripper()
        home_pose()
        continue
    steps = 4
    for k in range(1, steps + 1):
        share = k / steps
        at = start + share * (end - start)
        move_linear(np.array([at[0], at[1], GRIP_Z]), down(before + share * (after - before)))
    open_gripper()
    move_linear(np.array([end[0], end[1], 0.12]))
    home_pose()

RESULT = True
