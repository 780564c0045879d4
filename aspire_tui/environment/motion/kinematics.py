"""Forward and inverse kinematics of one arm, from its own model file."""
