answer = {call}
for attempt in range({tries}):
    if answer:
        break
    open_gripper()
    home_pose()
    position, quaternion = sample_grasp_pose({object_name})
    goto_pose(position + np.array([0.0, 0.0, 0.12]), quaternion)
    seen = look_at_object({object_name})[0]
    goto_pose(np.array([seen[0], seen[1], position[2]]), quaternion, z_approach=0.06)
    close_gripper()
    answer = {call}
