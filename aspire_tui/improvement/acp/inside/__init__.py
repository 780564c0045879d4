"""What runs on the hosted agent's side of its confinement."""
