"""What a user's workload starts from: prepared once, the same for every process of a run.

Only the standard library is imported here, because the worker needs these records too.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedWorkload:
    """Arrays and initial weights in the cache, and what was found on the model."""

    workload: str
    side: str | None = None
    """Of the environments that a run compares, the commit that it was prepared from; None for all others."""
    folder: str
    """Name of the folder in the cache."""
    sha256: str
    """Over arrays and initial weights."""
    batch_size: int
    """Samples per step, unless the user asks for another size."""
    fixed_batch_size: bool
    """Whether the model takes no other."""
    training_samples: int
    validation_samples: int
    """0 where there are none; then there is no validation metric."""
    metrics: tuple[str, ...] = ()
    """Names, in the order of `compile()`."""
    policy: str
    """Of Keras' dtype policies, the model's: "float32", "mixed_bfloat16", ..."""
    operations: int | None = None
    """Additions and multiplications of a training step of ``batch_size`` samples, forward and backward; None where they
    could not be counted."""
    state_bytes: int = 0
    """Weights and what the optimizer keeps of them, read and written once in each step."""
    sample_bytes: int = 0
    """Inputs of one sample."""
    fallback: str | None = None
    """Why synthetic digits stand in for MNIST, where the workload looked at them."""
    pipeline: str | None = None
    """Kind of the pipeline that the training samples came from, such as "DataLoader"; None for arrays."""
    pipeline_batch_size: int | None = None
    """Samples in each of its batches but the last; None where they differ."""
