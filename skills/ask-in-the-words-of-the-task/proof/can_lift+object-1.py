# Pick up the red can and hold it upright, its bottom at least 6 cm above the table.

# pick up the red can
grasp_position, grasp_quaternion = sample_grasp_pose("red can")
open_gripper()
goto_pose(grasp_position, grasp_quaternion, z_approach=0.1)
close_gripper()
goto_pose(grasp_position + np.array([0.0, 0.0, 0.12]), grasp_quaternion)

# hold the red can up
goto_pose(grasp_position + np.array([0.0, 0.0, 0.12]), grasp_quaternion)

RESULT = True
