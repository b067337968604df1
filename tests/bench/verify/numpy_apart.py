"""Trains our own workloads in float64 by Keras and by NumPy side by side, and prints how far the two are apart.

Run as a process of its own: `python numpy_apart.py BACKEND FOLDER WORKLOAD...`.
"""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = sys.argv[1]

import json

import numpy as np

from bench.verify.float64 import Batch, Training, everything_in_float64
from bench.verify.float64_child import compiled_model
from bench.verify.reference import dense
from loops import registry
from loops.contract import Track
from loops.data import mnist

STEPS, BATCH_SIZE = 6, 32


def apart(name: str, digits: object) -> dict[str, float]:
    """Return the largest relative difference of losses, gradients, weights and metrics."""
    workload, recipe = registry.load_workload(name), dense.RECIPES[name]
    samples, validation = workload.samples(digits, track=Track.MATCHED, backend="numpy", seed=0)
    with everything_in_float64():
        everything = Batch(x=samples.inputs, y=samples.targets, weight=samples.weights)
        model = compiled_model(name, seed=0, training=everything)
        training = Training(model, first=Batch(x=samples.inputs[:BATCH_SIZE], y=samples.targets[:BATCH_SIZE]))
        formula = dense.Formula.KERAS_ADAM if recipe.optimizer == "Adam" else dense.Formula.SGD
        optimizer = dense.Optimizer(formula, learning_rate=recipe.learning_rate)
        weights = [np.asarray(array, np.float64) for array in model.get_weights()]
        found = {"loss": 0.0, "gradients": 0.0, "weights": 0.0, "metric": 0.0}

        def note(what: str, ours: object, theirs: object) -> None:
            found[what] = max(found[what], float(np.abs(np.subtract(ours, theirs)).max() / np.abs(theirs).max()))

        for step in range(STEPS):
            part = samples.rows(slice(step * BATCH_SIZE, (step + 1) * BATCH_SIZE))
            training.start_epoch()
            ours = training.step(Batch(x=part.inputs, y=part.targets, weight=part.weights), weights=weights)
            batch = dense.Batch(inputs=part.inputs, targets=part.targets, weights=part.weights)
            loss, gradients = dense.loss_and_gradients(recipe, weights, batch=batch)
            note("loss", ours.loss, loss)
            (metric,) = ours.metrics.values()
            note("metric", metric, dense.evaluate(recipe, weights, batch=batch))
            for mine, other in zip(ours.gradients, gradients, strict=True):
                note("gradients", mine, other)
            moved = optimizer.updated(weights, gradients=gradients)
            for mine, other, before in zip(ours.weights, moved, weights, strict=True):
                note("weights", mine - before, other - before)
            weights = list(moved)
        held_out = validation.rows(slice(200))
        said = training.evaluate([Batch(x=held_out.inputs, y=held_out.targets)], weights=weights)
        said.pop("loss")
        (metric,) = said.values()
        batch = dense.Batch(inputs=held_out.inputs, targets=held_out.targets, weights=None)
        note("metric", metric, dense.evaluate(recipe, weights, batch=batch))
    return found


if __name__ == "__main__":
    digits = mnist.load(Path(sys.argv[2]))
    print(json.dumps({name: apart(name, digits) for name in sys.argv[3:]}))
