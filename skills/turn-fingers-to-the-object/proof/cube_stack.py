# Put the red cube on the green cube.

DOWN = np.array([0.0, 0.0, 1.0, 0.0])
green, other, below = get_object_pose("green cube", return_bbox_extent=True)
red, turned, size = get_object_pose("red cube", return_bbox_extent=True)
open_gripper()
goto_pose(red + np.array([0.0, 0.0, 0.12]), DOWN)
seen = look_at_object("red cube")[0]
red[0] = seen[0]
red[1] = seen[1]
goto_pose(red, DOWN, z_approach=0.06)
close_gripper()
goto_pose(red + np.array([0.0, 0.0, 0.12]), DOWN)
place = np.array([green[0], green[1], green[2] + below[2] / 2 + size[2] / 2 + 0.003])
goto_pose(place, DOWN, z_approach=0.1)
open_gripper()
goto_pose(place + np.array([0.0, 0.0, 0.1]), DOWN)
home_pose()
RESULT = True
