# Pick up the red can and hold it upright. A can is caught anywhere round it, so the second, closer
# look only has to say where its middle is.

position, _, size = get_object_pose("red can", return_bbox_extent=True)
open_gripper()
down = np.array([0.0, 0.0, 1.0, 0.0])
goto_pose(position + np.array([0.0, 0.0, 0.20]), down)
try:
    position, _, size = look_at_object("red can", camera="wrist")
except PrimitiveError:
    pass
top = position[2] + size[2] / 2
grasp = np.array([position[0], position[1], top - 0.03])
goto_pose(grasp, down, z_approach=0.08)
grip = close_gripper()
if not grip:
    open_gripper()
    home_pose()
    grasp, quaternion = sample_grasp_pose("red can")
    goto_pose(grasp, quaternion, z_approach=0.08)
    close_gripper()
goto_pose(grasp + np.array([0.0, 0.0, 0.13]), down)

RESULT = True
