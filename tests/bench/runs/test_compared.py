"""The environments that a run compares."""

import pytest

from bench.errors import UsageError
from bench.runs.compared import sides_of


def test_the_first_side_is_the_baseline_and_is_called_a(tmp_path):
    """In the order in which they were written."""
    first, second = sides_of(("here", "env=OMP_NUM_THREADS=1"), show_values=False, cache=tmp_path, tell=pytest.fail)

    assert ("A", "here", {}) == (first.name, first.description, first.variables)
    assert ("B", {"OMP_NUM_THREADS": "1"}) == (second.name, second.variables)


def test_what_is_no_environment_is_refused(tmp_path):
    """Before anything is made ready."""
    with pytest.raises(UsageError, match="side B: 'threads=1' is no environment"):
        sides_of(("here", "threads=1"), show_values=False, cache=tmp_path, tell=pytest.fail)
