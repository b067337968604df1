"""PyTorch loops on a device that is not the CPU, where there is no GPU: what lies where, not how fast it is.

As printed, the guides' loops for PyTorch fail on a GPU: their targets stay on the CPU, and NumPy cannot read a tensor
of the device. `device_apart.cpp` is a device of that kind.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.verify.reference.dense import RECIPES
from bench.worker.frameworks import missing
from loops import registry
from loops.data import mnist

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing("torch")), reason="PyTorch is not installed"),
    pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler"),
]
HERE = Path(__file__).parent
DESCRIBED = {name: registry.describe_loop(name) for name in registry.loop_names()}
LOOPS = [name for name, one in DESCRIBED.items() if one.backend == "torch" and not (one.needs_gpu or one.requires)]
COMPILED = [name for name in LOOPS if name.endswith("-compile")]
EAGER = [name for name in LOOPS if name not in COMPILED]
ADVERSARIAL = ["torch-native", "torch-keras"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Return the device, compiled against the installed PyTorch."""
    from torch.utils import cpp_extension

    target = tmp_path_factory.mktemp("device") / "device_apart.so"
    folders = cpp_extension.library_paths()
    subprocess.run(
        [
            *("c++", "-shared", "-fPIC", "-O1", "-std=c++20", HERE / "device_apart.cpp", "-o", target),
            *(f"-I{folder}" for folder in cpp_extension.include_paths()),
            *(flag for folder in folders for flag in (f"-L{folder}", f"-Wl,-rpath,{folder}")),
            *("-lc10", "-ltorch_cpu", "-ltorch"),
        ],
        check=True,
    )
    return target


@pytest.fixture(scope="module")
def problems_of(library, tmp_path_factory):
    """Return a function that runs jobs in one process, and says what is wrong with each."""
    fixture = mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=tmp_path_factory.mktemp("cache"))

    def run(jobs):
        done = subprocess.run(
            [sys.executable, HERE / "on_device_apart.py", library, fixture.folder, json.dumps(jobs)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]

    return run


def jobs_of(loops, *, workloads, track="matched"):
    """Return a job for each loop and workload."""
    return [{"loop": loop, "workload": workload, "track": track} for workload in workloads for loop in loops]


@pytest.mark.parametrize("loop", EAGER)
def test_a_loop_does_the_same_work_there(problems_of, loop):
    """On every workload with a reference; DCGANs follow."""
    jobs = jobs_of([loop], workloads=RECIPES)

    assert [[]] * len(jobs) == problems_of(jobs)


@pytest.mark.parametrize("loop", COMPILED)
def test_a_compiled_loop_does_the_same_work_there(problems_of, loop):
    """Traced by Dynamo, and then run operation by operation: Inductor knows no such device."""
    assert [[]] == problems_of(jobs_of([loop], workloads=["mnist-mlp"]))


def test_both_models_of_a_dcgan_live_there(problems_of):
    """Latents and noisy labels too."""
    jobs = jobs_of(ADVERSARIAL, workloads=["mnist-dcgan"])

    assert [[], []] == problems_of(jobs)


def test_batches_that_come_from_the_host_are_moved(problems_of):
    """On the guides' track, they come from a `DataLoader`."""
    jobs = jobs_of(EAGER, workloads=["mnist-mlp", "mnist-mlp-weighted"], track="guide")

    assert [[]] * len(jobs) == problems_of(jobs)


def test_what_the_printed_guides_do_is_found_out(problems_of):
    """Otherwise this device would prove nothing."""
    targets_stay = ("yield moved(batch, self.device)", "yield [batch[0].to(self.device), batch[1]]")
    numpy_reads = ("gradients_of(self.model)", "[tensor.grad.numpy() for tensor in self.model.parameters()]")
    jobs = [
        {"loop": "torch-native", "workload": "mnist-mlp", "track": "guide", "mistake": mistake}
        for mistake in (targets_stay, numpy_reads)
    ]

    (targets,), (numpy,) = problems_of(jobs)

    assert "same device" in targets
    assert "can't convert apart:0 device type tensor to numpy" in numpy
