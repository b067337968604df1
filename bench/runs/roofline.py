"""The least time that a training step can take: what it has to compute and to move, at the machine's own ceilings.

    operations      additions and multiplications of one step of a chain of dense layers
    bytes_moved     what the optimizer has to read and write at least, and the batch
    needs_of        both of any training: of a compiled model as a framework counted it, see `loops.counting`
    measure         the least step of each training of a plan, with the ceilings that this machine shows now

A lower bound in the sense of Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
multicore architectures", CACM 52(4), 2009: arithmetic and memory may overlap, so the larger of the two counts, and
everything else (data handling, activations, metrics, dispatch) is taken to cost nothing. Dispatch, too, of the smallest
step: a loop that trains a whole block inside one call starts none from Python, and a bound has to hold for it as well.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from bench.machine import ceilings, cpus
from bench.records.cell import Cell, Training
from bench.records.plan import Plan
from bench.records.prepared import PreparedWorkload
from bench.records.stored_run import LeastStep
from bench.sides.launcher import Launcher
from bench.verify.reference.dense import RECIPES
from loops import registry

BYTES_PER_FLOAT = 4

SMALLEST_COPY_BYTES = 1 << 16
"""Below, the call and not the copying takes the time; a model with fewer weights is bound by arithmetic anyway."""

MOMENTS = {"Adam": 2, "SGD": 0}
"""Numbers that an optimizer keeps per weight."""


def operations(shapes: Sequence[tuple[int, ...]], *, batch_size: int) -> int:
    """Return the additions and multiplications of one training step, forward and backward, matrix products only.

    A kernel of m inputs and n outputs costs ``2 m n`` per sample forward, as much for its own gradient, and as much
    once more for the gradient of its inputs, which the first layer does not need.

    Args:
        shapes: Of kernels (inputs, outputs) and biases (outputs,), first layer first.
        batch_size: Samples per step.

    >>> operations([(784, 64), (64,), (64, 64), (64,), (64, 10), (10,)], batch_size=32)
    7331840
    """
    kernels = [shape[0] * shape[1] for shape in shapes if len(shape) == 2]  # noqa: PLR2004 - a kernel is a matrix
    return 2 * batch_size * (3 * sum(kernels) - kernels[0])


def bytes_moved(shapes: Sequence[tuple[int, ...]], *, batch_size: int, optimizer: str) -> int:
    """Return the bytes of weights and moments, each read and written once, and of the batch's inputs, read once.

    Args:
        shapes: As in `operations`.
        batch_size: Samples per step.
        optimizer: "Adam" or "SGD".

    >>> bytes_moved([(784, 64), (64,), (64, 64), (64,), (64, 10), (10,)], batch_size=32, optimizer="Adam")
    1421552
    """
    parameters = sum(shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in shapes)
    state = parameters * (1 + MOMENTS[optimizer])
    return BYTES_PER_FLOAT * (2 * state + batch_size * shapes[0][0])


def state_bytes(shapes: Sequence[tuple[int, ...]], *, optimizer: str) -> int:
    """Return the size of weights and moments: of the array whose copying shows how fast they can be moved."""
    return bytes_moved(shapes, batch_size=0, optimizer=optimizer) // 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What one step has to do at least."""

    operations: int
    bytes: int
    state_bytes: int
    """Of the bytes, weights and moments once: of the size of the array whose copying shows how fast they move."""


def needs_of(cell: Cell, *, prepared: Iterable[PreparedWorkload], seed: int) -> Needs | None:
    """Return what a step of a cell has to do at least, or None where nobody knows.

    Args:
        cell: Of which the loop does not matter.
        prepared: Compiled models, with what a framework counted of them at one batch size; it grows with the batch.
        seed: Of the initial weights.
    """
    if cell.workload in RECIPES:
        workload = registry.load_workload(cell.workload)
        workload = workload if cell.width is None else workload.of_width(cell.width)
        shapes = [weights.shape for weights in workload.initial_weights(seed=seed)]
        return Needs(
            operations=operations(shapes, batch_size=cell.batch_size),
            bytes=bytes_moved(shapes, batch_size=cell.batch_size, optimizer=workload.optimizer),
            state_bytes=max(state_bytes(shapes, optimizer=workload.optimizer), SMALLEST_COPY_BYTES),
        )
    found = next((one for one in prepared if one.workload == cell.workload and one.side is None), None)
    if found is None or not found.operations:
        return None
    return Needs(
        operations=found.operations * cell.batch_size // found.batch_size,
        bytes=2 * found.state_bytes + cell.batch_size * found.sample_bytes,
        state_bytes=max(found.state_bytes, SMALLEST_COPY_BYTES),
    )


def measure(plan: Plan, *, launcher: Launcher) -> Iterator[LeastStep]:
    """Yield the least step of each training of a plan; of none where the machine is not measured.

    Args:
        plan: Its threads and CPUs are what the ceilings are measured with; on a GPU there are none yet.
        launcher: Knows the environment of its processes.
    """
    kernel = plan.calibration
    if kernel is None or plan.cells[0].device != "cpu":
        return
    wanted: dict[Training, Needs] = {}
    for cell in {cell.training: cell for cell in plan.cells}.values():
        needs = needs_of(cell, prepared=plan.prepared, seed=plan.seed)
        if needs is not None:
            wanted[cell.training] = needs
    threads = kernel.threads or len(cpus.allowed()) or 1
    sizes = tuple(sorted({needs.state_bytes for needs in wanted.values()}))
    environment = launcher.environment(backend=kernel.loop, device="cpu", threads=threads)
    request = ceilings.Request(copied_bytes=sizes, stay_on=plan.cpus)
    found = ceilings.measure(request, environment=environment) if wanted else None
    if found is None:
        return
    for training, needs in wanted.items():
        yield LeastStep(
            **asdict(training),
            threads=threads,
            operations=needs.operations,
            bytes=needs.bytes,
            operations_per_second=found.operations_per_second,
            # A core copies what fits into its own cache as if the others were not there.
            bytes_per_second=threads * found.bytes_per_second[needs.state_bytes],
        )
