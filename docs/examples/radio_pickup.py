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

# pick it up
pregrasps, grasps = sample_grasp_pose("orange radio")
for pregrasp, grasp in zip(pregrasps, grasps, strict=True):
    grasp_object(pregrasp, grasp, "orange radio")
    if check_object_in_hand():
        break
lift_arm()
RESULT = check_object_in_hand()
