"""The operator as the agent: an editor, a prompt, and the same tools as everybody."""
