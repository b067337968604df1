"""Whose a difference is: the loop's or its framework's."""

import json
import subprocess
import sys

import pytest

from bench.records.verification import Gap, Verification
from bench.verify.framework_wide import Trait, attributed, known_cause, missing_controls

BACKENDS = {"tf-fit-stock": "tensorflow", "tf-eager": "tensorflow", "tf-function": "tensorflow", "jax-jit": "jax"}


def found(loop, *, weights=0.0, loss=1.0, problem=None, reference="torch"):
    """Return what was found of a loop whose weights differ by so much."""
    gaps = (Gap(what="loss, 2 steps", largest=0.0, allowed=1e-5), Gap(what="weights", largest=weights, allowed=1e-3))
    return Verification(
        loop=loop,
        workload="mine",
        device="cpu",
        formula="adam",
        gaps=() if problem else gaps,
        losses=(2.0, loss),
        problem=problem,
        reference=reference,
    )


def judge(*verifications):
    """Return which loops passed."""
    judged = attributed(verifications, backends=BACKENDS, traits={"mine": [Trait.LOOKS_ROWS_UP]})
    return {one.loop: (one.passed, one.framework_wide) for one in judged}


def test_what_fit_shows_as_well_is_the_frameworks():
    """It is marked and no fault, of `fit()` as little as of the loop."""
    judged = judge(found("tf-fit-stock", weights=0.5), found("tf-eager", weights=0.6))

    assert {"tf-fit-stock": (True, True), "tf-eager": (True, True)} == judged


def test_what_one_loop_shows_alone_is_its_own():
    """`fit()` does what the reference does."""
    judged = judge(found("tf-fit-stock"), found("tf-eager", weights=0.6), found("tf-function"))

    assert {"tf-fit-stock": (True, False), "tf-eager": (False, False), "tf-function": (True, False)} == judged


def test_what_fit_shows_alone_is_its_own():
    """Our loop around `fit()` may be wrong too."""
    judged = judge(found("tf-fit-stock", weights=0.5), found("tf-eager"), found("tf-function"))

    assert (False, False) == judged["tf-fit-stock"]


def test_a_larger_difference_is_not_hidden_behind_the_frameworks():
    """Nor one that leads the training elsewhere."""
    judged = judge(
        found("tf-fit-stock", weights=0.1), found("tf-eager", weights=0.9), found("tf-function", weights=0.1, loss=1.5)
    )

    assert [(False, False), (False, False)] == [judged["tf-eager"], judged["tf-function"]]


def test_another_framework_is_no_witness():
    """JAX does not excuse TensorFlow, and what raised says nothing."""
    judged = judge(
        found("jax-jit", weights=0.5), found("tf-eager", weights=0.5), found("tf-fit-stock", problem="raised: x")
    )

    assert [False, False] == [judged[loop][0] for loop in ("jax-jit", "tf-eager")]


def test_a_control_is_asked_for_before_a_loop_is_blamed():
    """Once, and only where something differs."""
    verifications = [found("tf-eager", weights=0.5), found("tf-function", weights=0.5), found("jax-jit")]

    missing = missing_controls(verifications, backends=BACKENDS)

    assert [("tf-fit-stock", "tf-eager")] == [(control, one.loop) for control, one in missing]


def test_the_cause_is_named_where_it_is_known():
    """Rows that are looked up several times, and sums over a batch, on TensorFlow."""
    assert "several times" in known_cause("tensorflow", traits=[Trait.LOOKS_ROWS_UP])
    assert "the mean of a batch" in known_cause("tensorflow", traits=[Trait.NORMALISES_BATCHES])
    assert "not known" in known_cause("tensorflow", traits=[])
    assert "not known" in known_cause("torch", traits=list(Trait))


def test_the_remark_names_size_reference_and_cause():
    """One sentence for table and page."""
    judged = attributed(
        [found("tf-fit-stock", weights=0.5), found("tf-eager", weights=0.5)],
        backends=BACKENDS,
        traits={"mine": [Trait.LOOKS_ROWS_UP]},
    )

    assert (judged[1].remark or "").startswith(
        "weights differ by 0.5 from float64 on torch, as under fit(): on TensorFlow"
    )


ASK = """
import json, os, sys
os.environ["KERAS_BACKEND"] = sys.argv[1]
import keras, numpy as np
images = (np.random.default_rng(0).normal(size=(32, 28, 28, 32)) * 0.3 + 0.5).astype("float32")
mean, _ = keras.ops.moments(keras.ops.convert_to_tensor(images), axes=(0, 1, 2))
right = images.astype("float64").mean((0, 1, 2))
print(json.dumps(float(abs(keras.ops.convert_to_numpy(mean) / right - 1.0).max())))
"""


@pytest.mark.slow
def test_the_mean_of_a_batch_is_off_by_ten_times_as_much_on_tensorflow():
    """Which is why activations behind it are, and why the larger one of two that are nearly alike is another there."""
    off = {}
    for backend in ("tensorflow", "torch", "jax"):
        command = [sys.executable, "-c", ASK, backend]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        off[backend] = json.loads(done.stdout.splitlines()[-1])

    assert off["tensorflow"] > 10.0 * max(off["torch"], off["jax"])
