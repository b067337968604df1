"""How often an optimizer of PyTorch has moved the weights."""

import torch


def updates_done(optimizer: torch.optim.Optimizer, *, trained: int) -> int:
    """Return the optimizer's own count of updates.

    Adam counts for each parameter, and the one that is behind tells. Plain SGD keeps no count: the loop has to.

    Args:
        optimizer: Its state is read back to the host, so this is not for the timed part.
        trained: Steps of all blocks that the loop has finished.
    """
    counts = [int(state["step"]) for state in optimizer.state.values() if "step" in state]
    return min(counts, default=trained)
