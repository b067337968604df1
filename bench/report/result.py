"""A stored run as an object, for programs and notebooks: its tables, verdicts, plots and page.

load      a run that is stored
Result    what `bench.run`, `bench.measure`, `bench.ab` and `bench.load` return
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

from bench.analysis import summary
from bench.analysis.judgement import Condition, judge
from bench.analysis.process import step_seconds_of
from bench.analysis.summary import CellSummary, Group
from bench.analysis.verdict import Verdict
from bench.errors import UsageError
from bench.records import decisions, journal, loading, profiles
from bench.records import tables as stored_tables
from bench.records.stored_run import Run
from bench.report import model, wording
from bench.report.model import Report

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Kind = Literal["speed-up", "step-time", "trace", "break-even", "scaling"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is decided about one loop against another."""

    verdict: str
    """"faster", "slower", "same", "unclear", "invalid", "failed", "new" or "removed": a word of
    `bench.analysis.verdict.Verdict`, on `new` against `base`."""
    base: str
    new: str
    speed_up: float | None
    """Step time of `base` over that of `new`: 2.0 is twice as fast; None where there is nothing to compare."""
    low: float | None
    """Lower end of its interval, at the level at which it was decided."""
    high: float | None
    text: str
    """The same in one sentence."""

    def __str__(self) -> str:
        """Return the sentence."""
        return self.text


@final
class Result:
    """One stored run. Nothing is computed before it is asked for."""

    def __init__(self, run: Run, *, folder: Path) -> None:
        """Keep what was read back, and where it lies."""
        self.run = run
        self.folder = folder

    @property
    def name(self) -> str:
        """What the run is called, by `bench report` as by `bench.load`."""
        return self.run.header.run_id

    @cached_property
    def model(self) -> Report:
        """Everything that a report says, as data."""
        return model.build(self.run, profiles=profiles.load(self.folder), decision=decisions.load(self.folder))

    @property
    def table(self) -> "pd.DataFrame":
        """One row per loop and setting, fastest first: plain numbers, seconds, bytes and ratios, nothing rounded."""
        from bench.report import tables  # noqa: PLC0415 - pandas is loaded where it is used

        return tables.summary(self.model)

    @property
    def trials(self) -> "pd.DataFrame":
        """One row per process, its step time counted as the verdicts count it, in `step_seconds`."""
        return stored_tables.trials(self.run, step_seconds=step_seconds_of((*self.run.trials, *self.run.calibration)))

    @property
    def blocks(self) -> "pd.DataFrame":
        """One row per block, in the order in which they ran, warm-up included and marked."""
        return stored_tables.blocks(self.run)

    def verdict(self, base: str, new: str, *, setting: str | None = None) -> Answer:
        """Return what is decided about one loop against another, by the rules that the tables follow.

        Args:
            base: A loop, a side such as "A", or both as "LOOP [A]".
            new: Likewise; the verdict is about this one.
            setting: The beginning of the name of the setting, where several were measured; see `settings`.

        Raises:
            UsageError: If there is no such loop, or it is in several settings.
        """
        group = self._group_with((base, new), setting=setting)
        first, second = (_member(group, name) for name in (base, new))
        if {first.condition, second.condition} == {Condition.SOUND}:
            decided = group.between(first, second)
        else:
            decided = judge(None, base=first.condition, new=second.condition, margin=first.margin)
        ratio = decided.speed_up
        names = wording.display_name(second.cell.name), wording.display_name(first.cell.name)
        told = f"{names[0]} against {names[1]}: {decided.verdict}"
        if ratio is not None:
            told += f", {wording.ratio_text(ratio)} ({wording.ratio_span(ratio)})"
        return Answer(
            verdict=str(decided.verdict),
            base=first.cell.name,
            new=second.cell.name,
            speed_up=None if ratio is None else ratio.estimate,
            low=None if ratio is None else ratio.low,
            high=None if ratio is None else ratio.high,
            text=told,
        )

    @property
    def settings(self) -> tuple[str, ...]:
        """What is measured apart and never ranked together, in words; most runs have one."""
        return tuple(group.name for group in self.model.groups)

    @property
    def failed(self) -> tuple[str, ...]:
        """Loops that have no number, or whose number does not count: they crashed, or do other work."""
        broken = (Verdict.FAILED, Verdict.INVALID)
        cells = (cell for group in self.model.groups for cell in group.cells)
        return tuple(dict.fromkeys(cell.cell.name for cell in cells if cell.verdict in broken and not cell.never_ran))

    def plot(self, kind: Kind = "speed-up", *, setting: str | None = None) -> "Figure":
        """Return a picture that stands alone, as a figure of matplotlib.

        Args:
            kind: "speed-up", "step-time", "trace", "break-even" or "scaling".
            setting: As for `verdict`; the first where it is left out.

        Raises:
            UsageError: If there is no such picture, or nothing to draw in it.
        """
        from bench.report import plots  # noqa: PLC0415 - matplotlib is loaded where it is used

        if kind not in plots.KINDS:
            raise UsageError(f"there is no plot '{kind}'; there are {', '.join(plots.KINDS)}")
        if kind == "scaling":
            sweep = next(iter(self.model.scaling), None)
            figure = None if sweep is None else plots.figure_of_sweep(sweep, source=self.model.source)
        else:
            group = next((group for group in self.model.groups if group.name.startswith(setting or "")), None)
            figure = None if group is None else plots.figure(group, kind=kind, source=self.model.source)
        if figure is None:
            raise UsageError(f"{self.name} has nothing that a plot of kind '{kind}' could show")
        return figure

    def report(self, folder: str | Path | None = None) -> Path:
        """Write the page with tables, plots and Markdown, and return the path of its index.html.

        Args:
            folder: Where it goes; None writes to reports/NAME.

        Raises:
            FileTrouble: If it cannot be written.
        """
        from bench import report as reporting  # noqa: PLC0415

        place = Path("reports") / self.folder.name if folder is None else Path(folder)
        return reporting.write(self.run, folder=place, results_folder=self.folder, report=self.model)

    def __repr__(self) -> str:
        """Return the answer in one sentence, and the table of each setting."""
        from bench.report import terminal  # noqa: PLC0415

        return terminal.to_text(self.model, console=terminal.plain_console()).rstrip("\n")

    def _repr_html_(self) -> str:
        """Return answer, tables and a plot for a notebook; whatever names hold, none of it is markup."""
        from bench.report import snippet  # noqa: PLC0415

        return snippet.to_html(self.model)

    def _group_with(self, names: Sequence[str], *, setting: str | None) -> Group:
        """Return the group that has all of these.

        Raises:
            UsageError: If there is none, or more than one.
        """
        groups = summary.summarise(self.run)
        having = [
            group
            for group in groups
            if wording.setting_name(group.setting).startswith(setting or "")
            if all(any(_is_called(cell, name) for cell in group.cells) for name in names)
        ]
        if len(having) == 1:
            return having[0]
        told = f"{' and '.join(map(repr, names))}"
        if having:
            several = "; ".join(
                wording.setting_name(group.setting) + ("" if group.loop is None else f", {group.loop}")
                for group in having
            )
            raise UsageError(f"{told} were measured in several settings: {several}; say which by setting=")
        known = ", ".join(dict.fromkeys(cell.cell.name for group in groups for cell in group.cells))
        raise UsageError(f"{self.name} has no {told} in one setting; there are {known}")


def _is_called(cell: CellSummary, name: str) -> bool:
    """Whether a cell goes by a name: its own, its loop's where there is one of that, or its side's."""
    return name in (cell.cell.name, cell.cell.side, cell.cell.loop if cell.cell.side is None else None)


def _member(group: Group, name: str) -> CellSummary:
    """Return the cell of a group that goes by a name."""
    return next(cell for cell in group.cells if _is_called(cell, name))


def load(run: str | Path | None = None, *, results_dir: str | Path = "results") -> Result:
    """Return a stored run.

    Args:
        run: Its folder, its name or a unique beginning of that; None for the newest.
        results_dir: Where runs are stored.

    Raises:
        ResultsError: If there is no such run, or more than one.
        InvalidResult: If it is not what a run has to be.
    """
    folder = journal.find(Path(results_dir), None if run is None else str(run))
    return Result(loading.load(folder), folder=folder)
