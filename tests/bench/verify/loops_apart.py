"""Trains users' models with a hand-written loop, right and with one mistake at a time, and writes down what it shows.

Run as a process of its own: `python loops_apart.py BACKEND FOLDER`. Beside every recording lies nothing else: what is
right and what is wrong about them, the test knows by their names.
"""

import importlib.util
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = sys.argv[1]

import keras
import numpy as np

from bench.verify.fixed_random import fixed_random_numbers
from bench.verify.float64 import Batch, hurry
from bench.verify.recording import Call, Recording, rows

STEPS, STEPS_PER_EPOCH = 14, 8
MODELS = Path(__file__).parent / "models"
RIGHT, FIT = "none", "fit"
"""A loop without a mistake, and Keras' own step."""
MISTAKES = {
    "images": (
        "averages_thrown_away",
        "inference_mode",
        "added_loss_forgotten",
        "clipping_dropped",
        "schedule_frozen",
        "other_weight_decay",
        "sample_weights_ignored",
        "metric_not_reset",
        "metric_without_weights",
        "evaluation_in_training_mode",
    ),
    "two_outputs": (
        "average_not_applied",
        "average_not_final",
        "one_loss_dropped",
        "added_loss_forgotten",
        "clipping_dropped",
    ),
    "accumulation": ("accumulation_off_by_one", "accumulation_dropped", "inference_mode", "own_loss_forgotten"),
}


class HandWritten:
    """A loop over batches, written out once for each backend."""

    def __init__(self, model, mistake):
        self.model, self.mistake = model, mistake
        optimizer = model.optimizer
        if mistake == "schedule_frozen":
            optimizer._learning_rate = float(optimizer._learning_rate(0))
        hurry(optimizer)
        if mistake == "clipping_dropped":
            optimizer.clipnorm = optimizer.global_clipnorm = None
        if mistake == "other_weight_decay":
            optimizer.weight_decay = 1e-2
        if mistake == "average_not_applied":
            optimizer.ema_overwrite_frequency = None
        if mistake == "accumulation_off_by_one":
            optimizer._iterations.assign(1)
        if mistake == "accumulation_dropped":
            optimizer.gradient_accumulation_steps = None

    def loss(self, batch):
        """Return loss and predictions of a batch."""
        x, y, weight = map(tensors, vars_of(batch))
        predictions = self.model(x, training=self.mistake != "inference_mode")
        weight = None if self.mistake == "sample_weights_ignored" else weight
        if self.mistake in {"added_loss_forgotten", "own_loss_forgotten"}:
            return self.model._compile_loss(y, predictions, weight), predictions
        if self.mistake == "one_loss_dropped":
            error = self.model._compile_loss(y, {**predictions, "price": y["price"]}, weight)
            return error + sum(self.model.losses), predictions
        return self.model.compute_loss(x, y, predictions, weight), predictions

    def step(self, batch):
        """Return the loss of a batch after one update."""
        if self.mistake == FIT:
            said = self.model.train_on_batch(*vars_of(batch), return_dict=True)
            return float(said["loss"])
        others = [np.copy(keras.ops.convert_to_numpy(variable)) for variable in self.model.non_trainable_variables]
        found, predictions = getattr(self, f"step_{keras.backend.backend()}")(batch)
        if self.mistake == "averages_thrown_away":
            for variable, value in zip(self.model.non_trainable_variables, others, strict=True):
                variable.assign(value)
        weight = None if self.mistake == "metric_without_weights" else batch.weight
        self.model.compute_metrics(*vars_of(batch)[:2], predictions, weight)
        return float(found)

    def step_torch(self, batch):
        import torch

        found, predictions = self.loss(batch)
        self.model.zero_grad()
        found.backward()
        with torch.no_grad():
            weights = self.model.trainable_weights
            self.model.optimizer.apply([variable.value.grad for variable in weights], weights)
        return found.detach(), keras.tree.map_structure(lambda one: one.detach(), predictions)

    def step_tensorflow(self, batch):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            found, predictions = self.loss(batch)
        gradients = tape.gradient(found, self.model.trainable_weights)
        self.model.optimizer.apply(gradients, self.model.trainable_weights)
        return found, predictions

    def step_jax(self, batch):
        import jax

        variables = self.model.trainable_variables, self.model.non_trainable_variables, self.model.optimizer.variables

        def loss(trainable, others):
            with keras.StatelessScope(
                [*zip(variables[0], trainable, strict=True), *zip(variables[1], others, strict=True)],
                collect_losses=True,
            ) as scope:
                found, predictions = self.loss(batch_of)
            return found, (predictions, [scope.get_current_value(variable) for variable in variables[1]])

        def step(values, batch):
            nonlocal batch_of
            batch_of = batch
            (found, (predictions, others)), gradients = jax.value_and_grad(loss, has_aux=True)(*values[:2])
            trainable, optimizer = self.model.optimizer.stateless_apply(values[2], gradients, values[0])
            return found, predictions, (trainable, others, optimizer)

        batch_of = None
        if not hasattr(self, "compiled"):
            jax.tree_util.register_dataclass(Batch, ["x", "y", "weight"], []) if not REGISTERED else None
            REGISTERED.append(True)
            self.compiled = jax.jit(step)
        values = [[variable.value for variable in group] for group in variables]
        found, predictions, values = self.compiled(values, batch)
        for group, new in zip(variables, values, strict=True):
            for variable, value in zip(group, new, strict=True):
                variable.assign(value)
        return found, predictions

    def evaluate(self, batches):
        """Return all metrics over some batches."""
        for metric in self.model.metrics:
            metric.reset_state()
        for batch in batches:
            predictions = self.model(tensors(batch.x), training=self.mistake == "evaluation_in_training_mode")
            self.model.compute_metrics(*vars_of(batch)[:2], predictions, batch.weight)
        return self.metrics()

    def metrics(self):
        """Return all metrics but the loss."""
        said = {name: float(value) for name, value in self.model.get_metrics_result().items()}
        return {name: value for name, value in said.items() if not name.endswith("loss")}


REGISTERED = []


def tensors(tree):
    """Return nested arrays as tensors."""
    return keras.tree.map_structure(lambda one: None if one is None else keras.ops.convert_to_tensor(one), tree)


def vars_of(batch):
    """Return the parts of a batch."""
    return batch.x, batch.y, batch.weight


def batch_from(parts):
    """Return what `data()` returns as a batch."""
    return Batch(x=parts[0], y=parts[1], weight=parts[2] if len(parts) > 2 else None)


def recorded(file, mistake):
    """Train a model with a mistake in the loop."""
    model = file.model()
    training, validation = map(batch_from, file.data())
    first = rows(training, slice(file.batch_size))
    model(tensors(first.x), training=False)
    start_alike(model)
    model._symbolic_build(data_batch=vars_of(first)) if keras.backend.backend() != "tensorflow" else None
    model.optimizer.build(model.trainable_variables)
    loop = HandWritten(model, mistake)
    start_epoch, model.reset_metrics = model.reset_metrics, lambda: None  # `train_on_batch` is no epoch
    initial, calls = [np.array(array) for array in model.get_weights()], []
    for step in range(STEPS):
        start = step % STEPS_PER_EPOCH
        if start == 0 and not (mistake == "metric_not_reset" and step):
            start_epoch()
        model._loss_tracker.reset_state()
        loss = loop.step(rows(training, slice(start * file.batch_size, (start + 1) * file.batch_size)))
        weights = [np.array(array) for array in model.get_weights()]
        calls.append(
            Call(
                upto=step + 1, steps=int(model.optimizer.iterations), loss=loss, metrics=loop.metrics(), weights=weights
            )
        )
    recording = Recording(
        training=training,
        validation=validation,
        batch_size=file.batch_size,
        steps_per_epoch=STEPS_PER_EPOCH,
        steps_per_call=1,
        formula="keras-adam",
        precision="float32",
        initial=initial,
        calls=tuple(calls),
        evaluation={},
    )
    return recording, loop


def start_alike(model):
    """Give a model weights that are the same under every backend."""
    generator = np.random.default_rng(0)
    model.set_weights(
        [generator.normal(0.0, 0.3, array.shape) if array.ndim > 1 else array for array in model.get_weights()]
    )


def main(folder):
    """Write one recording per model and mistake."""
    from dataclasses import replace

    for name, mistakes in MISTAKES.items():
        specification = importlib.util.spec_from_file_location(name, MODELS / f"{name}.py")
        file = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(file)
        for mistake in (RIGHT, FIT, *mistakes):
            with fixed_random_numbers():
                recording, loop = recorded(file, mistake)
                if mistake != "average_not_final":
                    loop.model.optimizer.finalize_variable_values(loop.model.trainable_variables)
                recording = replace(recording, evaluation=loop.evaluate(recording.validation_batches()))
            place = folder / f"{name}-{mistake}"
            place.mkdir()
            recording.write(place)


if __name__ == "__main__":
    main(Path(sys.argv[2]))
