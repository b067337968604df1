"""A stored run for other tools, so that their own commands read it.

render     the text of a file for pytest-benchmark, pyperf or github-action-benchmark
remarks    what that file leaves out, one line each
save       the text in a file, without overwriting another one unasked
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from bench.errors import NothingComparable, UsageError
from bench.files import write_whole
from bench.report import wording
from bench.report.export import github_action, pyperf, pytest_benchmark
from bench.report.export.entries import Exportable, Json

Format = Literal["pytest-benchmark", "pyperf", "github-action"]

_CONTENT: dict[Format, Callable[[Exportable], Json | list[Json]]] = {
    "pytest-benchmark": pytest_benchmark.content,
    "pyperf": pyperf.content,
    "github-action": github_action.content,
}


def render(found: Exportable, *, to: Format) -> str:
    """Return what may be exported as the JSON of another tool.

    Args:
        found: What of a run may be exported.
        to: "pytest-benchmark" for its `compare` and its storage, "pyperf" for its commands and
            `pyperf.BenchmarkSuite.load`, "github-action" for github-action-benchmark's `customSmallerIsBetter`.

    Raises:
        NothingComparable: If no loop of the run may be exported.
    """
    if not found.entries:
        run_id = wording.display_name(found.run.header.run_id)
        raise NothingComparable(
            f"{run_id}: nothing to export, since no loop was measured and passed its check; see 'bench report {run_id}'"
        )
    return json.dumps(_CONTENT[to](found), indent=2, allow_nan=False)


def remarks(found: Exportable, *, to: Format) -> tuple[str, ...]:
    """Return what an export leaves out: each loop with its reason, and values that have no counterpart elsewhere."""
    loops = tuple(
        f"not exported: {wording.display_name(str(cell.cell))}: {wording.failure_text(cell)}" for cell in found.left_out
    )
    return loops + (pyperf.remarks(found) if to == "pyperf" else ())


def save(text: str, *, file: Path, force: bool) -> None:
    """Write an export and a line end.

    Raises:
        UsageError: If the file is there and was not to be overwritten.
        FileTrouble: If it cannot be written; an older file is then as it was.
    """
    try:
        write_whole(file, f"{text}\n".encode(), overwrite=force)
    except FileExistsError as error:
        raise UsageError(f"{file}: is there already; choose another --output or give --force") from error
