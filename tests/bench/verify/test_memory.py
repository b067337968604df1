"""What is remembered of earlier checks."""

import pytest

from bench.records.verification import Gap, Verification
from bench.verify.memory import Memory


@pytest.fixture
def passed():
    """Return a check that a loop passed."""
    gap = Gap(what="loss, 100 steps", largest=1e-7, allowed=1e-5)
    return Verification(loop="numpy", workload="mnist-mlp", device="cpu", formula="keras-adam", gaps=(gap,))


def recalled(memory):
    """Return what a memory has of the check."""
    return memory.recall("numpy", workload="mnist-mlp", device="cpu")


def test_a_check_that_passed_is_remembered(tmp_path, passed):
    """The same sources, versions and variables give the same numbers."""
    Memory(tmp_path, environment={}).keep(passed)

    assert passed == recalled(Memory(tmp_path, environment={"HOME": "elsewhere"}))


def test_another_variable_of_a_framework_is_another_check(tmp_path, passed):
    """TF_ENABLE_ONEDNN_OPTS changes which kernels compute, so what was seen without it says nothing."""
    Memory(tmp_path, environment={"TF_ENABLE_ONEDNN_OPTS": "0"}).keep(passed)

    assert None is recalled(Memory(tmp_path, environment={}))
    assert passed == recalled(Memory(tmp_path, environment={"TF_ENABLE_ONEDNN_OPTS": "0"}))


def test_a_check_that_failed_is_made_again(tmp_path):
    """Whoever mends a loop outside its file sees it at once."""
    failed = Verification(loop="numpy", workload="mnist-mlp", device="cpu", formula="keras-adam", problem="raised: x")
    Memory(tmp_path, environment={}).keep(failed)

    assert None is recalled(Memory(tmp_path, environment={}))


def test_what_another_version_wrote_is_not_believed(tmp_path, passed):
    """It is looked at again, and written anew."""
    Memory(tmp_path, environment={}).keep(passed)
    for file in (tmp_path / "verified").iterdir():
        file.write_text('{"loop": 1}')

    assert None is recalled(Memory(tmp_path, environment={}))
