# Pick up the red cube: the plain program, by hand.
grasp, turned = sample_grasp_pose("red cube")
open_gripper()
goto_pose(grasp, turned, z_approach=0.1)
close_gripper()
goto_pose(grasp + np.array([0.0, 0.0, 0.12]), turned)
RESULT = True
