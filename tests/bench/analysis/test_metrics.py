"""Metrics by name over processes, and loops that end with others."""

import pytest

from bench.analysis import metrics


def test_each_metric_has_a_median_of_its_own():
    """A process that knows one only has it under what it is called."""
    shown = [({"mae": 1.0, "mse": 4.0}, 1.0, "mae"), ({"mae": 3.0, "mse": None}, 3.0, "mae"), ({}, 2.0, "mae")]

    assert {"mae": 2.0, "mse": 4.0} == metrics.medians(shown)


def test_nothing_is_known_where_nothing_was_measured():
    """No metric, no validation."""
    assert {} == metrics.medians([({}, None, None)])


def test_a_loop_that_ends_elsewhere_parts():
    """And the others do not part from one another on its account."""
    ended = [("a", 100, {"mae": 0.2}), ("b", 110, {"mae": 0.25}), ("c", 120, {"mae": 3.7})]

    (found,) = metrics.apart(ended)

    assert ("c", "mae", 3.7, (0.2, 0.25)) == (found.loop, found.metric, found.value, found.others)


@pytest.mark.parametrize(
    "ended",
    [
        [("a", 100, {"mae": 0.2}), ("b", 110, {"mae": 0.3})],  # as correct loops do
        [("a", 100, {"mae": 20.0}), ("b", 110, {"mae": 21.0})],  # in shares of what it is
        [("a", 100, {"mae": 3.0}), ("b", 400, {"mae": 0.1})],  # it has learned longer
        [("a", 100, {"mae": 3.0}), ("b", 160, {"mae": 0.1})],
        [("a", 100, {"mae": 3.0}), ("b", 100, {"auc": 0.1})],
        [("a", 100, {"mae": 3.0})],
    ],
)
def test_loops_that_learned_alike_do_not_part(ended):
    """Nor those that nobody can be compared with."""
    assert [] == metrics.apart(ended)
