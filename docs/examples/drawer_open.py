# Open the blue drawer: put the closed fingers behind the bar of its handle and pull.

BAR = [[0.0, 0.0, 0.010, 0.08]]
FRONT = np.array([0.0, 1.0])
BEHIND = 0.026
PULL = 0.10
# A quarter turn: the closed fingers are narrower that way.
TURN = np.array([0.0, -np.sqrt(0.5), np.sqrt(0.5), 0.0])

bar = find_outline("orange handle", BAR, height_m=0.012, base_m=0.042)
hook = bar[:2] - BEHIND * FRONT
set_gripper(0.0)
goto_pose(np.array([hook[0], hook[1], 0.14]), TURN)
move_linear(np.array([hook[0], hook[1], 0.045]), TURN)
end = bar[:2] + PULL * FRONT
move_linear(np.array([hook[0], end[1], 0.045]), TURN)
back = end - 0.008 * FRONT
move_linear(np.array([hook[0], back[1], 0.045]), TURN)
move_linear(np.array([hook[0], back[1], 0.15]), TURN)
home_pose()

RESULT = True
