"""PyTorch's optimizers and losses by the names that a workload gives, with PyTorch's own defaults, as its guides do."""

from typing import Any

import torch


def optimizer(name: str, parameters: Any, **options: Any) -> torch.optim.Optimizer:
    """Return an optimizer."""
    made: torch.optim.Optimizer = getattr(torch.optim, name)(parameters, **options)
    return made


def loss(name: str, *, weighted: bool) -> Any:
    """Return a loss: of predictions, targets and, if it is weighted, sample weights; divided by the batch."""
    loss_class = getattr(torch.nn, name)
    if not weighted:
        return loss_class()
    losses = loss_class(reduction="none")
    return lambda predictions, targets, weights: (losses(predictions, targets).flatten() * weights).mean()


def scores(loss_name: str) -> Any:
    """Return a function of predictions, targets and maybe weights to each sample's metric times its weight."""

    def found(predictions: torch.Tensor, targets: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            if loss_name == "MSELoss":
                score = (predictions - targets).abs().mean(dim=1)
            else:
                score = predictions.argmax(dim=1) == (targets if targets.dim() == 1 else targets.argmax(dim=1))
            return score * weights[0] if weights else score

    return found
