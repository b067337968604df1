"""One `bench run`: plan, rounds, end."""
