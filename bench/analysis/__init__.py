"""From stored trials to findings: pure functions."""
