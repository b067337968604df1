"""Any compiled Keras model as a workload: what a user's file gives, in the form that every loop reads.

A file with `model()` and `data()`, a saved `.keras` file with arrays, and a `Workload` class in a user's file all end
here. Optimizer, losses, weights of losses, metrics and policy are those that `compile()` was told; arrays and initial
weights are those that were prepared once for the run (`loops.prepared`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from loops.contract import Digits, Samples, Track, Workload
from loops.data.text import refuse_text
from loops.drain import is_pipeline
from loops.errors import UnsupportedCell
from loops.intake import parts_of
from loops.nested import Nested, is_nested, map_leaves

PLAIN_OPTIMIZERS = ("Adam", "SGD")
"""Whose formulas loops without a framework write out, with nothing beside the learning rate."""
NEVER_PLAIN = ("clipnorm", "clipvalue", "global_clipnorm", "momentum", "nesterov", "weight_decay", "use_ema", "amsgrad")


@final
class CompiledModel(Workload):
    """A model that somebody has compiled, whatever kind it is."""

    def __init__(self, name: str, *, batch_size: int, build: Callable[..., Any], declared: Workload | None) -> None:
        """Wrap what builds the model.

        Args:
            name: Of the workload.
            batch_size: Samples per step.
            build: From a seed, and whether targets are one-hot, to a new model that is compiled.
            declared: The user's class, where there is one: what it says beside the model is kept.
        """
        self.name = name  # type: ignore[misc]  # each has its own
        self.batch_size = batch_size  # type: ignore[misc]
        self._build = build
        self._declared = declared
        self._model: Any = None
        self._handed_out: set[str] = set()
        self.fixed_batch_size: int | None = None
        self.one_hot = False
        self.masked = False
        self.skips_steps = False
        self.output_rank: int | None = None
        self.fed: tuple[Samples, Samples] | None = None
        self.initial: list[NDArray[Any]] | None = None
        self.make_data: Callable[[], Any] | None = None
        self._piped = False
        self.optimizer = getattr(declared, "optimizer", "compiled")  # type: ignore[misc]
        for said in ("metric_name", "activity_penalty", "hidden_units", "torch_loss", "learning_rate"):
            if hasattr(declared, said):
                setattr(self, said, getattr(declared, said))

    def __getattr__(self, name: str) -> Any:
        """Return what the user's class says beyond what a workload has to, for the user's own loops."""
        if name.startswith("__") or self.__dict__.get("_declared") is None:
            raise AttributeError(name)
        return getattr(self._declared, name)

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return the arrays that were prepared, or those that the user's class makes for another track."""
        if self.fed is not None:
            return self.fed
        assert self._declared is not None  # a file without a class is always prepared
        return self._declared.samples(digits, track=track, backend=backend, seed=seed)

    def pipelines(self, *, seed: int) -> tuple[Any, Any]:
        """Return the user's own pipelines for training and validation, made anew; None for what comes from memory.

        Args:
            seed: Of NumPy, Python and the framework, which `data()` may draw from.

        Raises:
            UnsupportedCell: If training samples come as arrays.
        """
        import keras  # noqa: PLC0415 - the process chose the backend before this runs

        keras.utils.set_random_seed(seed)
        returned = None if self.make_data is None else self.make_data()
        training, validation = (part if is_pipeline(part) else None for part in parts_of(returned, inputs=None))
        if training is None:
            raise UnsupportedCell(f"'{self.name}' has no pipeline of its own: its samples are arrays")
        self._piped = True
        return training, validation

    def build_model(self, *, seed: int) -> Any:
        """Return a new model, compiled, with the weights that were prepared."""
        import keras  # noqa: PLC0415 - the process chose the backend before this runs

        from loops import recipe  # noqa: PLC0415
        from loops.workloads import refused  # noqa: PLC0415

        if self.fed is not None and keras.backend.backend() != "tensorflow":
            refuse_text(self.fed[0], framework=keras.backend.backend())
        model = self._build(seed, one_hot=self.one_hot)
        if self.fed is not None:
            refused.refuse_state_in_place(model)
            build_by(model, self.fed[0].rows(slice(self.batch_size)))
        if self.initial is not None:
            restore(model, self.initial)
        if isinstance(model, keras.Model) and model.compiled:  # who prepares a workload refuses what is not
            _let_training_be_said(model)
            _begin_anew(model)
            recipe.let_results_be_values(recipe.asked_metrics(model))
        self._model = model
        self._handed_out.clear()
        return model

    def initial_weights(self, *, seed: int) -> list[NDArray[np.float32]]:
        """Return what the user's class says of a chain of dense layers, for loops that write the model themselves."""
        if self._declared is None:
            return super().initial_weights(seed=seed)
        weights = self._declared.initial_weights(seed=seed)
        beside = [name for name in NEVER_PLAIN if getattr(self._declared, name, None)]
        if self.optimizer not in PLAIN_OPTIMIZERS or beside:
            raise UnsupportedCell(f"loops that write the model themselves know {' and '.join(PLAIN_OPTIMIZERS)} only")
        return weights

    def build_loss(self, *, one_hot: bool = False) -> Any:
        """Return Keras' own loss where there is one for one output, else an object that is called like it.

        Raises:
            UnsupportedCell: If the model trains itself, which a loop cannot do step by step.
        """
        from loops import recipe  # noqa: PLC0415 - the process chose the backend before this runs
        from loops.workloads import refused  # noqa: PLC0415

        del one_hot
        model = self._whole()
        refused.refuse_own_step(model)
        if recipe.computes_own_loss(model):
            return self._own_loss(model)
        if model._compile_loss is None:  # noqa: SLF001 - Keras has no public name for it
            return recipe.NoLoss()
        return recipe.plain_loss(model) if recipe.is_plain(model) else recipe.ModelLoss(model)

    def _own_loss(self, model: Any) -> Any:
        """Return the model's own `compute_loss`, which adds what layers added by itself."""
        import keras  # noqa: PLC0415

        from loops import recipe  # noqa: PLC0415

        if keras.backend.backend() == "jax":
            raise UnsupportedCell(
                f"{type(model).__name__} writes its own compute_loss, which in JAX only fit() can differentiate; see "
                "jax-fit and jax-fit-stock"
            )
        return recipe.ModelLoss(model)

    def build_metric(self, *, one_hot: bool = False) -> Any:
        """Return Keras' own metric where there is one, else an object that stands for all; a new one each time."""
        from loops import recipe  # noqa: PLC0415

        del one_hot
        model = self._whole()
        weighted = self.fed is not None and any(samples.weights is not None for samples in self.fed)
        if "metric" not in self._handed_out:
            self._handed_out.add("metric")
            return recipe.metrics_of(model._compile_metrics, weighted=weighted)  # noqa: SLF001
        copied = recipe.copied(model._compile_metrics)  # noqa: SLF001
        if copied is recipe.NOT_COPIED:
            return recipe.metrics_of(self._another()._compile_metrics, weighted=weighted)  # noqa: SLF001
        if copied is not None:
            recipe.build_like(copied, model=model, batch=self._batch())
        return recipe.metrics_of(copied, weighted=weighted)

    def build_optimizer(self) -> Any:
        """Return the optimizer that the model was compiled with, and has done nothing yet."""
        model = self._whole() if "optimizer" not in self._handed_out else self._another()
        self._handed_out.add("optimizer")
        return model.optimizer

    def compile(self, model: Any, *, one_hot: bool, **options: Any) -> None:
        """Leave the model as it was compiled, but for what a loop is about; steps per call are for those that ask.

        Raises:
            UnsupportedCell: If Keras cannot do what the loop is about with this model.
        """
        from loops import outcomes, recipe  # noqa: PLC0415 - the process chose the backend before this runs
        from loops.workloads import refused  # noqa: PLC0415

        del one_hot
        refused.refuse_foreign_step(model)
        for name, value in ({"steps_per_execution": 1} | options).items():
            setattr(model, name, value)
        refused.refuse_many_steps(model)
        if recipe.trains_itself(model):
            refused.refuse_unbuilt(model, self._batch())
            outcomes.note_what_is_said(model)
        model.train_function = model.test_function = None

    def build_torch_optimizer(self, parameters: Any, **options: Any) -> Any:
        """Return PyTorch's optimizer with every setting of the compiled one written out."""
        from loops import keras_to_torch  # noqa: PLC0415
        from loops.workloads import refused  # noqa: PLC0415

        model, given = self._built(), list(parameters)
        refused.refuse_missing_parameters(model, given)
        return keras_to_torch.optimizer(model.optimizer, given, **options)

    def build_torch_loss(self, *, weighted: bool = False) -> Any:
        """Return PyTorch's loss that computes what the compiled one does."""
        from loops import keras_to_torch  # noqa: PLC0415
        from loops.workloads import refused  # noqa: PLC0415

        model = self._whole()
        refused.refuse_own_step(model)
        assert self.fed is not None
        return keras_to_torch.loss(
            model,
            named=getattr(self, "torch_loss", None),
            weighted=weighted,
            masked=self.masked,
            targets=None if self._piped else self.fed[0].targets,
            outputs=self.output_rank,
        )

    def build_torch_scores(self) -> Any:
        """Return each sample's metric, of a metric that is a mean of such."""
        from loops import keras_to_torch  # noqa: PLC0415

        found = keras_to_torch.scores(self.build_metric(), fed=self.fed)
        if found is None:
            raise UnsupportedCell("the metric is no mean of one score per sample; see torch-keras")
        return found

    def build_torch_metric(self, *, device: Any) -> Any:
        """Return the metric summed up by PyTorch, or Keras' object where it is no mean over the samples."""
        from loops import keras_to_torch  # noqa: PLC0415
        from loops.torch_metric import KerasMetric, MeanScore  # noqa: PLC0415

        metric = self.build_metric()
        scores = keras_to_torch.scores(metric, fed=self.fed)
        return KerasMetric(metric) if scores is None else MeanScore(scores, name=metric.name, device=device)

    def _built(self) -> Any:
        """Return the model of this process, building it where a loop has its own."""
        return self.build_model(seed=0) if self._model is None else self._model

    def _whole(self) -> Any:
        """Return the model with its losses and metrics made for the shapes of the data, as `fit()` makes them."""
        model = self._built()
        if self.fed is not None and not is_whole(model):
            model._symbolic_build(data_batch=self._batch())  # noqa: SLF001 - what `fit()` does before its first step
        return model

    def _another(self) -> Any:
        """Return one more model like the one of this process."""
        kept = self._model
        self.build_model(seed=0)
        other = self._whole()
        self._model = kept
        return other

    def _batch(self) -> tuple[Any, ...]:
        """Return what stands for a batch of the training samples when a model is built."""
        assert self.fed is not None
        return stand_ins(self.fed[0].rows(slice(self.batch_size)))


def _begin_anew(model: Any) -> None:
    """Give a model whose optimizer has done steps, as a saved one's has, an optimizer of the same settings."""
    from loops import recipe  # noqa: PLC0415

    optimizer = model.optimizer
    if getattr(optimizer, "built", False) and int(optimizer.iterations) > 0:
        model.optimizer = recipe.fresh(optimizer)


def _let_training_be_said(model: Any) -> None:
    """Have a model whose `call` takes no `training` pass over it: unlike `model(...)`, `stateless_call` hands it on."""
    import keras  # noqa: PLC0415

    if keras.backend.backend() != "jax" or model._call_has_training_arg:  # noqa: SLF001
        return
    call = model.call

    def passing_over(*arguments: Any, training: bool | None = None, **options: Any) -> Any:
        del training
        return call(*arguments, **options)

    model.call = passing_over


def is_whole(model: Any) -> bool:
    """Whether a model that trains itself has all its layers built, so that `fit()` needs no forward pass to begin."""
    from loops import recipe  # noqa: PLC0415 - the process chose the backend before this runs

    layers = model._flatten_layers(include_self=False)  # noqa: SLF001 - of layers in layers, Keras has no public list
    return recipe.trains_itself(model) and all(layer.built for layer in layers)


def build_by(model: Any, batch: Samples) -> None:
    """Build a model by a batch, where nobody has; one that trains itself need not have a forward pass, and is left."""
    import keras  # noqa: PLC0415

    from loops import recipe  # noqa: PLC0415

    def is_built() -> bool:
        return all(layer.built for layer in model._flatten_layers())  # noqa: SLF001

    if is_built() or is_whole(model):
        return
    if isinstance(model, keras.Sequential) and not is_nested(batch.inputs):
        model.build((None, *batch.inputs.shape[1:]))  # a call would leave it with this batch's size for good
        if is_built():  # unless a layer knows no shapes without values, and Keras passes over that in silence
            return
    try:
        model(map_leaves(as_tensor, batch.inputs))
    except (NotImplementedError, TypeError, ValueError):
        if not recipe.trains_itself(model):
            raise


@dataclass(frozen=True, slots=True)
class _Text:
    """Shape and kind of an array of text, in Keras' words."""

    shape: tuple[int, ...]
    dtype: str = "string"


def stand_ins(batch: Samples) -> tuple[Nested, ...]:
    """Return what has the shapes and kinds of a batch, for `_symbolic_build`; Keras does not know NumPy's text."""
    found: tuple[Nested, ...] = map_leaves(
        lambda array: _Text(array.shape) if array.dtype.kind in "US" else array, batch.arrays
    )
    return found


def as_tensor(array: NDArray[Any]) -> Any:
    """Return an array as a tensor of the framework.

    Raises:
        UnsupportedCell: If it holds text, and there is no such tensor.
    """
    import keras  # noqa: PLC0415

    if array.dtype.kind not in "US":
        return keras.ops.convert_to_tensor(array)
    if keras.backend.backend() != "tensorflow":
        raise UnsupportedCell(f"{keras.backend.backend()} has no tensors of text; see tf-fit-stock and tf-function")
    import tensorflow as tf  # noqa: PLC0415

    return tf.constant(array)


def restore(model: Any, weights: list[NDArray[Any]]) -> None:
    """Give a model the values of all its variables that are kept between steps.

    Raises:
        UnsupportedCell: If it has others than the model that they were taken from.
    """
    variables = model.variables
    if [tuple(variable.shape) for variable in variables] != [array.shape for array in weights]:
        raise UnsupportedCell(
            "the model has other weights here than in the process that prepared them; it has to be the same each time, "
            "under every framework"
        )
    for variable, array in zip(variables, weights, strict=True):
        variable.assign(array)
    for layer in model._flatten_layers():  # noqa: SLF001 - of layers in layers, Keras has no public list
        if layer.built and hasattr(layer, "finalize_state"):
            layer.finalize_state()  # such as Normalization, which computes with copies of what it has counted


def values_of(model: Any) -> list[NDArray[Any]]:
    """Return the values that `restore` takes: trained weights, averages, counters, seeds."""
    import keras  # noqa: PLC0415

    return [_storable(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables]


def _storable(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that NumPy can store: bfloat16, which it does not know, as float32, which holds it exactly."""
    return array if array.dtype.kind in "biufUS" else array.astype(np.float32)
