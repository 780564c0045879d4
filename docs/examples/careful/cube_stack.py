# Put the red cube on top of the green cube and let go: looks closer at both before it touches one.

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


def place(name, held, quaternion, xy, surface, below):
    """Set what is held down on a surface at xy, its own height in the hand taken into account."""
    in_hand = held[2] - below
    at = np.array([xy[0], xy[1], surface + in_hand + 0.003])
    goto_pose(at, quaternion, z_approach=0.1)
    open_gripper()
    goto_pose(at + np.array([0.0, 0.0, 0.1]), quaternion)
    home_pose()


def over(name):
    """Middle of a thing's top as the camera on the hand sees it from above it, and its bottom."""
    position, _, size = get_object_pose(name, return_bbox_extent=True)
    top, bottom = position[2] + size[2] / 2, position[2] - size[2] / 2
    if goto_pose(np.array([position[0], position[1], top + 0.15]), DOWN):
        try:
            near = look_at_object(name, camera="wrist")[0]
            position[:2] = near[:2]
        except PrimitiveError:
            pass
    return position[:2], top, bottom


xy, top, _ = over("green cube")
_, _, low = over("red cube")
held, quaternion = grasp("red cube")
place("red cube", held, quaternion, xy, top, low)

RESULT = True
