# Lift the red cube: down to its foot, close, up.

grasp, hand = sample_grasp_pose("red cube")
size = get_object_pose("red cube", return_bbox_extent=True)[2]
grasp[2] = grasp[2] - size[2] / 2
open_gripper()
goto_pose(grasp, hand, z_approach=0.1)
close_gripper()
goto_pose(grasp + np.array([0.0, 0.0, 0.12]), hand)
RESULT = True
