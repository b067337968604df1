"""What loops read back from a Keras model once their steps are done, outside the clock."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

SAID_LAST = "said_last"
"""Attribute of a model that trains itself: what its training step returned last."""


def named(metric: Any, result: Any = None) -> dict[str, float]:
    """Return a metric's results by their names.

    Args:
        metric: Of Keras; one that stands for several has a dict as its result.
        result: Where it is at hand already, as in JAX; None asks the metric.
    """
    values = metric.result() if result is None else result
    return numbers(values if isinstance(values, dict) else {metric.name: values})


def numbers(results: dict[str, Any]) -> dict[str, float]:
    """Return results as numbers.

    Of one that is an array, as a score per class is, each entry by its index; of one that is several by name, each by
    that, as `fit()` shows it.
    """
    found: dict[str, float] = {}
    for name, value in results.items():
        if isinstance(value, dict):
            found |= numbers(value)
            continue
        array = np.asarray(keras.ops.convert_to_numpy(value), np.float64)
        entries = {name: array} if array.size == 1 else {f"{name}_{i}": entry for i, entry in enumerate(array.flat)}
        found |= {key: float(entry.reshape(())) for key, entry in entries.items()}
    return found


def note_what_is_said(model: Any) -> None:
    """Keep what a model's own training step returned last, which need not be what its metrics counted."""
    make, on_jax = model.make_train_function, keras.backend.backend() == "jax"
    made: list[Any] = []

    def make_train_function(*arguments: Any, **options: Any) -> None:
        make(*arguments, **options)
        train = model.train_function
        if train in made:
            return

        def noted(*batches: Any) -> Any:
            returned = train(*batches)
            vars(model)[SAID_LAST] = returned[0] if on_jax else returned  # on JAX, the next state is the second
            return returned

        made.append(noted)
        model.train_function = noted

    object.__setattr__(model, "make_train_function", make_train_function)  # past what keeps track of attributes


def results_of(model: Any) -> dict[str, Any]:
    """Return what `fit` reports after its last batch, the loss as "loss".

    It is what metrics have counted; of a model with a training step of its own, what that returned, see `SAID_LAST`.
    """
    said = vars(model).get(SAID_LAST)
    return model.get_metrics_result() if said is None else with_loss(numbers(said))


def with_loss(results: dict[str, Any]) -> dict[str, Any]:
    """Return results with a "loss": where a training step says none, the first of several is meant, as d_loss."""
    if "loss" in results:
        return results
    first, *others = results
    return {"loss": results[first]} | {name: results[name] for name in others}


def without_losses(results: dict[str, Any], *, model: Any) -> dict[str, float]:
    """Return what `fit` or `evaluate` reports but the losses: the total, and those of several outputs."""
    losses = {metric.name for metric in model.metrics if metric.name == "loss" or metric.name.endswith("_loss")}
    losses -= named_metrics(model).keys()
    losses.add("loss")  # also where no metric of the model is called so, and its own training step says it
    return numbers({name: value for name, value in results.items() if name not in losses})


def named_metrics(model: Any) -> dict[str, Any]:
    """Return a compiled model's metrics by name; in results, those of several outputs have longer ones."""
    compiled = getattr(model, "_compile_metrics", None)
    return {} if compiled is None else {metric.name: metric for metric in compiled.metrics}


def steps_of(optimizer: Any) -> int:
    """Return how many batches an optimizer has been given; `iterations` counts those that moved the weights only."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return int(inner._iterations)  # noqa: SLF001 - where gradients are accumulated, the public one is a fraction of it


def steps_trained(model: Any) -> int:
    """Return how many batches a model's optimizer has been given, or one of its own that its training step uses."""
    others = [one for one in vars(model).values() if isinstance(one, keras.optimizers.Optimizer)]
    return max(map(steps_of, [model.optimizer, *others]))


def state_of(model: Any) -> list[NDArray[Any]]:
    """Return what a model carries along untrained: moving averages, counters, seeds, states of recurrent layers."""
    return [keras.ops.convert_to_numpy(variable.value) for variable in model.non_trainable_variables]


def gradients_of(model: Any) -> list[NDArray[Any]]:
    """Return what PyTorch left at each trainable weight; zeros where the loss does not depend on it."""
    tensors = [variable.value for variable in model.trainable_weights]
    return [
        np.zeros(tuple(tensor.shape), np.float32) if tensor.grad is None else tensor.grad.cpu().numpy()
        for tensor in tensors
    ]
