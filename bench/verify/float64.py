"""Any compiled Keras model, trained in float64 as `fit()` trains it: what a loop in float32 is held against.

The step is Keras' own `train_on_batch`, run eagerly, so everything that `compile()` and the model's methods say holds:
several losses and their weights, losses that layers add, a `compute_loss` of the user's, sample weights, clipping,
weight decay, moving averages of the weights, schedules, accumulated gradients, metrics. It is another backend's than
the loop's wherever there is one, so forward pass, gradients and update are computed by other code.

It does not run freely. A caller gives it the weights that a loop has before a step; the state of the optimizer stays
its own, fed by its own gradients.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bench.verify.framework_wide import LAYERS, Trait
from bench.worker.failure import NotRepeatable

REAL_STEPS = 8
"""Updates for which a hurried schedule keeps its own time; from then on each is ten times as late as the one before."""

REHEARSAL = "rehearsal in float64"
"""What the process is at while a model shows whether it can be trained there; what fails later is the loop's doing."""

MOST_LATE = 6
"""Powers of ten by which a step of a hurried schedule is late in the end: no training is longer."""

LARGEST_RATE = 1.0
"""That a schedule may reach while it is hurried, or ten times what it begins with, where that is more."""

TORCH_EPSILON = 1e-8
"""Of `torch.optim.Adam`, where nobody chooses another; Keras' is 1e-7."""


@contextmanager
def everything_in_float64() -> Iterator[None]:
    """Have Keras make every layer, loss, metric and optimizer in float64, whatever its own policy says."""
    import keras  # noqa: PLC0415 - the process chose the backend before this runs
    from keras.src import dtype_policies  # noqa: PLC0415 - where layers look it up
    from keras.src.backend.common import dtypes  # noqa: PLC0415 - where operations do

    if keras.backend.backend() == "jax":
        import jax  # noqa: PLC0415

        jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - its signature
    found, floatx = dtype_policies.get, keras.config.floatx()

    def get(identifier: Any) -> Any:
        policy = found(identifier)
        compute = getattr(policy, "compute_dtype", None)
        return keras.DTypePolicy("float64") if compute is None or "float" in compute else policy

    narrowed = dict(dtypes.BIT64_TO_BIT32_DTYPE)
    # But for TensorFlow, Keras narrows what an operation promotes to float64, as JAX does.
    dtypes.BIT64_TO_BIT32_DTYPE.update({"float64": "float64", "complex128": "complex128"})
    dtype_policies.get = get
    keras.config.set_floatx("float64")
    try:
        yield
    finally:
        dtype_policies.get = found
        dtypes.BIT64_TO_BIT32_DTYPE.update(narrowed)
        keras.config.set_floatx(floatx)


def hurry(optimizer: Any) -> None:
    """Let a schedule of the learning rate pass through all its stages within a dozen updates.

    Over so few steps of a long training a schedule hardly moves, and one that is frozen would not show. Its first
    steps stay as they are. One that grows, as whoever looks for the best rate lets it, is followed for as long as its
    rates can be trained with.

    Args:
        optimizer: Of Keras; nothing happens to one whose rate is a number.
    """
    import keras  # noqa: PLC0415

    scheduled: Any = getattr(optimizer, "_learning_rate", None)
    if not isinstance(scheduled, keras.optimizers.schedules.LearningRateSchedule):
        return
    if hasattr(scheduled, "hurried"):
        return

    last = _last_step(scheduled)

    class Hurried(keras.optimizers.schedules.LearningRateSchedule):
        """The schedule of a later step; the names are those that `loops.around_the_update` asks for."""

        hurried = scheduled

        @staticmethod
        def step_of(step: int) -> float:
            """Return which of its steps is meant, for loops that compute a rate without Keras."""
            if step < REAL_STEPS:
                return step
            return max(float(step), min(step * 10.0 ** min(step - (REAL_STEPS - 1), MOST_LATE), last))

        def __call__(self, step: Any) -> Any:
            """Return the rate at a step."""
            step = keras.ops.cast(step, "float32")
            late = keras.ops.power(10.0, keras.ops.clip(step - (REAL_STEPS - 1.0), 0.0, float(MOST_LATE)))
            meant = keras.ops.maximum(step, keras.ops.minimum(step * late, last))
            return scheduled(keras.ops.where(step < REAL_STEPS, step, meant))

        def get_config(self) -> dict[str, Any]:
            """Return the schedule's own settings."""
            settings: dict[str, Any] = scheduled.get_config()
            return settings

    Hurried.__name__ = type(scheduled).__name__  # what a loop says of it, it says of the user's
    optimizer._learning_rate = Hurried()  # noqa: SLF001 - the setter refuses one schedule for another


def _last_step(scheduled: Any) -> float:
    """Return the last step that a hurried schedule may come to: before any at which nobody could train."""
    import keras  # noqa: PLC0415

    def rate(step: float) -> float:
        return float(keras.ops.convert_to_numpy(scheduled(keras.ops.cast(step, "float32"))))

    most = max(LARGEST_RATE, *(10.0 * rate(step) for step in range(REAL_STEPS)))
    late = ((REAL_STEPS - 1 + power) * 10.0**power for power in range(1, MOST_LATE + 1))
    return max(takewhile(lambda step: rate(step) <= most, late), default=float(REAL_STEPS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What `fit()` takes for one step, each of them an array, or arrays nested in dicts, lists and tuples."""

    x: Any
    y: Any
    weight: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one step leads to."""

    loss: float
    """Of this batch, before the update."""
    metrics: dict[str, float]
    """Every metric of the model but the loss, since the epoch began."""
    weights: list[NDArray[np.float64]]
    """After the update, in the order of `get_weights`."""
    gradients: list[NDArray[np.float64] | None]
    """Of the loss, before anything is clipped or added, in the same order; None for what has none."""
    updates: int
    """How many the optimizer has counted."""


@final
class Training:
    """One training of one model."""

    def __init__(self, model: Any, *, first: Batch, torch_epsilon: float | None = None) -> None:
        """Build what is not built yet.

        Args:
            model: Compiled, made within `everything_in_float64`.
            first: Any batch, by which shapes become known.
            torch_epsilon: For loops whose Adam adds epsilon after the correction of the bias; None is Keras' formula.

        Raises:
            NotRepeatable: If the model trains nothing by an optimizer; says what to do.
        """
        from loops.recipe import trains_itself  # noqa: PLC0415 - which imports Keras
        from loops.workloads.compiled import is_whole  # noqa: PLC0415

        if getattr(model, "optimizer", None) is None:
            raise NotRepeatable("the model is not compiled with an optimizer, so there is nothing to train")
        self.model = model
        """Compiled, with everything built."""
        self._torch_epsilon = torch_epsilon
        self._start_epoch: Callable[[], None] = model.reset_metrics
        model.run_eagerly = True
        model.jit_compile, model.steps_per_execution = False, 1
        model.reset_metrics = _do_nothing  # `train_on_batch` would begin an epoch with every batch
        self.own_step = trains_itself(model)
        for name in ("train_step", "test_step"):
            _set(model, name, _as_fit_calls(getattr(model, name), converted=self.own_step))
        self.own_optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        self.keras_epsilon: float | None = getattr(self.own_optimizer, "epsilon", None)
        hurry(self.own_optimizer)
        self._gradients: dict[int, NDArray[np.float64] | None] = {}
        self._apply = model.optimizer.apply
        _set(model.optimizer, "apply", self._observed_apply)
        built = model.built and all(layer.built for layer in model._flatten_layers())  # noqa: SLF001 - no public list
        if not built and not is_whole(model):
            model(_sliced(first.x), training=False)

    @property
    def trainable(self) -> list[bool]:
        """Whether each of the weights is moved by the optimizer."""
        moved = {id(variable) for variable in self.model.trainable_weights}
        return [id(variable) in moved for variable in self.model.weights]

    @property
    def names(self) -> list[str]:
        """What the weights are called."""
        return [str(variable.path) for variable in self.model.weights]

    @property
    def traits(self) -> tuple[Trait, ...]:
        """What about the model frameworks do differently."""
        names = [type(layer).__name__ for layer in self.model._flatten_layers()]  # noqa: SLF001
        found = tuple(trait for trait, part in LAYERS.items() if any(part in name for name in names))
        return (*found, Trait.KEEPS_STATE) if self._kept else found

    @property
    def _kept(self) -> list[Any]:
        """Variables that go on from batch to batch and that Keras lists nowhere: states of stateful RNNs."""
        import keras  # noqa: PLC0415

        layers = [layer for layer in self.model._flatten_layers() if getattr(layer, "stateful", False)]  # noqa: SLF001
        found = keras.tree.flatten([getattr(layer, "states", None) for layer in layers])
        return list({id(variable): variable for variable in found if isinstance(variable, keras.Variable)}.values())

    def start_epoch(self) -> None:
        """Let metrics begin anew."""
        self._start_epoch()

    def step(self, batch: Batch, *, weights: list[NDArray[Any]]) -> Step:
        """Train one batch from these weights.

        Args:
            batch: What `fit()` would take.
            weights: In the order of `get_weights`, those that are not trained included.
        """
        from loops.outcomes import with_loss  # noqa: PLC0415 - which imports Keras

        self.model.set_weights(weights)
        self._forget_loss()
        self._gradients = {}
        said = with_loss(self.model.train_on_batch(batch.x, batch.y, sample_weight=batch.weight, return_dict=True))
        return Step(
            loss=float(said["loss"]),
            metrics=_numbers({name: value for name, value in said.items() if name != "loss"}),
            weights=[np.asarray(array, np.float64) for array in self.model.get_weights()],
            gradients=[self._gradients.get(id(variable)) for variable in self.model.weights],
            updates=int(self.model.optimizer.iterations),
        )

    def evaluate(self, batches: Iterable[Batch], *, weights: list[NDArray[Any]]) -> dict[str, float]:
        """Return every metric over some batches, the loss included, as after the end of a training.

        There, averages of the weights take their place where the optimizer keeps some, as `fit()` ends.
        """
        self.model.set_weights(weights)
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        self.start_epoch()
        said: Mapping[str, Any] = {}
        for batch in batches:
            said = self.model.test_on_batch(batch.x, batch.y, sample_weight=batch.weight, return_dict=True)
        self.start_epoch()
        return _numbers(said)

    def _forget_loss(self) -> None:
        """Have Keras tell the loss of the next batch, and not a mean; as `loops.hand_over` does."""
        trackers = [metric for metric in self.model.metrics if metric.name == "loss"]
        for metric in trackers or self.model.metrics[:1]:
            metric.reset_state()

    def _observed_apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Note the gradients and apply them."""
        import keras  # noqa: PLC0415

        grads = list(map(_whole, grads))
        # A training step of the model's own may move some of the weights only.
        moved = self.model.trainable_weights if trainable_variables is None else list(trainable_variables)
        self._gradients |= {
            id(variable): None if one is None else np.array(keras.ops.convert_to_numpy(one), np.float64)
            for variable, one in zip(moved, grads, strict=False)
        }
        optimizer = self.own_optimizer
        if self._torch_epsilon is not None and hasattr(optimizer, "beta_2"):
            update = int(optimizer.iterations) + 1
            optimizer.epsilon = self._torch_epsilon * (1.0 - optimizer.beta_2**update) ** 0.5
        return self._apply(grads, trainable_variables)

    def check_kept(self) -> None:
        """Refuse to be a reference of what this backend forgets.

        Raises:
            NotImplementedError: For a stateful RNN on JAX, where Keras computes a state and lets it go.
        """
        import keras  # noqa: PLC0415

        if keras.backend.backend() == "jax" and self._kept:
            raise NotImplementedError("on JAX, Keras does not keep the state of a stateful RNN")

    def check_repeatable(self, batch: Batch) -> None:
        """Refuse a model that computes something else every time; what it keeps from batch to batch stays as it was.

        Raises:
            NotRepeatable: If it does.
        """
        if self.own_step:  # forward pass and loss may be in that alone
            return
        weights, kept = self.model.get_weights(), [(one, np.array(one.value)) for one in self._kept]
        losses = []
        for _ in range(2):
            predictions = self.model(_tensors(batch.x), training=True)
            losses.append(float(_detached(self.model.compute_loss(**_loss_arguments(batch, predictions)))))
            self.model.set_weights(weights)
            for variable, value in kept:
                variable.assign(value)
        self.start_epoch()
        if losses[0] != losses[1] and not np.isnan(losses).any():
            raise NotRepeatable(
                f"the model computes another loss each time, {losses[0]:.6g} and {losses[1]:.6g} from the same batch "
                "and weights, so nothing can be held against it: it draws random numbers that are not Keras'; draw "
                "them by keras.random with a keras.random.SeedGenerator"
            )


def _whole(gradient: Any) -> Any:
    """Return a gradient in one piece.

    On TensorFlow, that of rows that were looked up comes as a list of rows, one of them as often as a batch looks it
    up, and Keras' optimizers square and clip what has not been summed.
    """
    if type(gradient).__name__ != "IndexedSlices":
        return gradient
    import tensorflow as tf  # noqa: PLC0415

    return tf.convert_to_tensor(gradient)


def _as_fit_calls(step: Callable[..., Any], *, converted: bool) -> Callable[..., Any]:
    """Return a step that gets what `fit()` hands over, and not a part for everything that there is none of.

    Without weights (x, y), and of inputs alone those; `train_on_batch` hands over (x, None, None), arrays of NumPy.
    """

    def called(*arguments: Any) -> Any:
        *state, batch = arguments  # only JAX hands over a state
        batch = _tensors(batch, floats="float64") if converted else batch
        if not isinstance(batch, tuple) or len(batch) != len(Batch.__slots__) or batch[2] is not None:
            return step(*state, batch)
        x, y, _ = batch
        alone = (x,) if isinstance(x, tuple | list) else x
        return step(*state, alone if y is None else (x, y))

    return called


def _do_nothing() -> None:
    """Do nothing."""


def _set(owner: Any, name: str, value: Any) -> None:
    """Set an attribute past an owner that keeps track of what it is given."""
    object.__setattr__(owner, name, value)


def _numbers(said: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as loops name them."""
    from loops.outcomes import numbers  # noqa: PLC0415 - which imports Keras

    return numbers(dict(said))


def _sliced(tree: Any) -> Any:
    """Return the first sample of nested arrays as tensors."""
    import keras  # noqa: PLC0415

    return keras.tree.map_structure(lambda array: keras.ops.convert_to_tensor(array[:1]), tree)


def _tensors(tree: Any, *, floats: str | None = None) -> Any:
    """Return nested arrays as tensors, those of floats in a precision where one is asked for."""
    import keras  # noqa: PLC0415

    def tensor(array: Any) -> Any:
        kind = None if floats is None or getattr(array, "dtype", np.dtype(bool)).kind != "f" else floats
        return None if array is None else keras.ops.convert_to_tensor(array, dtype=kind)

    return keras.tree.map_structure(tensor, tree)


def _loss_arguments(batch: Batch, predictions: Any) -> dict[str, Any]:
    """Return what `compute_loss` takes."""
    return {
        "x": _tensors(batch.x),
        "y": _tensors(batch.y),
        "y_pred": predictions,
        "sample_weight": _tensors(batch.weight),
    }


def _detached(loss: Any) -> Any:
    """Return a loss as NumPy has it."""
    import keras  # noqa: PLC0415

    return keras.ops.convert_to_numpy(loss)
