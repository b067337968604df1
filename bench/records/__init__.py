"""What is stored, and the journal it is stored in."""
