"""Loops without a framework, for tests with real processes: one that works and one for each way to fail."""

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, final

import numpy as np

from loops.contract import Job, Loop, Outcome


class Softmax(Loop):
    """Logistic regression by gradient descent; subclasses break one thing each."""

    backend: ClassVar[str] = "numpy"

    def prepare(self, job: Job) -> None:
        """Lay out the samples."""
        self.x = job.training.inputs[: job.batch_size]
        self.y = np.eye(10, dtype=np.float32)[job.training.targets[: job.batch_size]]
        self.weights = np.zeros((784, 10), np.float32)
        self.steps = 0
        self.loss = 0.0

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        for steps in blocks:
            for _ in range(steps):
                self.step()

    def step(self) -> None:
        """Train on one batch."""
        exponentials = np.exp(self.x @ self.weights)
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        self.loss = float(-np.log((probabilities * self.y).sum(axis=1)).mean())
        self.weights -= 0.1 * self.x.T @ (probabilities - self.y) / len(self.x)
        self.steps += 1

    def evaluate(self) -> float:
        """Return the accuracy on the training batch."""
        return float(((self.x @ self.weights).argmax(1) == self.y.argmax(1)).mean())

    def synchronise(self) -> None:
        """Return at once: NumPy has finished when it returns."""

    def outcome(self) -> Outcome:
        """Return steps, loss and weights."""
        return Outcome(steps=self.steps, loss=self.loss, metric=self.evaluate(), weights=[self.weights])


@final
class Toy(Softmax):
    """Works."""

    backend: ClassVar[str] = "numpy"


@final
class ToySlow(Softmax):
    """Works, and does every step three times to be slower."""

    backend: ClassVar[str] = "numpy"

    def step(self) -> None:
        """Compute the forward pass twice more."""
        for _ in range(2):
            np.exp(self.x @ self.weights)
            np.exp(self.x.T @ self.y)
        super().step()


@final
class ToyTuned(Softmax):
    """Works, and learns as fast as a variable of the environment says."""

    backend: ClassVar[str] = "numpy"

    def step(self) -> None:
        """Scale the step; 1 is the step of `Toy`."""
        before = self.weights.copy()
        super().step()
        self.weights = before + float(os.environ.get("TOY_RATE", "1")) * (self.weights - before)


@final
class RaisesInBuild(Softmax):
    """Cannot be built."""

    backend: ClassVar[str] = "numpy"

    def prepare(self, job: Job) -> None:
        """Raise."""
        raise ValueError("no such layer")


@final
class FailsAtFirst(Softmax):
    """Works once a file is there, as a process that was killed when memory was short."""

    backend: ClassVar[str] = "numpy"

    def prepare(self, job: Job) -> None:
        """Look for the file."""
        if not Path(os.environ["TOY_READY"]).exists():
            raise OSError("not ready yet")
        super().prepare(job)


@final
class RaisesInTraining(Softmax):
    """Fails at step 30."""

    backend: ClassVar[str] = "numpy"

    def step(self) -> None:
        """Raise at step 30."""
        if self.steps == 30:
            raise RuntimeError("shapes do not match")
        super().step()


@final
class BecomesNan(Softmax):
    """Diverges."""

    backend: ClassVar[str] = "numpy"

    def step(self) -> None:
        """Lose the loss."""
        super().step()
        self.loss = float("nan")


@final
class NeverReturns(Softmax):
    """Hangs at step 30, holding the interpreter."""

    backend: ClassVar[str] = "numpy"

    def step(self) -> None:
        """Sleep for an hour at step 30."""
        if self.steps == 30:
            time.sleep(3600)
        super().step()


@final
class IsKilled(Softmax):
    """Dies the way the operating system kills."""

    backend: ClassVar[str] = "numpy"

    def step(self) -> None:
        """Kill the own process at step 30."""
        if self.steps == 30:
            os.kill(os.getpid(), signal.SIGKILL)
        super().step()


@final
class Exits(Softmax):
    """Leaves in the middle without a word."""

    backend: ClassVar[str] = "numpy"

    def step(self) -> None:
        """Leave at step 30."""
        if self.steps == 30:
            os._exit(3)
        super().step()


@final
class SkipsSteps(Softmax):
    """Does nine steps of ten."""

    backend: ClassVar[str] = "numpy"

    def train(self, blocks: Iterable[int]) -> None:
        """Skip every tenth step."""
        for steps in blocks:
            for index in range(steps):
                if index % 10 != 9:
                    self.step()


@final
class StopsEarly(Softmax):
    """Returns before it has trained what it was asked for."""

    backend: ClassVar[str] = "numpy"

    def train(self, blocks: Iterable[int]) -> None:
        """Train one block."""
        for steps in blocks:
            for _ in range(steps):
                self.step()
            return


class CannotBeWaitedFor(Loop):
    """Has no `synchronise`."""

    backend: ClassVar[str] = "numpy"

    def prepare(self, job: Job) -> None:
        """Do nothing."""

    def train(self, blocks: Iterable[int]) -> None:
        """Do nothing."""

    def evaluate(self) -> float:
        """Return nothing of interest."""
        return 0.0

    def outcome(self) -> Outcome:
        """Return nothing of interest."""
        return Outcome(steps=0, loss=0.0, metric=0.0, weights=[])


@final
class RunsOutOfMemory(Softmax):
    """Asks for more memory than there is."""

    backend: ClassVar[str] = "numpy"

    def prepare(self, job: Job) -> None:
        """Ask for an exbibyte."""
        np.ones(1 << 60, np.uint8)


@final
class PrintsALot(Softmax):
    """Writes to stdout and stderr, as frameworks do."""

    backend: ClassVar[str] = "numpy"

    def step(self) -> None:
        """Print before each step."""
        print('{"kind": "measured"}')
        print("chatter", file=sys.stderr)
        super().step()


@final
class NeedsJax(Softmax):
    """Needs a framework."""

    backend: ClassVar[str] = "jax"


@final
class NeedsGpu(Softmax):
    """Has nothing to do on a CPU."""

    backend: ClassVar[str] = "numpy"
    needs_gpu: ClassVar[bool] = True


@final
class NeedsLater(Softmax):
    """Needs a NumPy that nobody has."""

    backend: ClassVar[str] = "numpy"
    requires: ClassVar[str] = "numpy>=99"


@final
class ToyAdversary(Softmax):
    """Goes by the name of `toy` where two models are trained: the same name, another body."""

    backend: ClassVar[str] = "numpy"

    def prepare(self, job: Job) -> None:
        """Take the pixels of the first images as features, and the labels as they are."""
        assert job.training.latents is not None
        assert job.training.latents.shape[1:] == (2, 128)
        self.x = job.training.inputs[: job.batch_size].reshape(-1, 784)
        self.y = np.eye(10, dtype=np.float32)[np.rint(job.training.targets[: job.batch_size, 0]).astype(int)]
        self.weights = np.zeros((784, 10), np.float32)
        self.steps = 0
        self.loss = 0.0
