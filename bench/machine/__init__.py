"""This computer: what it is, what disturbs it, how fast it could be."""
