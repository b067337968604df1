"""What a stored run says of itself."""

import pytest


def test_arithmetic_and_memory_may_overlap(make_least_step):
    """So the larger of the two is the floor."""
    both = make_least_step()

    assert (pytest.approx(1e-4), pytest.approx(2e-4)) == (both.arithmetic_seconds, both.memory_seconds)
    assert both.memory_seconds == both.step_seconds
