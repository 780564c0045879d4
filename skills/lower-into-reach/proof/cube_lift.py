# Lift the red cube by thirty centimetres.

position, hand = sample_grasp_pose("red cube")
open_gripper()
goto_pose(position + np.array([0.0, 0.0, 0.12]), hand)
seen = look_at_object("red cube")[0]
position[0] = seen[0]
position[1] = seen[1]
goto_pose(position, hand, z_approach=0.1)
close_gripper()
goto_pose(position + np.array([0.0, 0.0, 0.3]), hand)
RESULT = True
