"""The systems that the Keras guides teach, and the loop and workload that stand for each here.

S1 to S5 and S15: "Writing a training loop from scratch in TensorFlow"; S6 to S10: "Customizing what happens in
`fit()`"; S11 to S14: "Writing a training loop from scratch in PyTorch".
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """One of the guides' trainings."""

    name: str
    """Such as "S3"."""
    teaches: str
    loops: tuple[str, ...]
    workload: str
    figure: str
    """The time that the guide shows, or "n/a"."""


SYSTEMS = (
    System(
        name="S1",
        teaches="TensorFlow from scratch, eager",
        loops=("tf-eager",),
        workload="mnist-mlp",
        figure="n/a",
    ),
    System(
        name="S2",
        teaches="with metrics and validation",
        loops=("tf-eager",),
        workload="mnist-mlp",
        figure="46.06 s, 43.49 s an epoch",
    ),
    System(
        name="S3",
        teaches="compiled with tf.function",
        loops=("tf-function",),
        workload="mnist-mlp",
        figure="5.73 s, 3.17 s an epoch (8.0x, 13.7x)",
    ),
    System(
        name="S4",
        teaches="losses that layers track",
        loops=("tf-function",),
        workload="mnist-mlp-add-loss",
        figure="n/a",
    ),
    System(
        name="S5",
        teaches="DCGAN from scratch",
        loops=("tf-function",),
        workload="mnist-dcgan",
        figure="n/a",
    ),
    System(
        name="S6",
        teaches="fit() with an own train_step",
        loops=("tf-fit",),
        workload="regression",
        figure="318-372 us a step",
    ),
    System(
        name="S7",
        teaches="with own loss and metric trackers",
        loops=("tf-fit-lowlevel",),
        workload="regression",
        figure="330-385 us a step",
    ),
    System(
        name="S8",
        teaches="with sample and class weights",
        loops=("tf-fit",),
        workload="regression-weighted",
        figure="337-449 us a step",
    ),
    System(
        name="S9",
        teaches="evaluate() with an own test_step",
        loops=("tf-fit",),
        workload="regression",
        figure="927 us a step of evaluation",
    ),
    System(
        name="S10",
        teaches="DCGAN through fit()",
        loops=("tf-fit",),
        workload="mnist-dcgan",
        figure="500 ms a step",
    ),
    System(
        name="S11",
        teaches="PyTorch optimizer on a Keras model",
        loops=("torch-native",),
        workload="mnist-mlp",
        figure="n/a",
    ),
    System(
        name="S12",
        teaches="Keras optimizer and loss on PyTorch",
        loops=("torch-keras",),
        workload="mnist-mlp",
        figure="n/a",
    ),
    System(
        name="S13",
        teaches="with metrics and validation",
        loops=("torch-keras",),
        workload="mnist-mlp",
        figure="n/a",
    ),
    System(
        name="S14",
        teaches="losses that layers track, on PyTorch",
        loops=("torch-keras",),
        workload="mnist-mlp-add-loss",
        figure="n/a",
    ),
    System(
        name="S15",
        teaches="older edition: SGD, batches of 64",
        loops=("tf-eager", "tf-function"),
        workload="mnist-mlp-sgd",
        figure="5.46 s, 1.02 s an epoch (5.4x)",
    ),
)


def loops_by_workload() -> dict[str, tuple[str, ...]]:
    """Return every loop that the guides train each workload with, once."""
    wanted: dict[str, dict[str, None]] = {}
    for system in SYSTEMS:
        wanted.setdefault(system.workload, {}).update(dict.fromkeys(system.loops))
    return {workload: tuple(loops) for workload, loops in wanted.items()}
