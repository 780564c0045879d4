within = np.array({position}, dtype=float)
answer = {call}
for attempt in range({tries}):
    if answer:
        break
    within[2] = within[2] - {lower_m}
    answer = goto_pose(within, {quaternion_wxyz}, z_approach={z_approach})
