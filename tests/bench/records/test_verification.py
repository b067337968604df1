"""What a check found."""

import pytest

from bench.records.verification import Gap, Verification


def test_the_loop_that_others_are_compared_with_is_neither_verified_nor_failed():
    """Nor is one that cannot carry the workload; one that broke has failed."""
    found = Verification(loop="a", workload="my_model", device="cpu", formula="n/a", peer="a")
    cannot = Verification(loop="b", workload="my_model", device="cpu", formula="n/a", problem="unavailable: no")
    broke = Verification(loop="c", workload="my_model", device="cpu", formula="n/a", problem="raised: no")

    assert [(False, False), (False, False), (False, True)] == [(v.passed, v.failed) for v in (found, cannot, broke)]
    assert "'my_model' has no reference; other loops are compared with this one" == found.reason


def checked(*gaps, **fields):
    """Return a check that found gaps, given as (what, largest, allowed, step)."""
    return Verification(
        **{"loop": "a", "workload": "mnist-mlp", "device": "cpu", "formula": "sgd"} | fields,
        gaps=tuple(Gap(what=what, largest=size, allowed=allowed, step=step) for what, size, allowed, step in gaps),
    )


@pytest.mark.parametrize(("largest", "passed"), [(1e-5, True), (1.1e-5, False), (float("nan"), False), (0.0, True)])
def test_a_gap_passes_up_to_what_is_allowed(largest, passed):
    """What is no number is within nothing."""
    assert passed is Gap(what="loss", largest=largest, allowed=1e-5).passed


def test_a_check_of_nothing_has_not_passed():
    """It has shown nothing."""
    assert (False, True, "nothing was compared") == (checked().passed, checked().failed, checked().reason)


def test_the_reason_is_the_gap_that_is_furthest_beyond_what_is_allowed():
    """A weight may be off by more than a loss and be less wrong."""
    found = checked(("loss, 100 steps", 3e-4, 1e-5, 7), ("weights", 1e-2, 1e-3, None), ("gradients", 0.0, 1e-5, None))

    assert "loss, 100 steps: differs from the reference by 0.0003 at step 7, allowed 1e-05" == found.reason
    assert (False, True, False) == (found.passed, found.failed, found.undecided)


def test_a_peer_is_named_where_there_is_no_reference():
    """And a gap that is of no step names none."""
    found = checked(("weights", 1e-2, 1e-3, None), peer="tf-eager")

    assert "weights: differs from tf-eager by 0.01, allowed 1e-03" == found.reason


def test_a_check_that_passed_has_no_reason():
    """Its largest gap of the losses is kept for the report."""
    found = checked(("loss, 100 steps", 2e-7, 1e-5, 3), ("loss, evaluation", 4e-7, 1e-5, None), ("weights", 0.0, 1, 1))

    assert (True, None, 4e-7) == (found.passed, found.reason, found.largest_loss_gap)
    assert checked(("weights", 0.0, 1.0, None)).largest_loss_gap is None


def test_a_problem_comes_before_every_gap():
    """What was found until then says nothing about the rest."""
    found = checked(("loss", 0.0, 1.0, None), problem="raised: ValueError: no")

    assert (False, "raised: ValueError: no") == (found.passed, found.reason)
