"""JAX loops on a device that is not the first one: everything they keep lies there, as it would on a GPU."""

import json
import os
import subprocess
import sys

import pytest

from bench.worker.frameworks import missing
from loops import registry
from loops.data import mnist

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing("jax")), reason="JAX is not installed"),
]
LOOPS = [name for name in registry.loop_names() if registry.describe_loop(name).backend == "jax"]
WORKLOADS = ["mnist-mlp", "mnist-mlp-weighted"]

CODE = """
import json, sys
from pathlib import Path
import jax
jax.config.update("jax_default_device", jax.devices()[1])
from bench.verify.examiner import Examiner
from loops import registry
from loops.data import mnist

folder, loop, workloads = sys.argv[1:]
examiner = Examiner(mnist.load(Path(folder)), device="cpu", seed=0)
for workload in json.loads(workloads):
    made = []
    def new_loop():
        made.append(registry.load_loop(loop, workload=workload))
        return made[-1]
    found = examiner.check(new_loop, workload=registry.load_workload(workload))
    arrays = [leaf for leaf in jax.tree.leaves(vars(made[-1])) if isinstance(leaf, jax.Array)]
    arrays += [variable.value for variable in made[-1].model.variables]
    places = sorted({device.id for array in arrays for device in array.devices()})
    print(json.dumps([[gap.what for gap in found.gaps if not gap.passed], places]))
"""


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_does_the_same_work_there_and_leaves_nothing_elsewhere(loop, tmp_path):
    """Batches, weights and the state of the optimizer."""
    fixture = mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=tmp_path)
    two_devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}

    done = subprocess.run(
        [sys.executable, "-c", CODE, fixture.folder, loop, json.dumps(WORKLOADS)],
        env=os.environ | {"KERAS_BACKEND": "jax"} | two_devices,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert [[[], [1]]] * len(WORKLOADS) == [json.loads(line) for line in done.stdout.splitlines()]
