"""Every loop against the commit it comes from: `make test-speed BASE=HEAD~1`. On demand; measures for many minutes."""

import pytest

from bench.worker import frameworks
from loops import registry


@pytest.mark.speed
@pytest.mark.parametrize("loop", registry.LOOPS)
def test_no_loop_has_become_slower(training_loop, loop):
    """The budget stands in pyproject.toml; what is not installed is a reason to skip."""
    reason = frameworks.unusable(registry.describe_loop(loop), device="cpu")
    if reason is not None:
        pytest.skip(reason)
    training_loop(loop)
