# Open the blue drawer on the bench with two arms: the right one stands before it. As drawer_open.py, with
# names that say which arm, and the camera of that hand.

BAR = [[0.0, 0.0, 0.010, 0.08]]
FRONT = np.array([0.0, 1.0])
BEHIND = 0.026
PULL = 0.10
LOW, HIGH = 0.045, 0.15
# A quarter turn: the closed fingers are narrower that way.
TURN = np.array([0.0, -np.sqrt(0.5), np.sqrt(0.5), 0.0])


def bar_by(camera):
    """Middle of the handle's bar, or None where this camera does not see it whole."""
    try:
        return find_outline("orange handle", BAR, height_m=0.012, base_m=0.042, camera=camera)[:2]
    except PrimitiveError:
        return None


start = bar_by("scene")
for behind in (BEHIND, BEHIND - 0.008, BEHIND + 0.006, BEHIND - 0.004):
    set_gripper_arm1(0.0)
    bar = start
    if not goto_pose_arm1(np.array([start[0], start[1] - 0.01, HIGH]), TURN):
        get_observation()
        home_pose()
        continue
    near = bar_by("right_wrist")
    if near is not None and np.hypot(*(near - start)) < 0.03:
        bar = near
    hook = bar - behind * FRONT
    goto_pose_arm1(np.array([hook[0], hook[1], HIGH]), TURN)
    if not move_linear_arm1(np.array([hook[0], hook[1], LOW]), TURN):
        move_linear_arm1(np.array([hook[0], hook[1], HIGH]), TURN)
        home_pose()
        continue
    end = bar + PULL * FRONT
    pulled = move_linear_arm1(np.array([hook[0], end[1], LOW]), TURN)
    # Near the rail's end the arm gives before the drawer does: how far it came is what counts.
    back = np.array([hook[0], pulled.reached_xyz_m[1]]) - 0.008 * FRONT
    if pulled or back[1] - hook[1] > 0.09:
        move_linear_arm1(np.array([hook[0], back[1], LOW]), TURN)
        move_linear_arm1(np.array([hook[0], back[1], HIGH]), TURN)
        home_pose()
        break
    get_observation()
    move_linear_arm1(np.array([hook[0], hook[1], HIGH]), TURN)
    home_pose()
    start = bar_by("scene")

RESULT = True
