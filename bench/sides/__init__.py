"""Which interpreter, commit, libraries and variables a process gets."""
