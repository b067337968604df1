"""What most tests of the report start from."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from bench.analysis import summary
from bench.analysis.summary import CellSummary
from bench.records.stored_run import Run
from bench.records.words import LoopWords
from bench.report.model import Report, build


@pytest.fixture
def cells_of() -> Callable[[Run], dict[str, CellSummary]]:
    """Return a function: run of one group -> loop -> what its trials say."""

    def cells_of(run: Run) -> dict[str, CellSummary]:
        (group,) = summary.summarise(run)
        return {cell.cell.loop: cell for cell in group.cells}

    return cells_of


@pytest.fixture
def report(make_run) -> Report:
    """Return the report of the ordinary run: five loops, six rounds, 2 % noise."""
    return build(make_run())


@pytest.fixture
def make_sweep(make_run, make_cell, make_trial) -> Callable[..., Run]:
    """Return a factory: ``make_sweep({"numpy": (60e-6, 9e-6)}, sizes=(32, 256))``, fixed cost and cost per sample."""

    def make_sweep(costs, *, sizes=(32, 256, 1024), rounds=6, noise=0.01, **fields) -> Run:
        cells = [make_cell(loop, batch_size=size, **fields) for size in sizes for loop in costs]
        run = make_run(cells=cells, rounds=rounds)
        trials = []
        for trial in run.trials:
            fixed, per_sample = costs[trial.cell.loop]
            drift, own = Random(trial.round).gauss(1.0, 0.05), Random(f"{trial.cell}/{trial.round}").gauss(1.0, noise)
            step = (fixed + per_sample * trial.cell.batch_size) * drift * own
            trials.append(make_trial(trial.cell, round=trial.round, step=step))
        return replace(run, trials=tuple(trials))

    return make_sweep


@pytest.fixture
def named_report(make_run) -> Report:
    """Return the same report, of loops that say what they are called and what to type."""
    words = [
        LoopWords(loop="tf-function", workload="mnist-mlp", title="a step under tf.function", change="copy `step`"),
        LoopWords(loop="tf-eager", workload="mnist-mlp", title="a step op by op", change=""),
        LoopWords(loop="tf-fit", workload="regression", title="of another workload", change="`x()`"),
    ]
    return build(make_run(loops=tuple(words)))
