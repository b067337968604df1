"""One file per loop, framework first; each reads top to bottom like a guide."""
