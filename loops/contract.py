"""What a loop, a workload and the harness owe each other: the whole agreement on one page.

The harness hands a loop a `Job` and then an iterable of *blocks*, each a number of steps. A loop trains exactly that
many steps and asks for the next block; between two blocks the harness waits for the device and reads its clock.
So a hand-written loop, one `fit()` call for the whole trial and a compiled graph of many steps are all served alike:

    def train(self, blocks):
        batches = self.epochs()                        # endless
        for steps in blocks:                           # the harness reads its clock here
            for x, y in islice(batches, steps):
                ...                                    # one training step
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from enum import StrEnum
from math import isnan, nan
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from loops.errors import UnsupportedCell
from loops.samples import Digits as Digits  # noqa: PLC0414 - what a loop is fed is part of the agreement
from loops.samples import Samples as Samples  # noqa: PLC0414


class Track(StrEnum):
    """How the data reaches the loop. No two are ever ranked together."""

    MATCHED = "matched"
    """The same scaled float32 arrays in the same order for every loop, fed from memory: only the loop differs."""
    GUIDE = "guide"
    """Raw pixels through each framework's own pipeline, as its guide writes it."""
    PIPELINE = "pipeline"
    """The user's own pipeline, batch by batch, as its framework takes it: what it costs is part of what is measured."""


class Workload(ABC):
    """Model, loss, optimizer recipe, data and metric: everything about training but the loop."""

    name: ClassVar[str]
    kind: ClassVar[str] = "supervised"
    """Which loops can train it: a loop's name stands for one class per kind, see `loops.registry`."""
    metric_name: ClassVar[str] = "metric"
    """What the metric is called in a report."""
    training_samples: ClassVar[int]
    """How many there are for training; a batch cannot be larger."""
    batch_size: ClassVar[int]
    """Samples per step, unless the user asks for another size."""
    optimizer: ClassVar[str]
    """Class name that Keras and torch share: "Adam" or "SGD"."""
    learning_rate: ClassVar[float]
    torch_loss: ClassVar[str]
    """Class name in `torch.nn` of the same loss: "CrossEntropyLoss" or "MSELoss"."""
    tracks_losses: ClassVar[bool] = False
    """Whether layers add losses of their own (`add_loss`), which a loop has to add to the main one."""
    activity_penalty: ClassVar[float] = 0.0
    """The same for a loop with a model of its own: times the sum of the first hidden layer's activations, undivided."""
    hidden_units: int | None = None
    """Of each hidden layer, unless the user asks for another width; None where the model's size is fixed."""

    def of_width(self, units: int) -> Self:
        """Return the workload with so many units in each hidden layer.

        Raises:
            UnsupportedCell: If the size of its model is fixed.
        """
        if self.hidden_units is None:
            raise UnsupportedCell(f"the model of '{self.name}' has no hidden layers whose width could be chosen")
        workload = copy(self)
        workload.hidden_units = units
        return workload

    @abstractmethod
    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return training samples, in the order in which `matched` trains them, and validation samples."""

    @abstractmethod
    def build_model(self, *, seed: int) -> Any:
        """Return a Keras model with initial weights drawn by NumPy from ``seed``, so every backend starts equal."""

    def initial_weights(self, *, seed: int) -> list[NDArray[np.float32]]:
        """Return what `build_model` starts from, for loops that write the model themselves.

        Kernel (inputs, outputs) and bias (outputs,) of each layer in turn; all layers but the last are rectified.

        Raises:
            UnsupportedCell: If the model is more than a chain of dense layers; then only Keras can build it.
        """
        del seed
        raise UnsupportedCell(f"the model of '{self.name}' is built by Keras only: it is no chain of dense layers")

    @abstractmethod
    def build_loss(self, *, one_hot: bool) -> Any:
        """Return the Keras loss for these targets."""

    @abstractmethod
    def build_metric(self, *, one_hot: bool) -> Any:
        """Return the Keras metric, named "accuracy", "mae" or "generator_loss", for training and validation."""

    def build_optimizer(self) -> Any:
        """Return the recipe's optimizer of Keras, behind a loss scale where the model computes in float16."""
        import keras  # noqa: PLC0415 - the process chose the backend before this runs

        from loops import recipe  # noqa: PLC0415

        return recipe.scaled(recipe.optimizer_of(self), policy=keras.config.dtype_policy().name)

    def compile(self, model: Any, *, one_hot: bool, **options: Any) -> None:
        """Call `compile` of a Keras model with the recipe's optimizer, loss and metric, for loops that use `fit()`.

        Args:
            model: As `build_model` returned it.
            one_hot: As `Samples` of the training say.
            options: Of the loop, such as ``jit_compile=False``.
        """
        model.compile(
            optimizer=self.build_optimizer(),
            loss=self.build_loss(one_hot=one_hot),
            weighted_metrics=[self.build_metric(one_hot=one_hot)],
            **options,
        )

    def build_torch_optimizer(self, parameters: Any, **options: Any) -> Any:
        """Return the recipe's optimizer of PyTorch, which takes options such as ``fused=True``.

        Raises:
            UnsupportedCell: If PyTorch has none that does the same.
        """
        from loops import torch_names  # noqa: PLC0415

        return torch_names.optimizer(self.optimizer, parameters, lr=self.learning_rate, **options)

    def build_torch_loss(self, *, weighted: bool = False) -> Any:
        """Return the loss of PyTorch, a function of predictions, targets and, if it is weighted, sample weights.

        PyTorch's own mean knows no sample weights. Weighted losses are divided by the batch, as Keras does, and not by
        the sum of the weights.

        Raises:
            UnsupportedCell: If PyTorch has none that does the same.
        """
        from loops import torch_names  # noqa: PLC0415

        return torch_names.loss(self.torch_loss, weighted=weighted)

    def build_torch_scores(self) -> Any:
        """Return a function of predictions, targets and maybe sample weights to each sample's metric, shape (batch,).

        Whether the class is right or, where the loss is a squared error, the absolute error; times the weight.

        Raises:
            UnsupportedCell: If the metric is no mean over the samples.
        """
        from loops import torch_names  # noqa: PLC0415

        return torch_names.scores(self.torch_loss)

    def build_torch_metric(self, *, device: Any) -> Any:
        """Return what sums the metric up in PyTorch, with `reset_state`, `update_state` and `result`."""
        from loops.torch_metric import MeanScore  # noqa: PLC0415

        return MeanScore(self.build_torch_scores(), name=self.build_metric(one_hot=False).name, device=device)


class AdversarialWorkload(Workload):
    """Two models against each other: a discriminator tells real images from those that a generator makes.

    Its samples hold, row by row, an image (`inputs`), the labels to be shown for a generated and a real image
    (`targets`, shape (samples, 2)), and a latent point for each of the two updates of a step (`latents`). So every
    loop trains on the same random numbers.
    The metric is the generator's loss, the loss is the discriminator's, and weights are the discriminator's followed
    by the generator's.
    """

    kind: ClassVar[str] = "adversarial"
    metric_name: ClassVar[str] = "generator loss"
    generator_learning_rate: ClassVar[float]
    """`learning_rate` is the discriminator's."""

    @abstractmethod
    def build_model(self, *, seed: int) -> Any:
        """Return the discriminator; its output is one logit, positive for generated images."""

    @abstractmethod
    def build_generator(self, *, seed: int) -> Any:
        """Return the generator: latents of shape (batch, dimensions) to images."""

    def build_generator_optimizer(self) -> Any:
        """Return Keras' optimizer for the generator; `build_optimizer` is the discriminator's."""
        import keras  # noqa: PLC0415

        return getattr(keras.optimizers, self.optimizer)(learning_rate=self.generator_learning_rate)

    def build_torch_generator_optimizer(self, parameters: Any) -> Any:
        """Return PyTorch's optimizer for the generator."""
        from loops import torch_names  # noqa: PLC0415

        return torch_names.optimizer(self.optimizer, parameters, lr=self.generator_learning_rate)

    def draw(self, weights: list[NDArray[np.float32]], *, count: int, seed: int) -> NDArray[np.uint8]:
        """Return images that the generator makes of random points, shape (count, height, width), values 0..255.

        Args:
            weights: As in `Outcome`.
            count: How many images.
            seed: Same seed, same points.
        """
        import keras  # noqa: PLC0415 - the process chose the backend before this runs

        generator = self.build_generator(seed=seed)
        generator.set_weights(weights[-len(generator.weights) :])
        points = np.random.default_rng(seed).standard_normal((count, generator.input_shape[1]), dtype=np.float32)
        images: NDArray[np.float32] = keras.ops.convert_to_numpy(generator(points, training=False))
        pixels: NDArray[np.uint8] = np.rint(images[..., 0] * np.float32(255.0)).astype(np.uint8)
        return pixels


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What one trial trains."""

    workload: Workload
    training: Samples
    validation: Samples
    """Of no rows where there are none; then nobody asks for an evaluation."""
    track: Track
    batch_size: int
    device: str
    """"cpu" or "gpu"."""
    seed: int
    pipelines: tuple[Any, Any] = (None, None)
    """On the track `pipeline`, what makes the batches for training and validation; None for what comes from memory."""

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch; the remainder is dropped so that no step has a shape of its own."""
        return self.training.count // self.batch_size

    def steps_per_call(self, at_most: int) -> int:
        """Return the largest number of steps into which an epoch divides: no call then crosses the end of one."""
        return max(steps for steps in range(1, at_most + 1) if self.steps_per_epoch % steps == 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a loop has to show for its steps; read outside the clock."""

    steps: int
    """Updates done, as the optimizer counts them; where it does not, as PyTorch's SGD, the steps of finished blocks."""
    loss: float
    """Of the most recent step. A `fit()` loop only knows a mean: over the last block or, on JAX, over the steps of the
    epoch since it was last asked."""
    metric: float = nan
    """Training metric since the start of the current epoch; of several, the first. Need not be given beside them."""
    metrics: dict[str, float] = field(default_factory=dict)
    """All of them by their names; nothing where a model is trained without any, or a loop knows only one."""
    weights: list[NDArray[np.float32]]
    """Final weights in the order and layout of Keras' `get_weights`."""
    state: list[NDArray[Any]] | None = None
    """What is not trained, in the order of Keras' `non_trainable_variables`: moving averages, counters, seeds. None
    where the loop does not read it back."""
    gradients: list[NDArray[np.float32]] | None = None
    """Of the most recent step, in the same order, where they are at hand anyway, as in PyTorch: no loop keeps them for
    the check of its first step alone."""

    def __post_init__(self) -> None:
        """Take the first of the metrics for the metric, where only they are given."""
        if self.metrics and isnan(self.metric):
            object.__setattr__(self, "metric", next(iter(self.metrics.values())))


class Call(NamedTuple):
    """A function that a loop calls as `owner.name(...)`.

    What Python looks up in a class, as it does `model(x)`, is "__call__" of that class.
    """

    owner: Any
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Through which calls a loop does the parts of a step: a breakdown leaves them out to see what they cost.

    A call that is left out is answered with what it returned last. Nothing here for a part that the loop does without
    a call, or that a framework does for it. The backward pass is the framework's and needs no entry.
    """

    metric: tuple[Call, ...] = ()
    optimizer: tuple[Call, ...] = ()
    forward: tuple[Call, ...] = ()
    """With the loss."""
    step: tuple[Call, ...] = ()
    """All of a step, or what a framework has compiled of it: what is left without it is the loop around it."""
    fit_step: tuple[Call, ...] = ()
    """The same where `fit()` calls it."""


class Loop(ABC):
    """One way of writing training. Subclasses are final; each has its own body, which is what is compared."""

    backend: ClassVar[str]
    """"tensorflow", "torch", "jax" or "numpy"; chosen before anything is imported."""
    title: ClassVar[str] = ""
    """What people call it, such as "plain fit() on JAX"; read as text, so it is written out. Without one, it goes by
    its registered name."""
    change: ClassVar[str] = ""
    """What to type to have it, from a model that plain `fit()` trains; likewise. Code between back-ticks."""
    caution: ClassVar[str] = ""
    """What is lost with it, or when it does not pay, beyond what a run measures; likewise, a clause."""
    adam: ClassVar[str] = "keras-adam"
    """Which published formula the loop's Adam follows: Keras adds epsilon outside the bias correction, "torch-adam"
    after it. The difference is small per step and grows; each loop is held to the one it names."""
    own_model: ClassVar[bool] = False
    """Whether the loop writes the model itself, from `Workload.initial_weights`, instead of taking Keras'."""
    kind: ClassVar[str] = "supervised"
    """Which workloads a loop in a user's file can train; of registered ones, the registry knows."""
    requires: ClassVar[str] = ""
    """What it asks for beyond its framework, such as "keras>=3.16": without it, it is listed with that reason."""
    needs_gpu: ClassVar[bool] = False
    """Whether there is nothing to measure on a CPU."""
    steps_per_call: int = 1
    """Every block is a multiple of this; larger than 1 for loops that run a fixed number of steps in one call, which
    `prepare` may lower to a number that fits the job."""

    @abstractmethod
    def prepare(self, job: Job) -> None:
        """Build model, optimizer and batches on the device; timed as `build`, never as training.

        Every attribute that the loop has is made here, the loss before the first step included (NaN): none appears
        later, so that a loop is whole once it is prepared.
        """

    @abstractmethod
    def train(self, blocks: Iterable[int]) -> None:
        """Train as many steps as each block says; nothing else: no print, no progress bar, no clock."""

    @abstractmethod
    def evaluate(self) -> float | dict[str, float]:
        """Return the validation metric over all validation samples, or several by name; timed as one pass."""

    @abstractmethod
    def synchronise(self) -> None:
        """Return when the device has finished all the work that was given to it."""

    @abstractmethod
    def outcome(self) -> Outcome:
        """Return what the steps so far led to; never timed."""

    def epochs(self) -> Iterator[Any] | None:
        """Yield what `train` takes for each call of its step, epoch after epoch, without end; `train` begins with it.

        None where a framework fetches batches itself. A breakdown times it alone, and puts one that repeats a single
        batch in its place.
        """
        return None

    def parts(self) -> Parts:
        """Return through which calls `train` does the parts of a step; asked for after `prepare`.

        A loop that calls them as follows need not say anything:

            metric      `update_state` of any attribute, or `self.scores`
            optimizer   `self.optimizer.apply`, as Keras has it, or `.step`, as PyTorch does; or `self.update`
            forward     `self.model(...)`, `self.forward` and `self.loss_function`
            step        `self.train_step`, `self.compiled_step`, both with an "s" as well, or `self.loss_and_gradients`

        Under `fit()`, `self.model` has been compiled: then they are `optimizer` and `compute_loss` of the model, and
        the step is its `train_function`, which is there once `fit()` was called.
        """
        fields = vars(self)
        model = fields.get("model")
        optimizer = fields.get("optimizer") or getattr(model, "optimizer", None)
        return Parts(
            metric=(
                *(call for value in fields.values() for call in _calls(value, "update_state")),
                *_calls(self, "scores"),
            ),
            optimizer=(*_calls(optimizer, "apply", "step")[:1], *_calls(self, "update")),
            forward=(
                *_calls(type(model) if callable(model) else None, "__call__"),
                *_calls(model, "compute_loss"),
                *_calls(self, "forward", "loss_function"),
            ),
            step=_calls(self, "train_step", "train_steps", "compiled_step", "compiled_steps", "loss_and_gradients"),
            fit_step=_calls(model, "train_function"),
        )


def _calls(owner: Any, *names: str) -> tuple[Call, ...]:
    """Return those of the calls that an object or a class has."""
    return tuple(Call(owner, name) for name in names if callable(getattr(owner, name, None)))
