"""Which processes check which loops, and what a failure takes with it: real processes, with loops of NumPy."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import pytest

from bench.records.cell import Side
from bench.records.verification import Verification
from bench.sides.launcher import Launcher
from bench.verify import pool
from bench.verify.pool import Request
from loops import registry
from loops.data import mnist
from loops.data.mnist import DatasetChoice

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What a call of `verify` led to."""

    found: list[Verification]
    logs: dict[str, str]
    """Name -> text."""

    @property
    def failed(self) -> list[str]:
        """Return the loops that were not compared to the end."""
        return [one.loop for one in self.found if one.problem is not None]


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> str:
    """Return a folder with the synthetic digits."""
    return mnist.resolve(DatasetChoice.SYNTHETIC, file=None, cache=tmp_path_factory.mktemp("cache")).folder


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    """Let this process find the toy loops, as if their package were installed."""
    monkeypatch.syspath_prepend(str(PLUGINS))
    registry.look_again()
    yield
    registry.look_again()


@pytest.fixture
def trusted(monkeypatch):
    """Take every loop for one of ours."""
    monkeypatch.setattr(registry, "is_ours", lambda loop, *, workload: True)


@pytest.fixture
def check(tmp_path, digits) -> Callable[..., Checked]:
    """Return a function that verifies what is requested."""

    def check(*requests: Request, device: str = "cpu", timeout: float = 60.0) -> Checked:
        path = os.pathsep.join([str(PLUGINS), *sys.path])
        with Launcher(interpreters={}, environment=os.environ | {"PYTHONPATH": path}) as launcher:
            found = pool.verify(
                requests,
                digits=digits,
                device=device,
                launcher=launcher,
                logs=tmp_path,
                timeout=timeout,
                tell=lambda verification: None,
            )
        return Checked(found=found, logs={log.name: log.read_text() for log in tmp_path.glob("*.log")})

    return check


def test_checks_of_one_framework_share_a_process(check):
    """Its log says where the output of each begins."""
    checked = check(Request(loop="numpy", workloads=("regression", "mnist-mlp")))

    assert [True, True] == [one.passed for one in checked.found]
    assert {"verify-numpy-1.log": "--- numpy on regression\n--- numpy on mnist-mlp\n"} == checked.logs


def test_a_loop_of_another_package_has_a_process_of_its_own(check):
    """What it leaves behind is nobody's to know."""
    checked = check(
        Request(loop="toy", workloads=("mnist-mlp",)),
        Request(loop="toy-slow", workloads=("mnist-mlp",)),
        Request(loop="numpy", workloads=("mnist-mlp",)),
    )

    assert {"verify-numpy-toy-1.log", "verify-numpy-toy-slow-1.log", "verify-numpy-1.log"} == checked.logs.keys()


def test_a_failure_is_that_of_one_check_and_the_rest_goes_on_in_a_fresh_process(check, trusted):
    """Raised or killed: the results stay in the order of the requests, and a failure names its log."""
    checked = check(
        Request(loop="numpy", workloads=("regression",)),
        Request(loop="raises-in-build", workloads=("mnist-mlp",)),
        Request(loop="is-killed", workloads=("mnist-mlp",)),
        Request(loop="numpy", workloads=("mnist-mlp", "regression-weighted")),
    )

    assert ["numpy", "raises-in-build", "is-killed", "numpy", "numpy"] == [one.loop for one in checked.found]
    assert ["raises-in-build", "is-killed"] == checked.failed
    assert [True, True, True] == [one.passed for one in checked.found if one.loop == "numpy"]
    assert "raised: ValueError: no such layer; see verify-numpy-1.log" == checked.found[1].problem
    assert "killed: the process was killed by SIGKILL" in checked.found[2].problem
    assert "see verify-numpy-2.log" in checked.found[2].problem
    assert "--- numpy on mnist-mlp\n--- numpy on regression-weighted\n" == checked.logs["verify-numpy-3.log"]


@pytest.mark.slow
def test_a_check_that_hangs_costs_its_own_time_and_no_other_check(check, trusted):
    """The rest goes on."""
    checked = check(
        Request(loop="never-returns", workloads=("mnist-mlp",)),
        Request(loop="numpy", workloads=("regression",)),
        timeout=6.0,
    )

    assert "timeout: nothing happened for 6 s" in checked.found[0].problem
    assert checked.found[1].passed


def test_a_device_that_is_not_there_fails_all_checks_at_once(check):
    """No process is started to find that out again."""
    checked = check(Request(loop="numpy", workloads=("regression", "mnist-mlp")), device="gpu")

    assert ["numpy", "numpy"] == checked.failed
    assert {"verify-numpy-1.log"} == checked.logs.keys()
    assert all("computes on the CPU only" in one.problem for one in checked.found)


def test_the_log_of_a_side_has_its_name(check):
    """The same loop in two environments has two processes."""
    sides = (Side(name=name, description="here", variables={"SIDE": name}) for name in ("base", "head"))

    checked = check(*(Request(loop="numpy", workloads=("regression",), side=side) for side in sides))

    assert ["base", "head"] == [one.side for one in checked.found]
    assert {"verify-numpy-base-1.log", "verify-numpy-head-1.log"} == checked.logs.keys()


def test_a_process_that_is_started_after_the_end_ends_at_once(digits, tmp_path):
    """Ctrl-C may come between the decision to start one and its start."""
    common = pool._Common(digits=digits, device="cpu", launcher=None, logs=tmp_path, timeout=1.0, recordings="")
    processes = pool._Processes([], common=common)
    killed = []

    processes.stop()
    processes._started(Mock(kill=lambda: killed.append(True)))

    assert [True] == killed


def test_a_long_queue_gets_a_second_process(check, monkeypatch):
    """Whoever has nothing left to do helps, where that is worth an import."""
    monkeypatch.setattr(pool, "WORTH_A_PROCESS", 1)
    workloads = ("mnist-mlp", "mnist-mlp-sgd", "mnist-mlp-add-loss", "mnist-mlp-weighted")

    checked = check(Request(loop="numpy", workloads=workloads))

    assert list(workloads) == [one.workload for one in checked.found]
    assert all(one.passed for one in checked.found)
    assert {"verify-numpy-1.log", "verify-numpy-2.log"} == checked.logs.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    "loops",
    [
        ("torch-compile", "torch-native-compile", "torch-fit-compile", "torch-fit", "torch-keras", "torch-plain"),
        ("tf-epoch-xla", "tf-fit", "tf-fit-steps", "tf-function", "tf-eager"),
        ("jax-scan", "jax-jit", "jax-fit"),
    ],
    ids=["torch", "tensorflow", "jax"],
)
def test_what_a_check_finds_does_not_depend_on_those_before_it(check, monkeypatch, loops):
    """Every gap is the same to the last digit, in either order of loops and workloads in one process."""
    monkeypatch.setattr(pool, "PROCESSES", 1)
    workloads = ("regression-weighted", "mnist-mlp-add-loss")

    forth = check(*(Request(loop=loop, workloads=workloads) for loop in loops), timeout=300.0)
    back = check(*(Request(loop=loop, workloads=workloads[::-1]) for loop in reversed(loops)), timeout=300.0)

    assert [] == forth.failed
    assert 1 == len(back.logs)
    assert sorted(forth.found, key=repr) == sorted(back.found, key=repr)
