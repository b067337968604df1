"""One run on many machines: where its parts are placed, what travels there, and what comes back."""
