"""What TensorFlow loops are fed with, by the real TensorFlow."""

import subprocess
import sys

import pytest

ASK = """
import numpy as np
from types import SimpleNamespace
from loops.contract import Track
from loops.data import tensorflow_feed

class Samples:
    arrays = (np.zeros((8, 3), np.float32), np.zeros(8, np.int64))
    def map(self, change):
        return SimpleNamespace(arrays=tuple(change(array) for array in self.arrays))

job = SimpleNamespace(
    track=Track.{track}, batch_size=4, steps_per_epoch=2, training=Samples(), validation=Samples(), pipeline=None,
    workload=None,
)
tensorflow_feed.pipelines.for_validation = lambda *_, **__: None
for make in (tensorflow_feed.training_dataset, tensorflow_feed.validation_dataset):
    dataset = make(job)
    print(dataset.options().autotune.enabled, [tuple(x.shape) for x, _ in dataset])
"""


@pytest.mark.parametrize(("track", "tuned"), [("MATCHED", "False"), ("GUIDE", "None")])
def test_only_what_a_guide_writes_tunes_itself(track, tuned):
    """Where samples lie in memory there is nothing to tune, and the end of an epoch would wait for it."""
    done = subprocess.run([sys.executable, "-c", ASK.format(track=track)], capture_output=True, text=True, check=True)

    assert [f"{tuned} [(4, 3), (4, 3)]"] * 2 == done.stdout.splitlines()
