# Drive to the desk, pick up the orange radio and hold it at least 4 cm above the desk.
# `radio_pos` is in scope: where the head camera saw the radio when the trial was ready.

# straight to the radio: its place lies inside the desk's buffer
navigate_to_pose([radio_pos[0], radio_pos[1], 0.0])

# from which side is it within reach?
for angle in (180, -90, 90, -45, 45):
    x = radio_pos[0] + 0.7 * np.cos(np.deg2rad(angle))
    y = radio_pos[1] + 0.7 * np.sin(np.deg2rad(angle))
    yaw = np.arctan2(radio_pos[1] - y, radio_pos[0] - x)
    if safe_navigate([x, y, yaw], f"ang_{angle}") and dist_to(radio_pos[:2]) < 0.8:
        break


def in_room(point):
    """A point of the base's own frame in the room."""
    position, _, yaw = get_robot_position()
    c, s = np.cos(yaw), np.sin(yaw)
    x, y = c * point[0] - s * point[1], s * point[0] + c * point[1]
    return np.array([position[0] + x, position[1] + y])


# pick it up: the head camera is far away, so the hand's own camera has the last word
held = False
for attempt in range(4):
    open_gripper()
    pregrasps, grasps = sample_grasp_pose("orange radio")
    if grasps is None:
        lift_arm()
        continue
    at, turn = grasps[attempt % 2]
    if move_hand((at + np.array([0.0, 0.0, 0.10 - 0.01 * attempt]), turn)):
        try:
            near = in_room(look_at_object("orange radio", camera="wrist")[0])
            if np.hypot(*(near - at[:2])) < 0.05:
                at = np.array([*near, at[2]])
        except PrimitiveError:
            pass
    grasp_object((at + np.array([0.0, 0.0, 0.055]), turn), (at, turn), "orange radio")
    held = check_object_in_hand()
    if not lift_arm() and not held:
        # A finger stands on it: let go of the edge.
        close_gripper()
        open_gripper()
        lift_arm()
    if held and check_object_in_hand():
        break
RESULT = check_object_in_hand()
