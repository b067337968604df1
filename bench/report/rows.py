"""Rows of the report's tables: a summary's numbers as the strings that every rendering shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import units
from bench.analysis.summary import CellSummary
from bench.records.stored_run import LeastStep
from bench.report import wording
from bench.report.wording import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One loop in the main table."""

    rank: str
    """One more than the number of loops that are ahead of it; "1=" where several share it, "-" for failed loops."""
    loop: str
    """Display name, see `display_name`."""
    verdict: str
    """A word of `bench.analysis.verdict.Verdict`, or "baseline", or "unavailable"."""
    glyph: str
    """The verdict's shape; empty for "baseline"."""
    speed_up: str
    """In words, against the baseline."""
    interval: str
    """Of the speed-up, 95 %."""
    step: str
    """Milliseconds."""
    samples_per_second: str
    first_step: str
    """Seconds, tracing and compiling included."""
    peak_memory: str
    """MiB, largest resident set."""
    half_width: str
    """Half-width of the step time's interval, relative."""
    processes: str
    """Finished processes x steps of each."""
    validation_metric: str
    reason: str | None
    """Why a failed loop is not ranked."""

    @property
    def verdict_text(self) -> str:
        """Glyph and word."""
        return f"{self.glyph} {self.verdict}".lstrip()


@dataclass(frozen=True, kw_only=True, slots=True)
class WordsRow:
    """What a loop is called by people, and what to type to have it."""

    loop: str
    """Display name."""
    title: str
    change: str
    """From a model that plain `fit()` trains; code between back-ticks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartUpRow:
    """What a loop costs before it is at speed. Times in seconds, the step in milliseconds, medians over processes."""

    loop: str
    imports: str
    build: str
    first_step: str
    warm_up: str
    step: str
    evaluation: str
    compiled: str
    """Graphs and the breaks between them, in words."""
    pays_back: str
    """From which step on its total time is below the baseline's, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkRow:
    """What a loop trained, to see that all did the same work. Medians over processes."""

    loop: str
    verified: str
    """Against the float64 reference: the optimizer's formula it was held to, "no", or "not checked"."""
    loss_gap: str
    """Largest relative gap between its loss and the reference's."""
    steps: str
    samples: str
    first_loss: str
    last_loss: str
    training_metrics: Mapping[str, str]
    """By name."""
    validation_metrics: Mapping[str, str]
    """Likewise; nothing where there are no samples to validate with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryRow:
    """What a loop occupied."""

    loop: str
    peak_memory: str
    """MiB, largest resident set over processes."""
    device_peak_memory: str
    """MiB, largest amount held by the framework's allocator."""
    cores: str
    """Processor seconds per wall second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitRow:
    """How far a loop is from the least time that its step can take."""

    loop: str
    step: str
    """Milliseconds."""
    above: str
    """How many times as long as the least step it takes."""
    share: str
    """Of the step's time that would have been enough."""


def main_row(cell: CellSummary, *, rank: str) -> Row:
    """Format one loop for the main table."""
    speed_up, step = cell.speed_up, cell.step
    glyph, word = wording.verdict_words(cell)
    samples = cell.samples_per_second
    half_width = None if step is None or step.low is None or step.high is None else (step.high - step.low) / 2.0
    return Row(
        rank=rank,
        loop=wording.display_name(cell.cell.name),
        verdict=word,
        glyph=glyph,
        speed_up=wording.speed_text(cell),
        interval=wording.ratio_span(speed_up),
        step=wording.step_text(cell),
        samples_per_second=units.number(
            samples,
            half_width=None if half_width is None or not samples or not step else samples * half_width / step.estimate,
        ),
        first_step=units.seconds(cell.costs.first_step),
        peak_memory=units.mebibytes(cell.costs.peak_memory_bytes),
        half_width=wording.width_text(None if step is None else step.relative_half_width),
        processes=f"{cell.finished_trials} x {units.count(cell.work.steps)}",
        validation_metric=units.number(cell.work.validation_metric),
        reason=wording.failure_text(cell) if not cell.is_ranked else None,
    )


def words_rows(cells: Sequence[CellSummary], *, words: Words) -> Iterator[WordsRow]:
    """Yield a row for each loop that says what it is called; one that is measured twice has one."""
    for cell in (cell for cell in cells if cell.cell.side is None):
        said = words.get(cell.cell.loop)
        if said is not None:
            yield WordsRow(
                loop=wording.display_name(cell.cell.loop),
                title=wording.display_name(said.title),
                change=wording.display_name(said.change) or units.NOT_AVAILABLE,
            )


def start_up_row(cell: CellSummary, *, baseline: bool) -> StartUpRow:
    """Format one loop for the start-up table."""
    return StartUpRow(
        loop=wording.display_name(cell.cell.name),
        imports=units.seconds(cell.costs.import_time),
        build=units.seconds(cell.costs.build_time),
        first_step=units.seconds(cell.costs.first_step),
        warm_up=units.seconds(cell.costs.warm_up_time),
        step=wording.step_text(cell),
        evaluation=units.seconds(cell.costs.evaluation_time),
        compiled=_compiled_text(cell.costs.compiled),
        pays_back=wording.BASELINE if baseline else wording.break_even_text(cell),
    )


def _compiled_text(compiled: Mapping[str, int] | None) -> str:
    """Return "3 graphs, 1 break", or "no graph"."""
    if compiled is None:
        return units.NOT_AVAILABLE
    counts = [f"{number} {what.removesuffix('s') if number == 1 else what}" for what, number in compiled.items()]
    return ", ".join(counts) or "no graph"


def work_row(cell: CellSummary) -> WorkRow:
    """Format one loop for the same-work table."""
    return WorkRow(
        loop=wording.display_name(cell.cell.name),
        verified=wording.verified_text(cell),
        loss_gap=units.tiny(None if cell.verification is None else cell.verification.largest_loss_gap),
        steps=units.count(cell.work.steps),
        samples=units.count(None if cell.work.steps is None else cell.work.steps * cell.cell.batch_size),
        first_loss=units.number(cell.work.first_loss),
        last_loss=units.number(cell.work.last_loss),
        training_metrics={name: units.number(value) for name, value in cell.work.training_metrics.items()},
        validation_metrics={name: units.number(value) for name, value in cell.work.validation_metrics.items()},
    )


def memory_row(cell: CellSummary) -> MemoryRow:
    """Format one loop for the memory table."""
    return MemoryRow(
        loop=wording.display_name(cell.cell.name),
        peak_memory=units.mebibytes(cell.costs.peak_memory_bytes),
        device_peak_memory=units.mebibytes(cell.costs.device_peak_memory_bytes),
        cores=units.number(cell.costs.cores_in_use),
    )


def limit_row(cell: CellSummary, *, least: LeastStep) -> LimitRow:
    """Format one loop for the table of distances from the limit."""
    step = cell.step
    return LimitRow(
        loop=wording.display_name(cell.cell.name),
        step=wording.step_text(cell),
        above=units.NOT_AVAILABLE if step is None else f"{units.number(step.estimate / least.step_seconds)}x",
        share=units.NOT_AVAILABLE if step is None else units.percent(least.step_seconds / step.estimate),
    )


def ranks(cells: Sequence[CellSummary]) -> list[str]:
    """Return each loop's place as text: "1", or "1=" where several share it.

    "-" for a loop that is not ranked; without an interval there is no ranking: "n/a".
    """
    places = [cell.rank for cell in cells]
    return [
        f"{place}{'=' if places.count(place) > 1 else ''}"
        if place is not None
        else "-"
        if not cell.is_ranked
        else units.NOT_AVAILABLE
        for cell, place in zip(cells, places, strict=True)
    ]
