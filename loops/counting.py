"""What a training step of a compiled model has to compute and to move at least, counted once where it is prepared.

    torch        `torch.utils.flop_counter.FlopCounterMode`: matrix products and convolutions, forward and backward
    jax          XLA's cost analysis of the gradient's program
    tensorflow   TensorFlow's profiler, on the gradient's graph

Each counts what its own program does. By XLA and TensorFlow a loop inside the program, as an LSTM's over time, counts
as one pass: less than is done, so that a bound made of it is low, and holds. Nothing is counted of a model that writes
its own `train_step` or loss, or does not compute in float32: the speed of the machine is known for float32 only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np

from loops import recipe
from loops.contract import Samples
from loops.nested import leaves, map_leaves
from loops.workloads.compiled import as_tensor

COUNTED_POLICIES: Final = ("float32", "float64")

_NOT_COUNTED: Final = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What frameworks raise of a model that cannot be differentiated or traced like this; its loops will say it better."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What one step does at least."""

    operations: int
    """Additions and multiplications, forward and backward, of a step with as many samples as were given."""
    state_bytes: int
    """Weights and what the optimizer keeps of them, each of which is read and written once a step."""
    sample_bytes: int
    """Inputs of one sample, read once."""


def count(model: Any, batch: Samples) -> Counted | None:
    """Count a step on a batch, or return None where that cannot be done. The model is spoilt by it.

    Args:
        model: Compiled, and built for the batch.
        batch: Native arrays.
    """
    known = model.dtype_policy.name in COUNTED_POLICIES
    if not (known and model.trainable_variables) or recipe.trains_itself(model) or not recipe.is_plain(model):
        return None
    try:
        operations = _COUNTERS[keras.backend.backend()](model, *(map_leaves(as_tensor, part) for part in batch.arrays))
        state = _state_bytes(model)
    except _NOT_COUNTED:
        return None
    inputs = sum(array.nbytes for array in leaves(batch.inputs))
    return Counted(operations=operations, state_bytes=state, sample_bytes=inputs // batch.count) if operations else None


def _by_torch(model: Any, x: Any, y: Any, weight: Any = None) -> int:
    """Count while a step is done."""
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415 - of this framework only

    with FlopCounterMode(display=False) as counter:
        outputs = model(x, training=True)
        model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight).backward()
    return int(counter.get_total_flops())


def _by_jax(model: Any, x: Any, y: Any, weight: Any = None) -> int:
    """Lower the gradient, and ask XLA; nothing is run."""
    import jax  # noqa: PLC0415 - of this framework only

    loss_function = recipe.plain_loss(model)

    def loss(trainable: Any, others: Any, *batch: Any) -> Any:
        inputs, targets, sample_weight = batch
        outputs, _ = model.stateless_call(trainable, others, inputs, training=True)
        return loss_function(targets, outputs, sample_weight=sample_weight)

    trainable, others = (
        [variable.value for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    )
    analysis = jax.jit(jax.grad(loss)).lower(trainable, others, x, y, weight).cost_analysis()
    return int((analysis or {}).get("flops", 0))


def _by_tensorflow(model: Any, x: Any, y: Any, weight: Any = None) -> int:
    """Trace the gradient, and ask the profiler; nothing is run."""
    import tensorflow as tf  # noqa: PLC0415 - of this framework only

    def gradient() -> Any:
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight)
        return tape.gradient(loss, model.trainable_variables)

    graph = tf.function(gradient).get_concrete_function().graph
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    return int(tf.compat.v1.profiler.profile(graph, options=options).total_float_ops)


_COUNTERS: dict[str, Callable[..., int]] = {"torch": _by_torch, "jax": _by_jax, "tensorflow": _by_tensorflow}


def _state_bytes(model: Any) -> int:
    """Return the bytes of weights and moments that each step has to move; of embeddings, only some rows are."""
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    looked_up = {
        id(variable)
        for layer in model._flatten_layers()  # noqa: SLF001 - of layers in layers, Keras has no public list
        if isinstance(layer, keras.layers.Embedding)
        for variable in layer.trainable_variables
    }
    every = sum(_bytes_of(variable) for variable in model.trainable_variables)
    dense = sum(_bytes_of(variable) for variable in model.trainable_variables if id(variable) not in looked_up)
    if getattr(optimizer, "gradient_accumulation_steps", None):
        return dense // 2  # weights are read in each step, and written in some
    moments = sum(_bytes_of(variable) for variable in optimizer.variables if len(variable.shape) > 0)
    return dense + moments * dense // every


def _bytes_of(variable: Any) -> int:
    """Return the size of a variable."""
    return int(np.prod(variable.shape) * np.dtype(variable.dtype).itemsize)
