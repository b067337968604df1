"""How a `fit()` loop serves blocks: a Keras callback that hands over to the harness at their edges."""

from collections.abc import Iterable

import keras

UNTIL_STOPPED = 1_000_000
"""Epochs to ask of `fit`; `TrainingDone` ends it."""


class TrainingDone(Exception):
    """No block is left; leaves `fit` before it trains another step."""


class HandOver(keras.callbacks.Callback):
    """Counts the steps that `fit` does and asks for the next block when one is done.

    Only hooks that come before a batch and after an epoch are used: a hook after each batch would make Keras turn the
    logs of every step into numbers, which waits for the device each time.
    """

    def __init__(self, blocks: Iterable[int], *, steps_per_call: int = 1, fetch_at_edges: bool = True) -> None:
        """Take the first block.

        Args:
            blocks: Steps of each, a multiple of the steps per call.
            steps_per_call: What Keras calls `steps_per_execution`: it speaks of many steps as of one batch.
            fetch_at_edges: Whether the model can be read whenever a block ends. On JAX that takes time which is then
                part of the block; without it, a loop calls `fetch` before it reads.
        """
        super().__init__()
        self.steps_per_call = steps_per_call
        self.fetch_at_edges = fetch_at_edges or keras.backend.backend() != "jax"
        self.fetched = False
        self.blocks = iter(blocks)
        self.steps_left = next(self.blocks)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Count what is about to be trained."""
        del batch, logs
        if self.steps_left == 0:
            self.hand_over()
        self.steps_left -= self.steps_per_call

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Hand over before the next epoch resets the metrics, if a block ends with this one."""
        del epoch, logs
        if self.steps_left == 0:
            self.hand_over()

    def hand_over(self) -> None:
        """Ask for the next block.

        Raises:
            TrainingDone: If there is none.
        """
        if self.fetch_at_edges:
            self.fetch()
        self.steps_left = next(self.blocks, 0)
        if self.steps_left == 0:
            self.fetch()  # nobody holds the values any longer when `fit` is left
            raise TrainingDone
        if self.fetched:
            # What is read next of the loss is a mean of its own. Its tracker comes first, or is called so.
            trackers = [metric for metric in self.model.metrics if metric.name == "loss"]
            for metric in trackers or self.model.metrics[:1]:
                metric.reset_state()
            self.fetched = False

    def fetch(self) -> None:
        """Put the values of this moment into the model's variables; at the edge of a block only."""
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # on JAX, `fit` carries all values itself and leaves the variables empty
        self.fetched = True
