"""One `bench verify`: what is refused before anything starts, how results are shown, and which exit code they mean."""

import json
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


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (PASSED, "same work"),
        (DIFFERS, "DIFFERS"),
        (PEER, "not verified"),
        (LIKE, "like first"),
        (CANNOT, "not verified"),
    ],
    ids=["passed", "differs", "peer", "like", "cannot"],
)
def test_the_result_is_in_words(one, words):
    """Each kind has its own; what is not verified says why."""
    (line,) = command.render([one], output_format="table").splitlines()[-1:]

    assert f" {words} " in line
    assert (one.reason or "") in line


def test_the_largest_gap_of_each_kind_is_shown_with_its_step():
    """What was not compared is not available, which is not zero."""
    (line,) = command.render([PASSED], output_format="table").splitlines()[-1:]

    assert "4e-07 at 61" in line
    assert "2e-06" in line
    assert 2 == line.count("n/a")


def test_json_has_every_gap_and_the_verdict():
    """For scripts, which read no tables."""
    first, second = json.loads(command.render([PASSED, DIFFERS], output_format="json"))

    assert (True, "numpy", 3) == (first["passed"], first["loop"], len(first["gaps"]))
    assert (False, {"what": "gradients", "largest": 0.5, "allowed": 1e-5, "step": 1, "framework_wide": False}) == (
        second["passed"],
        second["gaps"][0],
    )


def test_nothing_that_differs_is_no_error(tmp_path):
    """Nor is what cannot be checked, or has nothing to be checked against."""
    command.judge([PASSED, PEER, LIKE, CANNOT], logs=tmp_path)


def test_loops_that_differ_are_named_with_the_place_of_their_logs(tmp_path):
    """Exit code 5."""
    with pytest.raises(TrialsFailed, match=f"1 of 2 checks failed: mine on mnist-mlp; logs: {tmp_path}") as failed:
        command.judge([PASSED, DIFFERS], logs=tmp_path)

    assert 5 == failed.value.exit_code
