# Put the red cube on top of the green cube: from well above it, and let go.

red_cube_position, red_cube_quaternion, red_cube_size = get_object_pose("red cube", return_bbox_extent=True)
green_cube_position, green_cube_quaternion, green_cube_size = get_object_pose("green cube", return_bbox_extent=True)

grasp_position, grasp_quaternion = sample_grasp_pose("red cube")
open_gripper()
goto_pose(grasp_position + np.array([0.0, 0.0, 0.12]), grasp_quaternion)
seen = look_at_object("red cube")[0]
grasp_position[0] = seen[0]
grasp_position[1] = seen[1]
goto_pose(grasp_position, grasp_quaternion, z_approach=0.1)
close_gripper()
goto_pose(grasp_position + np.array([0.0, 0.0, 0.12]), grasp_quaternion)

in_hand = grasp_position[2] - (red_cube_position[2] - red_cube_size[2] / 2)
top = green_cube_position[2] + green_cube_size[2] / 2
place_position = np.array([green_cube_position[0], green_cube_position[1], top + in_hand + 0.08])
goto_pose(place_position, grasp_quaternion, z_approach=0.1)
open_gripper()
goto_pose(place_position + np.array([0.0, 0.0, 0.1]), grasp_quaternion)
home_pose()

RESULT = True
