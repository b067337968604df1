"""The front door for programs and notebooks: what the command line does, with the result returned instead of printed.

    run, measure, ab    measure, each loop in fresh processes, and store
    load, load_history  what is stored

What goes wrong is raised as an error of `bench.errors`, with the sentence that the command line prints. A loop that
failed is no error where others did not: it is a row of the result, named on stderr and in `Result.failed`. On Ctrl-C
everything that had finished is stored, and KeyboardInterrupt is raised.

Nothing of a framework is imported here. Options are those of the command line, with underscores.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from bench.report.result import Answer, Result, load

if TYPE_CHECKING:
    from bench.cli.called import Names
    from bench.history.asked import History

__all__ = ["Answer", "Result", "ab", "load", "load_history", "measure", "run"]


class Amount(TypedDict, total=False):
    """How much is measured, and what counts: options of the command line, see `bench run -h`."""

    exclude: str | Sequence[str]
    """Loops that are left out, or patterns."""
    rounds: int
    """Fresh processes per loop; 6 unless one of these says another number."""
    quick: bool
    """3 rounds."""
    rigorous: bool
    """20 rounds."""
    precision: float
    """Add rounds until every interval is within ± so many per cent."""
    time_budget: float
    """Go on for about so many seconds."""
    margin: float
    """Smallest difference in per cent that matters; 2 unless told otherwise."""
    baseline: str
    aa: bool
    """Measure the baseline twice, to see what noise alone does."""
    steps: int
    seed: int
    calibrate: bool
    breakdown: bool
    results_dir: str | Path
    machine: str


class Common(Amount, total=False):
    """Under which conditions: what `run`, `ab` and `measure` take alike."""

    track: Literal["matched", "guide", "pipeline"]
    device: Literal["auto", "cpu", "gpu"]
    timeout: float
    """Seconds."""
    wait: float
    """Seconds; 0 does not look whether the machine is busy."""
    on_busy: Literal["again", "count"]
    threads: int
    pin: bool
    dataset: Literal["auto", "mnist", "synthetic"]
    data: str | Path
    data_limit: int
    """Mebibytes that a pipeline may hold."""
    dtype: Literal["float32", "mixed_bfloat16", "mixed_float16", "float64"]
    verify: bool
    """Whether loops are checked first to do the same work; True unless told otherwise."""
    schedule: Literal["interleaved", "sequential"]
    python: Mapping[str, str | Path]
    """Framework -> the interpreter that has it."""


class Options(Common, total=False):
    """What `run` and `ab` take as well; `breakdown`, and all from `all_guides` on, `run` only."""

    batch_size: int | Sequence[int]
    width: int | Sequence[int]
    arrays: str | Path
    name: str
    """Your words for the run."""
    all_guides: bool
    samples: bool
    resume: str
    """A run that was interrupted."""
    retry_failed: bool
    yes: bool
    """With `resume`: run what that run names without being asked."""


def run(loops: "Names" = None, workload: "Names" = None, **options: Unpack[Options]) -> Result:
    """Measure loops, each in fresh processes, and store the run, as `bench run` does.

    Args:
        loops: Names, patterns or files; None for the usual ones of the workload.
        workload: Name or file, or several; None for "mnist-mlp".
        options: As on the command line.

    Raises:
        UsageError: If options cannot be honoured, or nothing can be measured here.
        BenchError: As `bench.errors` has them.
        KeyboardInterrupt: On Ctrl-C; finished trials are stored.
    """
    return _measured("run", loops=loops, options={"workload": workload, **options})


def ab(a: str, b: str, loops: "Names" = None, workload: "Names" = None, **options: Unpack[Options]) -> Result:
    """Measure each loop in two environments, `a` the baseline, in the same rounds, as `bench ab` does.

    Args:
        a: "here", or what is different: "ref=main", "env=NAME=VALUE", "pip=keras==3.14", "python=PATH".
        b: Likewise.
        loops: As for `run`.
        workload: As for `run`.
        options: As on the command line.

    Raises:
        UsageError: If an environment cannot be had, or options cannot be honoured.
        BenchError: As `bench.errors` has them.
        KeyboardInterrupt: On Ctrl-C; finished trials are stored.
    """
    return _measured("ab", before=(a, b), loops=loops, options={"workload": workload, **options})


def measure(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    validation_data: Any = None,
    loops: "Names" = None,
    batch_size: int | Sequence[int] | None = None,
    name: str | None = None,
    **options: Unpack[Common],
) -> Result:
    """Measure a compiled Keras model that is in memory: what would another loop than `fit()` gain?

    It is saved with its weights, its classes and functions and the arrays, and measured in fresh processes, as often
    and as any other workload. The model in memory stays as it is; its optimizer begins anew in each process.

    Args:
        model: Compiled; or a function without arguments that returns one, where Keras cannot save the model.
        x: As `fit()` takes it: an array, a dict, list or tuple of arrays, or a PyDataset, tf.data.Dataset or
            DataLoader, which is drained once.
        y: Likewise; None where x holds the targets or the model needs none.
        sample_weight: Likewise.
        validation_data: (x, y) or (x, y, sample_weight), or a pipeline; None for no validation.
        loops: As for `run`; None for plain `fit()` and steps written by hand, of all installed frameworks.
        batch_size: Samples per step, or several such; None for the pipeline's, or 32, as in `fit()`.
        name: What the run and its workload are called; None for the model's own name.
        options: As on the command line.

    Raises:
        UsageError: If it cannot be trained, or cannot be handed to another process; what to do is said.
        BenchError: As `bench.errors` has them.
        KeyboardInterrupt: On Ctrl-C; finished trials are stored.
    """
    from bench.cli import called  # noqa: PLC0415 - the command line is read where something is measured

    one = batch_size if isinstance(batch_size, int) else None
    with called.of_a_program():
        file = called.handed_in(
            model,
            (x, y, sample_weight),
            validation_data,
            batch_size=one,
            name=name,
            data_limit=options.get("data_limit"),
        )
    keras = sys.modules.get("keras")
    own = () if keras is None else (keras.backend.backend(),)
    return _measured(
        "run",
        loops=called.loops_for(own) if loops is None else loops,
        options={"workload": file, "batch_size": None if one else batch_size, "name": name, **options},
    )


def load_history(
    loops: "Names" = None,
    workload: str | None = None,
    *,
    machine: str | None = None,
    since: datetime | None = None,
    by: Literal["run", "commit", "date"] = "run",
    margin: float = 0.75,
    results_dir: str | Path = "results",
) -> "History":
    """Return since when loops are slower or faster, from all stored runs, as `bench history` does.

    Args:
        loops: Names; None for all.
        workload: Only what trained this.
        machine: Only runs of this machine: its name, or the beginning of its fingerprint.
        since: Only runs since this day.
        by: What a point is; runs of one commit or day in a row become one.
        margin: Smallest change in per cent that is told.
        results_dir: Where runs are stored.

    Raises:
        NothingComparable: If no stored run fits.
        UsageError: If `loopbench[history]` is not installed.
    """
    from bench.cli.called import listed  # noqa: PLC0415
    from bench.history import asked  # noqa: PLC0415
    from bench.history.series import Wanted  # noqa: PLC0415

    wanted = Wanted(loops=tuple(listed(loops)), workload=workload, machine=machine, since=since, by=by)
    return asked.history(Path(results_dir), wanted, reports=None, margin=margin / 100.0, tell=lambda _: None)


def _measured(command: str, *, before: Sequence[str] = (), loops: "Names", options: Mapping[str, Any]) -> Result:
    """Measure what was asked for."""
    from bench.cli import called  # noqa: PLC0415

    with called.of_a_program():
        words = called.words_of(command, before=before, loops=loops, options=options)
        stored, folder = called.measured(words)
    return Result(stored, folder=folder)
