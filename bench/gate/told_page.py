"""The pages of a gate's runs: headed by what was decided, with base, head and budgets, and text for a pull request."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from bench import report, units
from bench.gate import text
from bench.gate.result import GateResult, LoopVerdict, Outcome
from bench.records import decisions
from bench.records.decision import Decision
from bench.records.stored_run import Run
from bench.runs.endings import all_stored

Stored = tuple[Run, Path]
"""A run, and the folder that it is stored in."""


def decided(result: GateResult) -> Decision:
    """Return what a page says of a gate."""
    return Decision(
        word=_word(result),
        sentence=text.headline(result),
        base=result.base,
        head=result.head,
        anchor=result.anchor,
        budgets=tuple(_budgets(result.loops)),
        runs=result.runs,
        comment=text.to_markdown(result),
    )


def write(result: GateResult, measured: Sequence[Stored], *, reports: Path | None) -> Path | None:
    """Keep the decision beside each run that it rests on, and write their pages.

    Args:
        result: What holds in the end.
        measured: In the order in which they were measured.
        reports: Where pages go; None writes none.

    Returns:
        The page of the first run; None without pages.

    Raises:
        FileTrouble: If something cannot be written; the runs are stored all the same.
    """
    told, pages = decided(result), list[Path]()
    for run, folder in measured:
        with all_stored(folder):
            decisions.store(told, folder=folder)
            if reports is not None:
                built = report.build(run, decision=told)
                pages.append(report.write(run, folder=reports / folder.name, results_folder=folder, report=built))
    return pages[0] if pages else None


def _word(result: GateResult) -> Literal["PASSED", "FAILED", "UNCLEAR"]:
    """Return the one word: unclear is unclear, whether it fails a job or not."""
    if result.outcome is Outcome.UNCLEAR:
        return "UNCLEAR"
    return "PASSED" if result.exit_code == 0 else "FAILED"


def _budgets(rows: Sequence[LoopVerdict]) -> Iterator[str]:
    """Yield one budget where all loops have the same, else one for each loop."""
    different = {row.budget for row in rows}
    if len(different) == 1:
        yield f"{units.percent(different.pop())} slower"
    elif different:
        yield from (f"{row.loop} {units.percent(row.budget)} slower" for row in rows)
