# Pick up the red cube and hold it at least 4 cm above the table.

# pick up the red cube
grasp_position, grasp_quaternion = sample_grasp_pose("red cube")
open_gripper()
goto_pose(grasp_position, grasp_quaternion, z_approach=0.1)
close_gripper()
goto_pose(grasp_position + np.array([0.0, 0.0, 0.12]), grasp_quaternion)

# hold the red cube up
goto_pose(grasp_position + np.array([0.0, 0.0, 0.12]), grasp_quaternion)

RESULT = True
