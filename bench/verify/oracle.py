"""What the float64 reference says of each step: supervised and adversarial training."""

from typing import Any, Protocol, final

from numpy.typing import NDArray

from bench.verify.distance import (
    ADVERSARIAL_WEIGHT_TOLERANCE,
    WEIGHT_TOLERANCE,
    Distance,
    EffectOnLoss,
    ReferenceStep,
    ShareOfTheWay,
)
from bench.verify.reference import dcgan, dense
from bench.verify.reference.dense import Batch, Formula, Recipe
from loops.contract import Samples


class Oracle(Protocol):
    """The reference beside one training; it keeps the state of its optimizers and nothing else."""

    distance: Distance

    def step(self, weights: list[NDArray[Any]], *, samples: Samples) -> ReferenceStep:
        """Return what one step on a batch leads to from these weights."""

    def evaluate(self, weights: list[NDArray[Any]], *, samples: Samples) -> float:
        """Return the validation metric."""


@final
class Supervised:
    """One model that learns from targets."""

    def __init__(self, recipe: Recipe, *, formula: Formula) -> None:
        """Start at step 0."""
        self._recipe = recipe
        self._optimizer = dense.Optimizer(formula, learning_rate=recipe.learning_rate)
        self.distance: Distance = ShareOfTheWay(allowed=WEIGHT_TOLERANCE[formula])

    def step(self, weights: list[NDArray[Any]], *, samples: Samples) -> ReferenceStep:
        """Return what one step on a batch leads to from these weights."""
        batch = batch_of(samples)
        loss, gradients = dense.loss_and_gradients(self._recipe, weights, batch=batch)
        return ReferenceStep(
            loss=loss,
            score=dense.evaluate(self._recipe, weights, batch=batch),
            weight=float(len(batch.inputs)) if batch.weights is None else float(batch.weights.sum()),
            weights=list(self._optimizer.updated(weights, gradients=gradients)),
            gradients=list(gradients),
        )

    def evaluate(self, weights: list[NDArray[Any]], *, samples: Samples) -> float:
        """Return accuracy or mean absolute error."""
        return dense.evaluate(self._recipe, weights, batch=batch_of(samples))


@final
class Adversarial:
    """Two models that learn from each other; the metric is the generator's loss."""

    def __init__(self, formula: Formula) -> None:
        """Start at step 0."""
        self._training = dcgan.Training(formula)
        self.distance: Distance = EffectOnLoss(
            allowed=ADVERSARIAL_WEIGHT_TOLERANCE, first_model=dcgan.DISCRIMINATOR_ARRAYS
        )

    def step(self, weights: list[NDArray[Any]], *, samples: Samples) -> ReferenceStep:
        """Return what one step on a batch leads to from these weights."""
        assert samples.latents is not None
        batch = dcgan.Batch(images=samples.inputs, labels=samples.targets, latents=samples.latents)
        step = self._training.step(weights, batch=batch)
        return ReferenceStep(
            loss=step.discriminator_loss,
            score=step.generator_loss,
            weight=1.0,
            weights=list(step.weights),
            gradients=list(step.gradients),
        )

    def evaluate(self, weights: list[NDArray[Any]], *, samples: Samples) -> float:
        """Return the generator's loss."""
        assert samples.latents is not None
        return dcgan.generator_loss(weights, latents=samples.latents[:, 1])


def batch_of(samples: Samples) -> Batch:
    """Return samples as the reference takes them."""
    return Batch(inputs=samples.inputs, targets=samples.targets, weights=samples.weights)
