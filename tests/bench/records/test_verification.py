"""What a check found."""

from bench.records.verification import Verification


def test_the_loop_that_others_are_compared_with_is_neither_verified_nor_failed():
    """Nor is one that cannot carry the workload; one that broke has failed."""
    found = Verification(loop="a", workload="my_model", device="cpu", formula="n/a", peer="a")
    cannot = Verification(loop="b", workload="my_model", device="cpu", formula="n/a", problem="unavailable: no")
    broke = Verification(loop="c", workload="my_model", device="cpu", formula="n/a", problem="raised: no")

    assert [(False, False), (False, False), (False, True)] == [(v.passed, v.failed) for v in (found, cannot, broke)]
    assert "'my_model' has no reference; other loops are compared with this one" == found.reason
