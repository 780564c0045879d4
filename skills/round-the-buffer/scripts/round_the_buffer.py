answer = {call}
if not answer:
    goal = np.array({pose_2d})
    for angle in (180, -90, 90, -45, 45):
        x = goal[0] + {stand_off_m} * np.cos(np.deg2rad(angle))
        y = goal[1] + {stand_off_m} * np.sin(np.deg2rad(angle))
        yaw = np.arctan2(goal[1] - y, goal[0] - x)
        answer = safe_navigate([x, y, yaw], "ang_" + str(angle))
        if answer and dist_to(goal[:2]) < {near_m}:
            break
