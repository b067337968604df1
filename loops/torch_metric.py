"""A metric summed up the PyTorch way: what each sample scores, added on the device."""

from collections.abc import Callable
from typing import Any, final

import torch


@final
class MeanScore:
    """The mean of a score over all samples, each times its weight.

    The sums stay on the device: reading them for every batch would wait for it each time.
    """

    def __init__(self, scores: Callable[..., torch.Tensor], *, name: str, device: torch.device) -> None:
        """Nothing is counted yet.

        Args:
            scores: Of predictions, targets and maybe weights to each sample's score times its weight, shape (batch,).
            name: Of the metric.
            device: Where the sums are.
        """
        self.name = name
        self.scores = scores
        self.score = torch.zeros((), device=device)
        self.seen = torch.zeros((), device=device)

    def reset_state(self) -> None:
        """Begin anew."""
        self.score.zero_()
        self.seen.zero_()

    def update_state(self, targets: torch.Tensor, outputs: torch.Tensor, *weight: torch.Tensor) -> None:
        """Add a batch."""
        self.score += self.scores(outputs, targets, *weight).sum()
        self.seen += weight[0].sum() if weight else len(targets)

    def result(self) -> float:
        """Return the mean so far; waits for the device. 0 where nothing has any weight, as in Keras."""
        seen = self.seen.item()
        return self.score.item() / seen if seen else 0.0


@final
class KerasMetric:
    """Metrics of Keras where PyTorch has no plain form of them; they keep no graph for a backward pass."""

    def __init__(self, metric: Any) -> None:
        """Take over one metric, or an object that stands for several."""
        self.name = metric.name
        self.metric = metric

    def reset_state(self) -> None:
        """Begin anew."""
        self.metric.reset_state()

    def update_state(self, targets: Any, outputs: Any, *weight: Any) -> None:
        """Add a batch."""
        with torch.no_grad():
            self.metric.update_state(targets, outputs, sample_weight=weight[0] if weight else None)

    def result(self) -> Any:
        """Return what Keras returns: a number, or several by name."""
        return self.metric.result()
