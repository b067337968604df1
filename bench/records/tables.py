"""Tidy tables derived from a run: one row per trial, one row per block; the raw numbers, nothing computed.

Trials that measured the machine come last; their `side` reads "calibration".
"""

from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files import write_all
from bench.records.stored_run import Run
from bench.records.trial import Trial
from bench.text import without_formula

if TYPE_CHECKING:
    import pandas as pd


def trials(run: Run) -> "pd.DataFrame":
    """Return one row per trial, in the order in which they ended."""
    import pandas as pd  # noqa: PLC0415 - loaded where it is used

    return pd.DataFrame([_trial_row(run.header.run_id, trial) for trial in (*run.trials, *run.calibration)])


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


def write(run: Run, *, folder: Path) -> list[Path]:
    """Write both tables as CSV and Parquet, and return the files.

    Raises:
        FileTrouble: If they cannot be written; then none is.
    """
    contents = {}
    for name, table in (("trials", trials(run)), ("blocks", blocks(run))):
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


def _trial_row(run_id: str, trial: Trial) -> dict[str, Any]:
    """Flatten a trial; nested facts become columns such as `failure_kind` and `version_keras`."""
    row = asdict(trial)
    del row["blocks"], row["images"], row["ablations"]
    cell, failure = row.pop("cell"), row.pop("failure") or {}
    versions, threads, compiled = row.pop("versions"), row.pop("threads"), row.pop("compiled")
    metrics = {part: row.pop(f"{part}_metrics") for part in ("training", "validation")}
    row["cpus"] = len(row["cpus"]) or None
    row["guests"] = " ".join(row["guests"]) or None
    flat: dict[str, Any] = (
        {"run_id": run_id}
        | cell
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
