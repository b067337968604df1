"""What `bench new` writes: whole files that run as they are, read as text and given the user's names."""
