"""Runs PyTorch loops on the device of `device_apart.cpp`: `python on_device_apart.py LIBRARY DIGITS JOBS`.

For each of the jobs, JSON objects of "loop", "workload", "track" and maybe "mistake" (a pair of texts, the second to be
planted in place of the first), one line of JSON says what is wrong: the gaps that are too large, or the error.
"""

import json
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "torch", "KERAS_TORCH_DEVICE": "apart", "CUDA_VISIBLE_DEVICES": "-1"}

import torch

from bench.verify.examiner import Examiner
from loops import registry
from loops.contract import Track
from loops.data import mnist, torch_feed


class DeviceModule:
    """What `torch.apart` is to answer, as `torch.cuda` does."""

    def is_available(self):
        """It always is."""
        return True

    def device_count(self):
        """There is one."""
        return 1

    def current_device(self):
        """It is the first."""
        return 0

    def _is_in_bad_fork(self):
        return False

    def manual_seed_all(self, seed):
        """Nothing is drawn without a generator."""


def set_up(library):
    """Make the device known, and have loops use it.

    Compiled steps run as they were traced: Inductor knows no such device.
    """
    torch.ops.load_library(library)
    torch.utils.rename_privateuse1_backend("apart")
    torch.utils.generate_methods_for_privateuse1_backend()
    torch._register_device_module("apart", DeviceModule())
    torch_feed.device_of = lambda job: torch.device("apart")
    compiled = torch.compile
    torch.compile = lambda *arguments, **options: compiled(
        *arguments, **options | {"backend": "aot_eager", "mode": None, "options": None}
    )


def load(loop, *, workload, mistake):
    """Return a fresh loop, with a mistake planted if there is one."""
    right = registry.load_loop(loop, workload=workload)
    if mistake is None:
        return right
    module = sys.modules[type(right).__module__]
    old, new = mistake
    source = Path(module.__file__).read_text()
    assert 1 == source.count(old)
    namespace = vars(module).copy()
    exec(compile(source.replace(old, new), module.__file__, "exec"), namespace)
    return namespace[type(right).__name__]()


def train(loop, *, workload, digits):
    """Train and evaluate as a trial on the guides' track does, whose batches come from the host."""
    examiner = Examiner(digits, device="cpu", seed=0)
    job = examiner._job(workload, batch_size=workload.batch_size)
    training, validation = (
        samples.rows(slice(20 * job.batch_size))
        for samples in workload.samples(digits, track=Track.GUIDE, backend="torch", seed=0)
    )
    loop.prepare(replace(job, track=Track.GUIDE, training=training, validation=validation))
    loop.train([3 * loop.steps_per_call, 2 * loop.steps_per_call])
    loop.evaluate()
    return [] if loop.outcome().steps == 5 * loop.steps_per_call else ["steps"]


def problems(digits, *, loop, workload, track, mistake=None):
    """Return what is wrong with a loop."""
    known = registry.load_workload(workload)
    new_loop = partial(load, loop, workload=workload, mistake=mistake)
    try:
        if track == "guide":
            return train(new_loop(), workload=known, digits=digits)
        found = Examiner(digits, device="cpu", seed=0).check(new_loop, workload=known)
    except (RuntimeError, TypeError) as error:
        return [f"{type(error).__name__}: {error}"]
    return [f"{gap.what}: {gap.largest}" for gap in found.gaps if not gap.passed]


if __name__ == "__main__":
    library, folder, jobs = sys.argv[1:]
    set_up(library)
    everything = mnist.load(Path(folder))
    for one in json.loads(jobs):
        print(json.dumps(problems(everything, **one)), flush=True)
