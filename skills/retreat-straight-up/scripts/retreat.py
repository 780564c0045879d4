move_until_contact(np.array([0.0, 0.0, 1.0]), {height_m})
