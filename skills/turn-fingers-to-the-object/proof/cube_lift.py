# Lift the red cube.

DOWN = np.array([0.0, 0.0, 1.0, 0.0])
position, turned, size = get_object_pose("red cube", return_bbox_extent=True)
open_gripper()
goto_pose(position + np.array([0.0, 0.0, 0.12]), DOWN)
seen = look_at_object("red cube")[0]
position[0] = seen[0]
position[1] = seen[1]
goto_pose(position, DOWN, z_approach=0.06)
close_gripper()
goto_pose(position + np.array([0.0, 0.0, 0.12]), DOWN)
RESULT = True
