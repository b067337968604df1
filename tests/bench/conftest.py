"""Factories of realistic stored runs, for every test of the harness. Nothing is measured; all times are made up.

    make_cell      one cell, the common case filled in
    make_block     one block
    make_trial     one finished trial: first call, warm-up, measured blocks, closing call, outcome
    make_failure   why a trial failed
    make_header    the first line of a journal
    make_run       a whole run; five loops and six rounds unless told otherwise
    make_gate_run  a run of two sides, or of three with an anchor

Each fixture returns a function, so that a test says only what matters to it: ``make_run(rounds=1)``. Equal arguments
give equal runs: the noise comes from a generator seeded by loop, round and ``seed``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

import pytest

from bench.records.cell import AGAIN, CALIBRATION, Cell, Side
from bench.records.plan import Plan
from bench.records.stored_run import SCHEMA_VERSION, DatasetRecord, LeastStep, Run, RunEnd, RunHeader
from bench.records.trial import Block, BlockKind, Failure, FailureKind, Trial
from bench.records.verification import Gap, Verification
from bench.units import Seconds

STEP_SECONDS: Mapping[str, Seconds] = {
    "tf-eager": 8.2e-3,
    "tf-function": 0.38e-3,
    "tf-fit": 0.70e-3,
    "torch-native": 0.75e-3,
    "torch-keras": 1.0e-3,
}
"""Seconds per step of `mnist-mlp` at batch 32 on two cores, as measured once; the first is the baseline."""

FIRST_STEP_SECONDS: Mapping[str, Seconds] = {
    "tf-eager": 0.045,
    "tf-function": 0.62,
    "tf-fit": 1.1,
    "torch-native": 0.021,
    "torch-keras": 0.034,
}
"""Seconds of the first call, tracing and compiling included."""

VERSIONS = {
    "tf": {"python": "3.11.9", "keras": "3.15.1", "numpy": "2.4.6", "tensorflow": "2.21.0"},
    "torch": {"python": "3.11.9", "keras": "3.15.1", "numpy": "2.4.6", "torch": "2.13.0"},
}
"""Per framework, the part of a loop's name before the first hyphen."""

ENVIRONMENT = {
    "processor": "Intel(R) Xeon(R) Processor @ 2.60GHz",
    "cores": "2",
    "memory": "7.8 GiB",
    "system": "Linux 6.1, x86-64",
    "governor": "n/a",
    "load at start": "0.12",
}
"""A small cloud machine."""

STARTED = "2026-01-02T12:00:00+00:00"
BLOCK_SECONDS = 0.15
ROUND_SECONDS = 18.0


@pytest.fixture
def make_cell() -> Callable[..., Cell]:
    """Return a factory of cells: ``make_cell("tf-eager", batch_size=512)``."""
    return _cell


@pytest.fixture
def make_block() -> Callable[..., Block]:
    """Return a factory of blocks: ``make_block(BlockKind.MEASURED, steps=18, seconds=0.15)``."""
    return _block


@pytest.fixture
def make_trial() -> Callable[..., Trial]:
    """Return a factory of finished trials: ``make_trial(make_cell("tf-eager"), round=2, step=8e-3)``."""
    return _trial


@pytest.fixture
def make_failure() -> Callable[..., Failure]:
    """Return a factory of failures: ``make_failure(FailureKind.TIMEOUT)``."""
    return _failure


@pytest.fixture
def make_header() -> Callable[..., RunHeader]:
    """Return a factory of headers: ``make_header(cells, rounds=6, label="nightly")``."""
    return _header


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Return a factory of runs: ``make_run(steps={"tf-eager": 8e-3, "mine": 4e-3}, rounds=3)``."""
    return _run


@pytest.fixture
def make_least_step() -> Callable[..., LeastStep]:
    """Return a factory of least steps: a million operations in 0.1 ms, a million bytes in 0.2 ms."""

    def make(**changes: object) -> LeastStep:
        return LeastStep(
            **{
                "workload": "mnist-mlp",
                "track": "matched",
                "batch_size": 32,
                "threads": 1,
                "operations": 1_000_000,
                "bytes": 1_000_000,
                "operations_per_second": 1e10,
                "bytes_per_second": 5e9,
            }
            | changes
        )

    return make


SIDES = (
    Side(name="base", description="ref=main", facts={"commit": "a" * 40}),
    Side(name="head", description="here"),
    Side(name="anchor", description="ref=v1.2", facts={"commit": "c" * 40}),
)


@pytest.fixture
def make_gate_run() -> Callable[..., Run]:
    """Return a factory of gates' runs: ``make_gate_run({"tf-fit": 1.1}, looks=(6, 12), rounds=12)``."""
    return _gate_run


def _cell(loop: str = "tf-eager", **fields: object) -> Cell:
    """Return a cell of `mnist-mlp`, matched, CPU, batch 32; any field can be replaced."""
    common = Cell(loop=loop, workload="mnist-mlp", track="matched", device="cpu", batch_size=32)
    return replace(common, **fields)  # type: ignore[arg-type]


def _block(
    kind: BlockKind = BlockKind.MEASURED, *, steps: int = 18, seconds: Seconds = BLOCK_SECONDS, started: Seconds = 100.0
) -> Block:
    """Return a block that kept 1.5 cores busy."""
    return Block(
        kind=kind, steps=steps, seconds=seconds, started=started, cpu_seconds=1.5 * seconds, involuntary_switches=2
    )


def _trial(
    cell: Cell,
    *,
    round: int = 0,  # noqa: A002 - the field's name
    step: Seconds | None = None,
    first_step: Seconds | None = None,
    blocks: int = 10,
    noise: float = 0.01,
    seed: int = 0,
    **fields: object,
) -> Trial:
    """Return a finished trial.

    Args:
        cell: What it measured.
        round: Counted from 0.
        step: Seconds per step of this process; `STEP_SECONDS` of the loop, or 1 ms, when left out.
        first_step: Seconds of the first call.
        blocks: Measured blocks.
        noise: Standard deviation between blocks, relative.
        seed: Of that noise.
        fields: Any other field of `Trial`, replaced as given.
    """
    random = Random(f"{cell}/{round}/{seed}")
    step = STEP_SECONDS.get(cell.loop, 1e-3) if step is None else step
    first_step = FIRST_STEP_SECONDS.get(cell.loop, 0.05) if first_step is None else first_step
    per_block = max(1, int(BLOCK_SECONDS / step))
    kinds = [(BlockKind.FIRST, 1, first_step)]
    kinds += [(BlockKind.WARM_UP, per_block, per_block * step * (1.3 - 0.1 * i)) for i in range(3)]
    kinds += [
        (BlockKind.MEASURED, per_block, per_block * step * max(0.1, random.gauss(1.0, noise))) for _ in range(blocks)
    ]
    kinds += [(BlockKind.CLOSING, 1, step)]
    started, made = 1000.0 + ROUND_SECONDS * round, []
    for kind, count, seconds in kinds:
        made.append(_block(kind, steps=count, seconds=seconds, started=started))
        started += 5.0 * seconds
    total = sum(block.steps for block in made)
    framework = cell.loop.partition("-")[0]
    trial = Trial(
        cell=cell,
        round=round,
        import_seconds=2.7 if framework == "tf" else 3.4,
        build_seconds=0.41,
        blocks=tuple(made),
        first_evaluation_seconds=0.52,
        evaluation_seconds=0.21,
        peak_memory_bytes=612_000_000 if framework == "tf" else 548_000_000,
        steps=total,
        samples=total * cell.batch_size,
        steps_per_epoch=50_000 // cell.batch_size,
        first_loss=2.3514,
        last_loss=0.1893,
        training_metric=0.9431,
        validation_metric=0.9567,
        versions=VERSIONS.get(framework, VERSIONS["torch"]),
        threads={"intra-op": 2, "inter-op": 2},
        device_name="CPU",
        loop_sha256=sha256(cell.loop.encode()).hexdigest(),
        workload_sha256="ab" * 32,
        process_id=4000 + round,
    )
    return replace(trial, **fields)  # type: ignore[arg-type]


def _failure(
    kind: FailureKind = FailureKind.RAISED,
    *,
    phase: str = "measure",
    message: str = "ValueError: shapes do not match",
    traceback: str | None = 'Traceback (most recent call last):\n  File "loop.py", line 7',
) -> Failure:
    """Return a failure with a traceback."""
    return Failure(kind=kind, phase=phase, message=message, traceback=traceback)


def _verification(cell: Cell, *, largest: float = 4e-7) -> Verification:
    """Return what a check found; passed unless the gap is above 1e-5."""
    return Verification(
        loop=cell.loop,
        workload=cell.workload,
        device=cell.device,
        formula="torch-adam" if cell.loop == "torch-native" else "keras-adam",
        gaps=(Gap(what="loss, 100 steps", largest=largest, allowed=1e-5, step=61),),
        losses=(2.35, 2.28),
    )


def _header(
    cells: Sequence[Cell], *, rounds: int = 6, baseline: str | None = None, seed: int = 7, **fields: object
) -> RunHeader:
    """Return the header of an interleaved run on real MNIST; any field can be replaced."""
    plan = Plan(
        cells=tuple(cells),
        rounds=rounds,
        blocks_per_trial=10,
        block_seconds=BLOCK_SECONDS,
        schedule="interleaved",
        seed=seed,
        timeout=600.0,
        baseline=cells[0].loop if baseline is None else baseline,
    )
    header = RunHeader(
        schema_version=SCHEMA_VERSION,
        run_id="2026-01-02-120000-abcd",
        tool_version="0.1.0",
        command=f"bench run --workload {cells[0].workload} --rounds {rounds}",
        started=STARTED,
        plan=plan,
        dataset=DatasetRecord(name="mnist", source="Keras cache", sha256="cd" * 32),
        environment=ENVIRONMENT,
    )
    return replace(header, **fields)  # type: ignore[arg-type]


def _run(
    *,
    steps: Mapping[str, Seconds] | None = None,
    first_steps: Mapping[str, Seconds] | None = None,
    cells: Sequence[Cell] | None = None,
    rounds: int = 6,
    noise: float = 0.02,
    drift: float = 0.05,
    seed: int = 7,
    baseline: str | None = None,
    failures: Mapping[str, Failure] | None = None,
    failed_rounds: Sequence[int] | None = None,
    finished_rounds: int | None = None,
    trial_fields: Mapping[str, Mapping[str, object]] | None = None,
    loss_gaps: Mapping[str, float] | None = None,
    kernel: Seconds | None = None,
    machine: float = 1.0,
    **header: object,
) -> Run:
    """Return a run with one trial per cell and round.

    Args:
        steps: Loop -> true seconds per step; `STEP_SECONDS` when left out. Its order is the plan's.
        first_steps: Loop -> seconds of the first call.
        cells: Cells to measure instead of one per loop in ``steps``; times are looked up by loop.
        rounds: Planned rounds.
        noise: Standard deviation between processes of one loop, relative.
        drift: Standard deviation of what a whole round has in common, relative; it cancels in paired ratios.
        seed: Of noise and drift.
        baseline: Loop that speed-ups refer to; the first one when left out.
        failures: Loop -> why its trials failed.
        failed_rounds: The rounds in which they failed; all when left out.
        finished_rounds: Rounds before the run was interrupted; all when left out.
        trial_fields: Loop -> fields of `Trial` to replace.
        loss_gaps: Loop -> largest gap of its losses in the check against the reference; above 1e-5 it fails.
        kernel: Seconds per step of the kernel that measures the machine; None leaves it out.
        machine: Everything takes so many times as long, the kernel included.
        header: Fields of `RunHeader` to replace.
    """
    times = dict(STEP_SECONDS if steps is None else steps)
    planned = tuple(_cell(loop) for loop in times) if cells is None else tuple(cells)
    done = rounds if finished_rounds is None else finished_rounds
    trials, calibration = [], []
    beside = _cell("numpy", side=CALIBRATION)
    for number in range(done):
        common = (1.0 + Random(f"{seed}/{number}").gauss(0.0, drift)) * machine - 1.0
        if kernel is not None:
            own = Random(f"{seed}/{number}/{beside}").gauss(0.0, noise)
            step = kernel * (1.0 + common) * (1.0 + own)
            fields = (trial_fields or {}).get("kernel", {})
            calibration.append(_trial(beside, round=number, step=step, noise=noise / 2.0, seed=seed, **fields))
        for cell in planned:
            failure = (failures or {}).get(cell.loop)
            if failure is not None and (failed_rounds is None or number in failed_rounds):
                trials.append(Trial(cell=cell, round=number, failure=failure))
                continue
            own = max(-0.9, Random(f"{seed}/{number}/{cell}").gauss(0.0, noise))
            trials.append(
                _trial(
                    cell,
                    round=number,
                    step=times.get(cell.loop, 1e-3) * (1.0 + common) * (1.0 + own),
                    first_step=(first_steps or {}).get(cell.loop),
                    noise=noise / 2.0,
                    seed=seed,
                    **(trial_fields or {}).get(cell.loop, {}),
                )
            )
    complete = done == rounds
    ended = (datetime.fromisoformat(STARTED) + timedelta(seconds=done * ROUND_SECONDS)).isoformat()
    first_line = _header(planned, rounds=rounds, baseline=baseline, **header)
    if kernel is not None:
        first_line = replace(first_line, plan=replace(first_line.plan, calibration=beside))
    return Run(
        header=first_line,
        trials=tuple(trials),
        calibration=tuple(calibration),
        verifications=tuple(
            _verification(cell, largest=(loss_gaps or {}).get(cell.loop, 4e-7)) for cell in dict.fromkeys(planned)
        ),
        end=RunEnd(ended=ended, complete=complete) if complete else None,
    )


def _gate_run(
    slowdowns: Mapping[str, float],
    *,
    noise: float = 0.005,
    rounds: int = 6,
    seed: int = 0,
    control: bool = True,
    failures: Mapping[tuple[str, str], Failure] | None = None,
    looks: tuple[int, ...] | None = None,
    anchor: float | None = None,
    anchor_margin: float = 0.04,
    **plan: object,
) -> Run:
    """Return the run of a gate in which nothing was left out, as if it had been measured to its last round.

    Args:
        slowdowns: Loop -> head time / base time.
        noise: Standard deviation between processes of one side, relative.
        rounds: That were measured.
        seed: Of the noise.
        control: Whether the base of the first loop was measured twice.
        failures: (loop, side) -> why its trials failed.
        looks: Of the plan; one after all rounds when left out.
        anchor: Head time / anchor time, where there is an anchor.
        anchor_margin: How much slower than the anchor a head may be.
        plan: Fields of `Plan` to replace.
    """
    sides = SIDES[: 2 if anchor is None else 3]
    cells = [replace(_cell(loop), side=side.name) for loop in slowdowns for side in sides]
    if control:
        cells.append(replace(cells[0], side=AGAIN))
    run = _run(cells=cells, noise=noise, rounds=rounds, seed=seed, steps=dict.fromkeys(slowdowns, 1e-3))
    planned = replace(
        run.header.plan,
        sides=sides,
        verify=False,
        looks=(rounds,) if looks is None else looks,
        anchor_margin=None if anchor is None else anchor_margin,
        **plan,  # type: ignore[arg-type]
    )
    trials = []
    for trial in run.trials:
        times = {"head": slowdowns[trial.cell.loop]}
        times["anchor"] = times["head"] / (anchor or 1.0)
        factor = times.get(trial.cell.side or "", 1.0)
        blocks = tuple(replace(block, seconds=factor * block.seconds) for block in trial.blocks)
        failure = (failures or {}).get((trial.cell.loop, trial.cell.side or ""))
        trials.append(replace(trial, blocks=() if failure else blocks, failure=failure))
    return replace(run, header=replace(run.header, plan=planned), trials=tuple(trials), verifications=())
