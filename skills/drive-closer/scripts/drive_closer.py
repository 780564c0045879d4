answer = {call}
closer_m = {closer_m}
for attempt in range({tries}):
    if answer:
        break
    here = get_robot_position()[0]
    away = np.array({grasp_pose}[0])[:2] - here[:2]
    step = closer_m * away / np.hypot(away[0], away[1])
    if not safe_navigate([here[0] + step[0], here[1] + step[1], np.arctan2(away[1], away[0])]):
        closer_m = closer_m / 2
        continue
    open_gripper()
    nearer = sample_grasp_pose({object_name})
    if nearer[1] is not None:
        answer = grasp_object(nearer[0][0], nearer[1][0], {object_name})
