turned = sample_grasp_pose({object_name})[1]
answer = goto_pose({position}, turned, z_approach={z_approach})
