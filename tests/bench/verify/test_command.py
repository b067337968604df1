"""One `bench verify`: what is refused before anything starts, and which exit code results mean."""

import os
from dataclasses import replace

import pytest

from bench.errors import NoDevice, TrialsFailed, UsageError
from bench.records.verification import Gap, Verification
from bench.verify import command
from bench.verify.command import Options
from loops.data.mnist import DatasetChoice
from loops.errors import UnknownName

PASSED = Verification(
    loop="numpy",
    workload="mnist-mlp",
    device="cpu",
    formula="keras-adam",
    gaps=(
        Gap(what="loss, 100 steps", largest=4e-7, allowed=1e-5, step=61),
        Gap(what="loss, evaluation", largest=1e-8, allowed=1e-5),
        Gap(what="weights", largest=2e-6, allowed=1e-4),
    ),
)
DIFFERS = replace(PASSED, loop="mine", gaps=(Gap(what="gradients", largest=0.5, allowed=1e-5, step=1),))
PEER = replace(PASSED, loop="first", workload="my_model", gaps=(), peer="first")
LIKE = replace(PASSED, loop="second", workload="my_model", peer="first")
CANNOT = replace(PASSED, loop="third", gaps=(), problem="unavailable: it cannot carry this")


@pytest.fixture
def check(tmp_path):
    """Return a function that checks what options ask for."""

    def check(**settings):
        options = Options(
            **{
                "loops": (),
                "workloads": (),
                "device": "cpu",
                "dataset": DatasetChoice.SYNTHETIC,
                "data": None,
                "timeout": 60.0,
                "cache": tmp_path / "cache",
            }
            | settings
        )
        return command.check(options, environment=os.environ, tell=lambda _: None, notice=lambda _: None)

    return check


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"loops": ("nunpy",)}, UnknownName, "there is no loop 'nunpy'. Did you mean 'numpy'?"),
        ({"workloads": ("mnist",)}, UnknownName, "there is no workload 'mnist'"),
        ({"loops": ("numpy",), "workloads": ("mnist-dcgan",)}, UsageError, "nothing can be checked: "),
        ({"loops": ("torch-cudagraph",)}, UsageError, "nothing can be checked: it needs a GPU"),
        ({"loops": ("numpy",), "device": "gpu"}, NoDevice, "no GPU for any of these loops: numpy .* sees cpu"),
    ],
)
def test_what_cannot_be_checked_is_refused_before_anything_starts(check, tmp_path, settings, error, message):
    """With its reason, and no digits are drawn for it."""
    with pytest.raises(error, match=message):
        check(**settings)

    assert not (tmp_path / "cache").exists()


def test_nothing_that_differs_is_no_error(tmp_path):
    """Nor is what cannot be checked, or has nothing to be checked against."""
    command.judge([PASSED, PEER, LIKE, CANNOT], logs=tmp_path)


def test_loops_that_differ_are_named_with_the_place_of_their_logs(tmp_path):
    """Exit code 5."""
    with pytest.raises(TrialsFailed, match=f"1 of 2 checks failed: mine on mnist-mlp; logs: {tmp_path}") as failed:
        command.judge([PASSED, DIFFERS], logs=tmp_path)

    assert 5 == failed.value.exit_code
