"""Hosted agents: other people's coding agents, spoken to by the Agent Client Protocol."""
