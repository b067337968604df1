"""Losses, metrics and optimizers of Keras in the forms that hand-written loops take them in.

`fit()` takes lists, dicts, names and functions; a loop wants one callable for the loss and one object for the metrics.
For a plain loss and a plain metric these are Keras' own, so that nothing stands between a loop and what it calls.
"""

from inspect import signature
from typing import Any, Final, final

import keras
from keras.src.backend import compute_output_spec, standardize_dtype
from keras.src.trainers.compile_utils import CompileMetrics, get_loss, get_metric

from loops.contract import Workload
from loops.errors import UnsupportedCell

OF_ANY_OPTIMIZER = ("learning_rate", "name", "kwargs", "self")
"""Arguments that a workload does not write beside an optimizer's name, or says by other means."""


def optimizer_of(workload: Workload) -> Any:
    """Return the optimizer that a workload names, with what its class says beside the name, or a copy of one it has.

    Raises:
        UnsupportedCell: If Keras has none of this name.
    """
    asked: Any = workload.optimizer
    if isinstance(asked, keras.optimizers.Optimizer):
        return fresh(asked)
    kind = getattr(keras.optimizers, str(asked), None)
    if kind is None:
        raise UnsupportedCell(f"keras.optimizers has no '{asked}'")
    beside = {name: getattr(workload, name) for name in arguments_of(kind) if is_said(workload, name)}
    return kind(learning_rate=workload.learning_rate, **beside)


def arguments_of(kind: type) -> list[str]:
    """Return what an optimizer can be told beside its learning rate."""
    return [name for name in signature(kind).parameters if name not in OF_ANY_OPTIMIZER]


def is_said(workload: Workload, name: str) -> bool:
    """Whether a workload's class says something that no workload has to."""
    return hasattr(workload, name) and not hasattr(Workload, name)


def scaled(optimizer: Any, *, policy: str) -> Any:
    """Return the optimizer, behind a loss scale where the model computes in float16, as `compile()` does it."""
    if policy != "mixed_float16" or isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")


def fresh(optimizer: Any) -> Any:
    """Return an optimizer of the same settings that has done nothing yet."""
    return type(optimizer).from_config(optimizer.get_config())


def as_loss(loss: Any) -> Any:
    """Return a Keras loss for whatever `compile()` takes as one: an object, a name or a function."""
    return get_loss(loss, None, None)


def as_metrics(metrics: Any) -> list[Any]:
    """Return Keras metrics for whatever `compile()` takes as some: one or a list of objects, names, functions."""
    several = metrics if isinstance(metrics, list | tuple) else [metrics]
    return [metric if isinstance(metric, str) else get_metric(metric, None, None) for metric in several if metric]


@final
class ModelLoss:
    """What a compiled model calls its loss, of several outputs, with weights, or by a `compute_loss` of its own.

    In Keras, each of several losses has a tracker for the progress bar; here nobody reads them, and in JAX nobody may
    write to them, so what is assigned is thrown away.
    """

    def __init__(self, model: Any) -> None:
        """Take the loss of a model that is compiled and built."""
        self._model = model
        self._compiled = model._compile_loss  # noqa: SLF001 - Keras has no public name for it
        self._inputs: Any = None
        self._own = computes_own_loss(model)
        if self._own:
            call = model.call

            def remembering(inputs: Any, *arguments: Any, **options: Any) -> Any:
                self._inputs = inputs  # a loss of its own may look at them, and a loop hands over targets only
                return call(inputs, *arguments, **options)

            model.call = remembering

    def __call__(self, targets: Any, outputs: Any, sample_weight: Any = None) -> Any:
        """Return the loss of a batch."""
        if self._own:
            self._model._compile_loss = self._compiled  # noqa: SLF001 - a loop may have compiled the model without
            return self._model.compute_loss(
                x=self._inputs, y=targets, y_pred=outputs, sample_weight=sample_weight, training=True
            )
        with keras.StatelessScope():
            return self._compiled(targets, outputs, sample_weight)


@final
class NoLoss:
    """Of a model to which its layers add all losses."""

    def __call__(self, targets: Any, outputs: Any, sample_weight: Any = None) -> Any:
        """Return nought, to which a loop adds what layers added."""
        del targets, outputs, sample_weight
        return keras.ops.zeros(())


@final
class NoMetric:
    """Of a model that was compiled without metrics; does nothing, as `fit()` does nothing."""

    name = "none"
    variables: tuple[Any, ...] = ()

    def reset_state(self) -> None:
        """Do nothing."""

    def update_state(self, targets: Any, outputs: Any, sample_weight: Any = None) -> None:
        """Do nothing."""

    def result(self) -> dict[str, Any]:
        """Return no result."""
        return {}

    def stateless_reset_state(self) -> list[Any]:
        """Return no state."""
        return []

    def stateless_update_state(
        self, state: list[Any], targets: Any, outputs: Any, sample_weight: Any = None
    ) -> list[Any]:
        """Return the state as it is."""
        del targets, outputs, sample_weight
        return state

    def stateless_result(self, state: list[Any]) -> dict[str, Any]:
        """Return no result."""
        del state
        return {}


def metrics_of(compiled: CompileMetrics | None, *, weighted: bool) -> Any:
    """Return the metrics of a model as one object: Keras' own where there is one.

    Args:
        compiled: The model's, built; None where it was compiled without any.
        weighted: Whether samples have weights, which `metrics` pass over and `weighted_metrics` do not.
    """
    if compiled is None or not compiled.metrics:
        return NoMetric()
    groups = compiled._flat_metrics  # noqa: SLF001 - Keras has no public name for it
    passes_over_weights = weighted and any(group is not None for group in groups)
    if len(compiled.metrics) == 1 and len(groups) == 1 and not passes_over_weights:
        return compiled.metrics[0]
    return compiled


def let_results_be_values(metrics: Any) -> None:
    """Have metrics whose result is a variable return its value: JAX traces no variables, and a loop wants a number."""
    for metric in keras.tree.flatten(metrics):
        if isinstance(metric, keras.metrics.Metric) and not _module(type(metric), "result").startswith("keras."):
            metric.result = _value_of(metric.result)


def _value_of(result: Any) -> Any:
    """Return the method with variables in what it returns read."""

    def read() -> Any:
        return keras.tree.map_structure(
            lambda value: value.value if isinstance(value, keras.Variable) else value, result()
        )

    return read


NOT_COPIED: Final = object()
"""Returned where a metric does not tell how to make another one like it."""


def copied(compiled: CompileMetrics | None) -> Any:
    """Return the same metrics anew, not built yet; None where there are none, or `NOT_COPIED`."""
    if compiled is None:
        return None
    asked = (compiled._user_metrics, compiled._user_weighted_metrics)  # noqa: SLF001
    if not all(_can_be_copied(metric) for metric in keras.tree.flatten(asked)):
        return NOT_COPIED
    plain, weighted = keras.tree.map_structure(_copy, asked)
    let_results_be_values((plain, weighted))
    return CompileMetrics(plain, weighted, output_names=compiled.output_names)


def build_like(compiled: CompileMetrics, *, model: Any, batch: tuple[Any, ...]) -> None:
    """Have copied metrics make their variables, for the shapes of a model's outputs."""
    x, y, weight = keras.utils.unpack_x_y_sample_weight(keras.tree.map_structure(_symbolic, batch))
    outputs = compute_output_spec(model, x, training=False)
    compute_output_spec(compiled.update_state, y, outputs, sample_weight=weight)


def _symbolic(array: Any) -> Any:
    """Return what stands for an array of this shape."""
    return keras.KerasTensor(array.shape, standardize_dtype(array.dtype))


def _can_be_copied(metric: Any) -> bool:
    """Whether a metric is a name, a function, or an object whose settings say everything."""
    if not isinstance(metric, keras.metrics.Metric) or type(metric) is keras.metrics.MeanMetricWrapper:
        return True
    own = [name for name in ("__init__", "get_config") if not _module(type(metric), name).startswith("keras.")]
    return own != ["__init__"]


def _copy(metric: Any) -> Any:
    """Return another metric like it; names and functions are made into metrics anew anyway."""
    if type(metric) is keras.metrics.MeanMetricWrapper:
        return type(metric)(metric._fn, name=metric.name, dtype=metric.dtype, **metric._fn_kwargs)  # noqa: SLF001
    return type(metric).from_config(metric.get_config()) if isinstance(metric, keras.metrics.Metric) else metric


def asked_metrics(model: Any) -> tuple[Any, Any]:
    """Return metrics and weighted metrics as a model was compiled with them."""
    compiled = model._compile_metrics  # noqa: SLF001
    return (None, None) if compiled is None else (compiled._user_metrics, compiled._user_weighted_metrics)  # noqa: SLF001


def is_plain(model: Any) -> bool:
    """Whether a model's loss is one of Keras' losses, called on one output and nothing more."""
    compiled = model._compile_loss  # noqa: SLF001
    if computes_own_loss(model) or compiled is None or len(compiled._flat_losses) != 1:  # noqa: SLF001
        return False
    (loss,) = compiled._flat_losses  # noqa: SLF001
    return loss.loss_weights is None and loss.path == ()


def plain_loss(model: Any) -> Any:
    """Return the one loss of such a model."""
    return model._compile_loss._flat_losses[0].loss  # noqa: SLF001


def trains_itself(model: Any) -> bool:
    """Whether a model writes its own `train_step`."""
    return _is_own(model, "train_step")


def computes_own_loss(model: Any) -> bool:
    """Whether a model writes its own `compute_loss`."""
    return _is_own(model, "compute_loss")


def _is_own(model: Any, method: str) -> bool:
    """Whether a method of a model is not Keras'."""
    return not _module(type(model), method).startswith("keras.")


def _module(kind: type, method: str) -> str:
    """Return where a method of a class is written; Keras wraps what it decorates, and says so in `__wrapped__`."""
    found = getattr(kind, method)
    return str(getattr(found, "__wrapped__", found).__module__)
