"""Whether there may be an accelerator, told without a framework and without a process."""

from pathlib import Path

# Windows has no device nodes; there the CUDA driver's library stands for them.
_ACCELERATOR_MARKS = ("dev/nvidia[0-9]*", "dev/kfd", "dev/dxg", "Windows/System32/nvcuda.dll")


def has_accelerator_node(*, root: Path = Path("/")) -> bool:
    """Whether a CUDA or ROCm device may be there.

    False is certain enough to skip asking a framework; true is not a promise that a framework can use the device.
    """
    return any(any(root.glob(pattern)) for pattern in _ACCELERATOR_MARKS)
