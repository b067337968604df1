"""What of a stored run other tools may be told, and what is left out.

Loops that failed or do other work are left out, never written as numbers. What a run does not store is null or absent,
never the fact of the machine that happens to export it.
"""

from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from bench.analysis.summary import CellSummary, summarise
from bench.records.cell import Cell, Setting
from bench.records.stored_run import Run
from bench.records.trial import Trial
from bench.report import wording

Json = dict[str, Any]

TIMER = "time.perf_counter_ns"
"""What every loop was timed with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A cell that is exported: it was measured, and does the work it claims."""

    name: str
    """The same in every run, unique within one, on one line."""
    baseline: str
    """The loop that its speed-up refers to."""
    summary: CellSummary
    trials: tuple[Trial, ...]
    """In the order of rounds; all of them finished and were measured."""

    @property
    def cell(self) -> Cell:
        """What was measured."""
        return self.summary.cell

    @property
    def verdict(self) -> str:
        """The stable word, "baseline" for the baseline itself."""
        return wording.BASELINE if self.summary.verdict is None else str(self.summary.verdict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exportable:
    """A run parted into what may be exported and what may not; judged once for both."""

    run: Run
    entries: tuple[Entry, ...]
    """Setting by setting, fastest first."""
    left_out: tuple[CellSummary, ...]
    """Cells that failed, do other work or never ran."""


def exportable(run: Run) -> Exportable:
    """Return what of a run may be exported, complete or not, and what is left out."""
    groups = summarise(run)
    entries = tuple(
        Entry(
            name=f"{_escaped(cell.cell.loop)}[{parameters(cell.cell)}]",
            baseline=group.baseline,
            summary=cell,
            trials=tuple(trial for trial in run.trials_of(cell.cell) if trial.round in cell.process_steps),
        )
        for group in groups
        for cell in group.cells
        if cell.is_ranked
    )
    left_out = tuple(cell for group in groups for cell in group.cells if not cell.is_ranked)
    return Exportable(run=run, entries=entries, left_out=left_out)


def parameters(cell: Cell) -> str:
    """Return everything but the loop, as it stands in a name: "mnist-mlp-matched-cpu-b32"."""
    side = "" if cell.side is None else f"-{_escaped(cell.side)}"
    return f"{setting(cell).slug}{side}"


def setting(cell: Cell) -> Setting:
    """Return a cell's setting with the workload's name escaped."""
    return replace(cell.setting, workload=_escaped(cell.workload))


def _escaped(text: str) -> str:
    r"""Return a name that these tools take as it is: different names stay different, and none breaks a line.

    A bracket is escaped, because pytest-benchmark cuts names there, and a blank at the beginning, because pyperf
    strips it.

    >>> print(_escaped("mine"), _escaped("two\nlines"), _escaped("a[b]"))
    mine two\u{a}lines a\u{5b}b]
    """
    marked = text.replace("\\", _code("\\")).replace("[", _code("["))
    return one_line(_code(" ") + marked[1:] if marked.startswith(" ") else marked)


def one_line(text: str) -> str:
    """Return text with line breaks and everything else that is not for print as codes."""
    return "".join(character if character.isprintable() else _code(character) for character in text)


def _code(character: str) -> str:
    """Return a character by its number."""
    return f"\\u{{{ord(character):x}}}"


def positive(text: str | None) -> float | None:
    """Return a fact of the passport as a number; None where it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if isfinite(value) and value >= 0.0 else None


def whole(text: str | None) -> int | None:
    """Return a fact of the passport as a whole number above zero; None where it is none."""
    value = positive(text)
    return int(value) or None if value is not None else None
