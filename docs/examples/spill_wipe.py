# Wipe the blue spill: find its extent by its colour, hold the sponge, go over it in strips that
# overlap, look, and go over what is left.

TOUCH = 0.0
CLEAR = 0.05
PITCH = 0.03


def spill_extent():
    """Corners of what is spilt, from the fixed camera; None when nothing is left."""
    obs = get_observation()["robot0_robotview"]
    rgb = obs["images"]["rgb"].astype(float)
    blue = (rgb[..., 2] > 1.4 * rgb[..., 0]) & (rgb[..., 2] > 1.4 * rgb[..., 1])
    points = mask_to_world_points(blue, obs["images"]["depth"], obs["intrinsics"], obs["pose_mat"])
    points = points[np.abs(points[:, 2]) < 0.02]
    if len(points) < 15:
        return None
    return np.quantile(points[:, :2], 0.01, axis=0), np.quantile(points[:, :2], 0.99, axis=0)


sponge, _, size = get_object_pose("yellow sponge", return_bbox_extent=True)
extent = spill_extent()
grasp, quaternion = sample_grasp_pose("yellow sponge")
open_gripper()
goto_pose(grasp, quaternion, z_approach=0.08)
close_gripper()
# The hand's height when the sponge stands on the table: where it is now, pressed by a millimetre.
wiping = float(grasp[2]) - 0.0015
goto_pose(np.array([grasp[0], grasp[1], wiping + CLEAR]), quaternion)
half = np.array([0.018, 0.018])
for sweep in range(3):
    if extent is None:
        break
    lo, hi = extent
    lines = np.arange(lo[1], hi[1] + PITCH, PITCH)
    goto_pose(np.array([lo[0] - 0.005, lines[0], wiping + CLEAR]), quaternion)
    forward = True
    for y in lines:
        ends = (lo[0] - 0.005, hi[0] + 0.005) if forward else (hi[0] + 0.005, lo[0] - 0.005)
        move_linear(np.array([ends[0], y, wiping]), quaternion)
        move_linear(np.array([ends[1], y, wiping]), quaternion)
        forward = not forward
    last = np.array([ends[1], y, wiping + CLEAR])
    move_linear(last, quaternion)
    goto_pose(np.array([grasp[0], grasp[1], wiping + CLEAR]), quaternion)
    extent = spill_extent()

goto_pose(np.array([grasp[0], grasp[1], wiping + 0.004]), quaternion)
open_gripper()
move_linear(np.array([grasp[0], grasp[1], 0.15]))
home_pose()

RESULT = True
