# Drive to the desk, pick up the orange radio and hold it at least 4 cm above the desk.
# `radio_pos` is in scope: where the head camera saw the radio when the trial was ready.

navigate_to_pose([radio_pos[0] - 0.95, radio_pos[1], 0.0])
open_gripper()
pregrasps, grasps = sample_grasp_pose("orange radio")
grasp_object(pregrasps[0], grasps[0], "orange radio")
lift_arm()
RESULT = True
