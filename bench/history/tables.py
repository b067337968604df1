"""What the index holds: its columns, and the views that people query. `docs/history.md` describes them for users.

Rows are narrow, one table each; every view joins what belongs to the run (machine, commit, version of the tool), so
that no query has to.
"""

from collections.abc import Mapping
from typing import Final

VERSION: Final = 3
"""Raised whenever a column changes its name or meaning; an index of another version is made anew."""

CELL: Final[Mapping[str, str]] = {
    "loop": "VARCHAR",
    "workload": "VARCHAR",
    "track": "VARCHAR",
    "device": "VARCHAR",
    "batch_size": "BIGINT",
    "width": "BIGINT",
    "dtype": "VARCHAR",
    "threads": "BIGINT",
    "side": "VARCHAR",
}
"""The fields of a cell."""

IDENTITY: Final[Mapping[str, str]] = {
    "versions": "VARCHAR",
    "device_name": "VARCHAR",
    "loop_sha256": "VARCHAR",
    "workload_sha256": "VARCHAR",
}
"""What was measured, beside the cell."""

SOURCES: Final[Mapping[str, str]] = {
    "run": "VARCHAR",
    "bytes": "BIGINT",
    "modified_nanoseconds": "BIGINT",
    "blocks": "BOOLEAN",
    "problem": "VARCHAR",
}
"""Which journals were read, at which size and time; `blocks` says whether their blocks were, `problem` why not."""

RUNS: Final[Mapping[str, str]] = {
    "run": "VARCHAR",
    "run_id": "VARCHAR",
    "name": "VARCHAR",
    "started": "TIMESTAMP",
    "ended": "TIMESTAMP",
    "complete": "BOOLEAN",
    "command": "VARCHAR",
    "tool_version": "VARCHAR",
    "tool_commit": "VARCHAR",
    "commit": "VARCHAR",
    "branch": "VARCHAR",
    "dirty": "BOOLEAN",
    "machine": "VARCHAR",
    "machine_title": "VARCHAR",
    "fingerprint": "VARCHAR",
    "processor": "VARCHAR",
    "cores": "VARCHAR",
    "memory_gibibytes": "BIGINT",
    "accelerators": "VARCHAR",
    "operating_system": "VARCHAR",
    "dataset": "VARCHAR",
    "dataset_sha256": "VARCHAR",
    "rounds": "BIGINT",
    "processes": "BIGINT",
    "kernel_step_seconds": "DOUBLE",
    "kernel_error": "DOUBLE",
    "kernel_processes": "BIGINT",
    "kernel_identity": "VARCHAR",
    "passport": "VARCHAR",
}
"""One row per run; `passport` is JSON."""

TRIALS: Final[Mapping[str, str]] = {
    "run": "VARCHAR",
    "process": "BIGINT",
    **CELL,
    "round": "BIGINT",
    "step_seconds": "DOUBLE",
    "first_step_seconds": "DOUBLE",
    "import_seconds": "DOUBLE",
    "build_seconds": "DOUBLE",
    "evaluation_seconds": "DOUBLE",
    "peak_memory_bytes": "BIGINT",
    "device_peak_memory_bytes": "BIGINT",
    "last_loss": "DOUBLE",
    "validation_metric": "DOUBLE",
    "failure": "VARCHAR",
    **IDENTITY,
}
"""One row per process, that of the kernel included; `process` counts them within the run."""

LOOPS: Final[Mapping[str, str]] = {
    "run": "VARCHAR",
    **CELL,
    "as_is": "BOOLEAN",
    "state": "VARCHAR",
    "processes": "BIGINT",
    "step_seconds": "DOUBLE",
    "step_low": "DOUBLE",
    "step_high": "DOUBLE",
    "step_error": "DOUBLE",
    "multiple": "DOUBLE",
    "multiple_low": "DOUBLE",
    "multiple_high": "DOUBLE",
    "multiple_error": "DOUBLE",
    "multiple_processes": "BIGINT",
    **IDENTITY,
}
"""One row per run and cell; errors are standard errors of the logarithm."""

BLOCKS: Final[Mapping[str, str]] = {
    "run": "VARCHAR",
    "process": "BIGINT",
    "kind": "VARCHAR[]",
    "steps": "BIGINT[]",
    "seconds": "DOUBLE[]",
    "started_seconds": "DOUBLE[]",
    "cpu_seconds": "DOUBLE[]",
    "involuntary_switches": "BIGINT[]",
    "compilations": "BIGINT[]",
}
"""One row per process; its blocks in order."""

FOUND: Final[Mapping[str, str]] = {"question": "VARCHAR", "answer": "VARCHAR"}
"""Change points that were found, by a digest of all that they depend on."""

ROWS: Final[Mapping[str, Mapping[str, str]]] = {
    "source_rows": SOURCES,
    "run_rows": RUNS,
    "trial_rows": TRIALS,
    "loop_rows": LOOPS,
    "block_rows": BLOCKS,
    "found": FOUND,
}

_OF_RUN = "started, name, machine, fingerprint, processor, commit, tool_commit, tool_version, dataset_sha256"
_OF_TRIAL = ", ".join(name for name in TRIALS if name not in {"run", "process", *BLOCKS})

VIEWS: Final[Mapping[str, str]] = {
    "runs": "SELECT * FROM run_rows ORDER BY started, run",
    "machines": """
        SELECT machine, any_value(machine_title ORDER BY started DESC) AS title, fingerprint,
               any_value(processor) AS processor, any_value(cores) AS cores,
               any_value(memory_gibibytes) AS memory_gibibytes, any_value(accelerators) AS accelerators,
               any_value(operating_system) AS operating_system, count(*) AS runs, min(started) AS first_run,
               max(started) AS last_run
        FROM run_rows GROUP BY machine, fingerprint ORDER BY last_run DESC""",
    "loops": f"SELECT loop_rows.*, {_OF_RUN} FROM loop_rows JOIN run_rows USING (run)",  # noqa: S608 - names of ours
    "trials": f"""
        SELECT trial_rows.*, {_OF_RUN} FROM trial_rows JOIN run_rows USING (run)
        WHERE side IS DISTINCT FROM 'calibration'""",  # noqa: S608
    "calibration": f"""
        SELECT trial_rows.*, {_OF_RUN} FROM trial_rows JOIN run_rows USING (run) WHERE side = 'calibration'""",  # noqa: S608
    "blocks": f"""
        SELECT run, process, generate_subscripts(kind, 1) AS block, unnest(kind) AS kind, unnest(steps) AS steps,
               unnest(seconds) AS seconds, unnest(started_seconds) AS started_seconds,
               unnest(cpu_seconds) AS cpu_seconds, unnest(involuntary_switches) AS involuntary_switches,
               unnest(compilations) AS compilations, {_OF_TRIAL}, {_OF_RUN}
        FROM block_rows JOIN trial_rows USING (run, process) JOIN run_rows USING (run)""",  # noqa: S608
    "problems": "SELECT run, problem FROM source_rows WHERE problem IS NOT NULL ORDER BY run",
}
"""What `bench sql` is told about."""
