"""Tidy tables derived from a run: one row per trial, one row per block; the raw numbers, and what each trial counts.

Trials that measured the machine come last; their `side` reads "calibration".
"""

from collections.abc import Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files import write_all
from bench.records.machine import machine_of
from bench.records.stored_run import Run
from bench.records.trial import Trial
from bench.text import without_formula
from bench.units import Seconds

if TYPE_CHECKING:
    import pandas as pd


def trials(run: Run, *, step_seconds: Sequence[Seconds | None]) -> "pd.DataFrame":
    """Return one row per trial, in the order in which they ended.

    Args:
        run: As it was read back.
        step_seconds: What each counts, those of the kernel last: `bench.analysis.process.step_seconds_of`.
    """
    import pandas as pd  # noqa: PLC0415 - loaded where it is used

    of_run = {"run_id": run.header.run_id, "machine": machine_of(run.header.environment).key}
    rows = zip((*run.trials, *run.calibration), step_seconds, strict=True)
    return pd.DataFrame([of_run | _trial_row(trial, step_seconds=seconds) for trial, seconds in rows])


def blocks(run: Run) -> "pd.DataFrame":
    """Return one row per block, in the order in which they ran within their trial, warm-up included and marked."""
    import pandas as pd  # noqa: PLC0415 - loaded where it is used

    return pd.DataFrame(
        [
            {"run_id": run.header.run_id}
            | asdict(trial.cell)
            | {"round": trial.round, "process_id": trial.process_id, "block": number}
            | asdict(block)
            for trial in (*run.trials, *run.calibration)
            for number, block in enumerate(trial.blocks)
        ]
    )


def write(run: Run, *, folder: Path, step_seconds: Sequence[Seconds | None]) -> list[Path]:
    """Write both tables as CSV and Parquet, and return the files.

    Args:
        run: As it was read back.
        folder: Where they go.
        step_seconds: As for `trials`.

    Raises:
        FileTrouble: If they cannot be written; then none is.
    """
    contents = {}
    for name, table in (("trials", trials(run, step_seconds=step_seconds)), ("blocks", blocks(run))):
        contents[f"{name}.csv"] = defused(table).to_csv(index=False, lineterminator="\n").encode("utf-8", "replace")
        columns = BytesIO()
        table.to_parquet(columns, index=False)
        contents[f"{name}.parquet"] = columns.getvalue()
    write_all(folder, contents)
    return [folder / name for name in contents]


def defused(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table whose cells and column names no spreadsheet takes for formulas; numbers stay what they are."""
    renamed = table.rename(columns=without_formula)
    return renamed.map(lambda value: without_formula(value) if isinstance(value, str) else value)


def _trial_row(trial: Trial, *, step_seconds: Seconds | None) -> dict[str, Any]:
    """Flatten a trial; nested facts become columns such as `failure_kind` and `version_keras`."""
    row = asdict(trial)
    del row["blocks"], row["images"], row["ablations"]
    cell, failure = row.pop("cell"), row.pop("failure") or {}
    versions, threads, compiled = row.pop("versions"), row.pop("threads"), row.pop("compiled")
    metrics = {part: row.pop(f"{part}_metrics") for part in ("training", "validation")}
    row["cpus"] = len(row["cpus"]) or None
    row["guests"] = " ".join(row["guests"]) or None
    flat: dict[str, Any] = (
        cell
        | {"round": row.pop("round"), "step_seconds": step_seconds}
        | row
        | {f"{part}_metrics_{name}": value for part, found in metrics.items() for name, value in found.items()}
        | {f"failure_{key}": failure.get(key) for key in ("kind", "phase", "message")}
        | {"first_step_seconds": trial.first_step_seconds, "warm_up_seconds": trial.warm_up_seconds}
        | {f"step_seconds_without_{'_'.join(one.left_out) or 'nothing'}": one.step_seconds for one in trial.ablations}
        | {f"compiled_{key}": value for key, value in (compiled or {}).items()}
        | {f"threads_{key}": value for key, value in threads.items()}
        | {f"version_{key}": value for key, value in versions.items()}
    )
    return flat
