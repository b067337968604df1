"""verify in process."""

import json


def test_verify_says_what_does_the_same_work(bench):
    """The kernels of NumPy, on the smallest workload."""
    done = bench("verify", "numpy", "--workload", "regression", "--format", "json")

    assert 0 == done.exit_code, done.output
    assert [True] == [one["passed"] for one in json.loads(done.stdout)]
    assert "checked numpy on regression" in done.stderr


def test_verify_refuses_a_loop_that_does_not_exist(refused):
    """With the nearest name."""
    assert "Error: there is no loop 'nunpy'. Did you mean 'numpy'? Known:" in refused(2, "verify", "nunpy")
