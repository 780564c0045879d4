"""The tool set for agents from elsewhere, by the Model Context Protocol."""
