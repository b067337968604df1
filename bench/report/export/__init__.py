"""A stored run for other tools."""
