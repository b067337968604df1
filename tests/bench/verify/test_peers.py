"""How loops are held against one another where there is no reference; what there is one for is in `tests/mutants`."""

import pytest

from bench.verify import peers


def test_a_workload_of_ours_has_a_reference():
    """A user's has none, whatever it is called."""
    assert [False, False, True] == [peers.without_reference(name) for name in ("mnist-mlp", "mnist-dcgan", "my_model")]


def test_loops_that_train_alike_have_no_gap():
    """Rounding errors are far below what is allowed."""
    gap = peers.peer_gap([2.0, 1.5, 1.25], [2.0, 1.5 + 1e-6, 1.25])

    assert (True, 2, "loss, 3 steps") == (gap.passed, gap.step, gap.what)


def test_a_loop_that_learns_faster_has_a_gap_where_it_is_largest():
    """Relative, at its step."""
    gap = peers.peer_gap([2.0, 1.5, 1.0], [2.0, 1.5, 1.25])

    assert (False, 3, pytest.approx(0.25)) == (gap.passed, gap.step, gap.largest)


@pytest.mark.parametrize("coarse", [[1.5, 0.5], [1.75, 0.75]])
def test_a_call_of_several_steps_tells_its_last_loss_or_their_mean(coarse):
    """Whichever of the two loops makes such calls."""
    fine = [2.0, 1.5, 1.0, 0.5]

    assert (0.0, 0.0) == (peers.peer_gap(coarse, fine).largest, peers.peer_gap(fine, coarse).largest)


def test_a_loss_that_is_no_number_has_a_gap():
    """NaN is within nothing."""
    assert not peers.peer_gap([2.0, float("nan")], [2.0, 1.0]).passed


def test_a_loss_of_exactly_nothing_is_a_number_like_any_other():
    """A model that is sure of everything; rounding beside it is no gap, learning something else is one."""
    gaps = [peers.peer_gap([1.0, loss], [1.0, 0.0]) for loss in (0.0, 1e-7, 0.01)]

    assert [True, True, False] == [gap.passed for gap in gaps]
