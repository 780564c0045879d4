# Pick up the red cube and hold it at least 4 cm above the table: looks closer before it grasps.

DOWN = np.array([0.0, 0.0, 1.0, 0.0])
ABOVE = np.array([0.0, 0.0, 0.12])


def grasp(name):
    """Hold a thing: from afar to above it, by a closer look onto it; once more when that failed."""
    for attempt in range(3):
        position, quaternion = sample_grasp_pose(name)
        open_gripper()
        goto_pose(position + ABOVE, quaternion)
        try:
            near = look_at_object(name, camera="wrist")[0]
            position[:2] = near[:2]
        except PrimitiveError:
            pass
        held = goto_pose(position, quaternion, z_approach=0.1) and close_gripper()
        if held and goto_pose(position + ABOVE, quaternion):
            return position, quaternion
        open_gripper()
        goto_pose(position + ABOVE, quaternion)
        home_pose()
    raise PrimitiveError("EMPTY_GRASP", f"{name} was not held after 3 tries")


grasp("red cube")

RESULT = True
