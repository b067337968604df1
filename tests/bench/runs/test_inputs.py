"""Which data a run says that it was trained on."""

import pytest

from bench.records.prepared import PreparedWorkload
from bench.runs import inputs
from loops.data.mnist import Fixture

DIGITS = Fixture(name="mnist", source="Keras' cache", sha256="cd" * 32, folder="/cache/mnist-cd", fallback=None)


def prepared(workload):
    """Return what was prepared of a workload."""
    return PreparedWorkload(
        workload=workload,
        folder="prepared-0",
        sha256="ab" * 32,
        batch_size=32,
        fixed_batch_size=False,
        training_samples=1000,
        validation_samples=0,
        policy="float32",
    )


@pytest.mark.parametrize(
    ("workloads", "name", "sha256"),
    [
        (("my_model",), "own", "ab" * 32),
        (("mnist-cnn",), "mnist", "cd" * 32),
        (("mnist-cnn", "my_model"), "mnist", "cd" * 32),
        (("mnist-mlp", "my_model"), "mnist", "cd" * 32),
        (("mnist-mlp",), "mnist", "cd" * 32),
    ],
)
def test_the_data_are_a_users_own_only_where_nothing_looks_at_digits(workloads, name, sha256):
    """Our compiled models are prepared as a user's is, and train on the digits of the run."""
    ready = [prepared(workload) for workload in workloads if workload != "mnist-mlp"]

    found = inputs.record(DIGITS, prepared=ready, workloads=workloads)

    assert (name, sha256) == (found.name, found.sha256)
