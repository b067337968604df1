"""What TensorFlow loops are fed with, by the real TensorFlow."""

import subprocess
import sys

import pytest

from loops.data import mnist

ASK = """
import sys
from bench.worker.messages import TrialRequest
from bench.worker.runner import import_framework, job_of
from bench.worker.trained import workload_of

track, digits = sys.argv[1:]
import_framework("tensorflow", device="cpu", threads=1)
request = TrialRequest(
    loop="tf-fit", workload="mnist-mlp", backend="tensorflow", track=track, device="cpu", batch_size=1000, threads=1,
    seed=0, digits=digits, blocks=1, block_seconds=0.01, steps=None,
)
job, _ = job_of(request, workload=workload_of(request))

from loops.data.tensorflow_feed import training_dataset, validation_dataset

for dataset in (training_dataset(job), validation_dataset(job)):
    print(dataset.options().autotune.enabled, {len(x) for x, _ in dataset})
"""


@pytest.mark.parametrize(("track", "tuned"), [("matched", "False"), ("guide", "None")])
def test_only_what_a_guide_writes_tunes_itself(tmp_path_factory, track, tuned):
    """Where samples lie in memory there is nothing to tune, and the end of an epoch would wait for it."""
    cache = tmp_path_factory.getbasetemp() / "digits"
    digits = mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=cache)
    command = [sys.executable, "-c", ASK, track, digits.folder]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert [f"{tuned} {{1000}}"] * 2 == done.stdout.splitlines()
