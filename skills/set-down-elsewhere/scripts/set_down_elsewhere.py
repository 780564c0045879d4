answer = {call}
first = np.array({position})
for way in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
    if answer:
        break
    goto_pose({position} + np.array([0.0, 0.0, 0.1]), {quaternion_wxyz})
    {position}[0] = first[0] + way[0] * {apart_m}
    {position}[1] = first[1] + way[1] * {apart_m}
    answer = {call}
