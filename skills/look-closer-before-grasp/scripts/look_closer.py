goto_pose({position} + np.array([0.0, 0.0, {height_m}]), {quaternion_wxyz})
seen = look_at_object({object_name})[0]
{position}[0] = seen[0]
{position}[1] = seen[1]
