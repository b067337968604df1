"""The dense workloads' model in plain PyTorch, for loops that use no Keras layers."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray


class Dense(torch.nn.Module):
    """Linear layers, all but the last rectified."""

    def __init__(self, weights: list[NDArray[np.float32]]) -> None:
        """Start from kernels (inputs, outputs) and biases in turn, as `Workload.initial_weights` has them."""
        super().__init__()
        layers = [self._linear(*pair) for pair in zip(weights[::2], weights[1::2], strict=True)]
        self.hidden, self.last = torch.nn.ModuleList(layers[:-1]), layers[-1]

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the outputs and the first hidden layer's activations, of which a workload may add a loss."""
        first = None
        for layer in self.hidden:
            x = torch.relu(layer(x))
            first = x if first is None else first
        return self.last(x), first

    @staticmethod
    def _linear(kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> torch.nn.Linear:
        """Return a layer with these weights; PyTorch keeps its kernels transposed."""
        layer = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(kernel.T))
            layer.bias.copy_(torch.from_numpy(bias))
        return layer


def as_keras(tensors: Iterable[torch.Tensor]) -> list[NDArray[np.float32]]:
    """Return parameters, or their gradients, in the order and layout of Keras' `get_weights`."""
    return [tensor.detach().cpu().numpy().T for tensor in tensors]
