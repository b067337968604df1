"""What a framework counts of a step is what arithmetic says, where arithmetic can say it."""

import json
import os
import subprocess
import sys

import pytest

from bench.runs import roofline

CODE = """
import importlib, json, os
importlib.import_module(os.environ["KERAS_BACKEND"])  # before Keras, as in every process of ours
import keras, numpy as np
from keras import layers
from loops import counting
from loops.contract import Samples
from loops.workloads.compiled import stand_ins

def counted(stack, x, **settings):
    keras.utils.clear_session()
    keras.config.set_dtype_policy(settings.pop("policy", "float32"))
    model = settings.pop("kind", keras.Sequential)(stack)
    loss = settings.pop("loss", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.compile(settings.pop("optimizer", "adam"), loss)
    batch = Samples(inputs=x, targets=np.zeros(len(x), np.int64))
    if not isinstance(model, OwnStep):
        model._symbolic_build(data_batch=stand_ins(batch))  # as a workload is prepared
    found = counting.count(model, batch)
    return None if found is None else [found.operations, found.state_bytes, found.sample_bytes]

class OwnStep(keras.Sequential):
    def train_step(self, *batch):
        raise RuntimeError

dense = lambda: [keras.Input((784,)), *(layers.Dense(n, activation="relu") for n in (64, 64, 10))]
pixels, words = np.zeros((32, 784), np.float32), np.zeros((32, 5), np.int32)
table = lambda: [keras.Input((5,), dtype="int32"), layers.Embedding(1000, 4), layers.Flatten(), layers.Dense(2)]
print(json.dumps({
    "dense": counted(dense(), pixels),
    "half": counted(dense(), pixels[:16]),
    "sgd": counted(dense(), pixels, optimizer="sgd"),
    "collected": counted(dense(), pixels, optimizer=keras.optimizers.SGD(gradient_accumulation_steps=4)),
    "embedding": counted(table(), words, optimizer="sgd"),
    "own step": counted(dense(), pixels, kind=OwnStep),
    "bfloat16": counted(dense(), pixels, policy="mixed_bfloat16"),
    "no gradient": counted([keras.Input((784,)), layers.Flatten()], pixels),
}))
"""
SHAPES = [(784, 64), (64,), (64, 64), (64,), (64, 10), (10,)]
PARAMETERS = 55_050


@pytest.fixture(params=["torch", "jax", "tensorflow"])
def found(request):
    """Return what each framework counts."""
    pytest.importorskip(request.param)
    environment = os.environ | {"KERAS_BACKEND": request.param, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    return request.param, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_framework_counts_what_is_counted_by_hand(found):
    """PyTorch the matrix products alone, others what stands around them too; bytes are the same in all."""
    framework, counted = found
    by_hand = roofline.operations(SHAPES, batch_size=32)
    beside = 1.0 if framework == "torch" else 1.05

    assert by_hand <= counted["dense"][0] <= beside * by_hand
    assert by_hand // 2 <= counted["half"][0] <= beside * by_hand // 2
    assert [roofline.state_bytes(SHAPES, optimizer="Adam"), 784 * 4] == counted["dense"][1:]
    assert 4 * PARAMETERS == counted["sgd"][1]
    assert 2 * PARAMETERS == counted["collected"][1]
    assert 4 * (20 * 2 + 2) == counted["embedding"][1]


@pytest.mark.slow
def test_what_cannot_be_counted_is_not(found):
    """Then there is no least step, and nothing else depends on it."""
    _, counted = found

    assert [None, None, None] == [counted[name] for name in ("own step", "bfloat16", "no gradient")]
