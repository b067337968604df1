"""Rows of the report's tables: a summary's numbers as the strings that every rendering shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import units
from bench.analysis import intervals
from bench.analysis.breakdown import REST, Breakdown
from bench.analysis.summary import CellSummary
from bench.records.stored_run import Floor
from bench.report import wording


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One loop in the main table."""

    rank: str
    """"1", or "1=" where its interval against the leader of that rank includes 1x; "-" for failed loops."""
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
    noise: str
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
    training_metric: str
    validation_metric: str


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
    """How many times as long as the floor a step takes."""
    share: str
    """Of the step's time that would have been enough."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakdownRow:
    """Where the time of a step goes. Milliseconds."""

    loop: str
    step: str
    """As it is ranked by."""
    pipeline: str
    forward: str
    backward: str
    optimizer: str
    metric: str
    rest: str
    """Python and dispatch, and whatever could not be left out."""
    agreement: str
    """The whole step in the process that leaves parts out, as a share of the one that is ranked."""
    step_alone: str


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
        first_step=units.seconds(cell.first_step),
        peak_memory=units.mebibytes(cell.peak_memory_bytes),
        noise=wording.noise_text(None if step is None else step.relative_half_width),
        processes=f"{cell.finished_trials} x {units.count(cell.steps)}",
        validation_metric=units.number(cell.validation_metric),
        reason=wording.failure_text(cell) if cell.verdict in wording.UNRANKED else None,
    )


def start_up_row(cell: CellSummary, *, baseline: bool) -> StartUpRow:
    """Format one loop for the start-up table."""
    return StartUpRow(
        loop=wording.display_name(cell.cell.name),
        imports=units.seconds(cell.import_time),
        build=units.seconds(cell.build_time),
        first_step=units.seconds(cell.first_step),
        warm_up=units.seconds(cell.warm_up_time),
        step=wording.step_text(cell),
        evaluation=units.seconds(cell.evaluation_time),
        compiled=_compiled_text(cell.compiled),
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
        steps=units.count(cell.steps),
        samples=units.count(None if cell.steps is None else cell.steps * cell.cell.batch_size),
        first_loss=units.number(cell.first_loss),
        last_loss=units.number(cell.last_loss),
        training_metric=units.number(cell.training_metric),
        validation_metric=units.number(cell.validation_metric),
    )


def memory_row(cell: CellSummary) -> MemoryRow:
    """Format one loop for the memory table."""
    return MemoryRow(
        loop=wording.display_name(cell.cell.name),
        peak_memory=units.mebibytes(cell.peak_memory_bytes),
        device_peak_memory=units.mebibytes(cell.device_peak_memory_bytes),
        cores=units.number(cell.cores_in_use),
    )


def limit_row(cell: CellSummary, *, floor: Floor) -> LimitRow:
    """Format one loop for the table of distances from the limit."""
    step = cell.step
    return LimitRow(
        loop=wording.display_name(cell.cell.name),
        step=wording.step_text(cell),
        above=units.NOT_AVAILABLE if step is None else f"{units.number(step.estimate / floor.step_seconds)}x",
        share=units.NOT_AVAILABLE if step is None else units.percent(floor.step_seconds / step.estimate),
    )


def breakdown_row(cell: CellSummary, *, found: Breakdown) -> BreakdownRow:
    """Format one loop for the table of where the time of a step goes."""
    return BreakdownRow(
        loop=wording.display_name(cell.cell.name),
        step=wording.step_text(cell),
        pipeline=units.milliseconds(found.pipeline),
        forward=units.milliseconds(found.parts.get("forward")),
        backward=units.milliseconds(found.parts.get("backward")),
        optimizer=units.milliseconds(found.parts.get("optimizer")),
        metric=units.milliseconds(found.parts.get("metric")),
        rest=units.milliseconds(found.parts.get(REST)),
        agreement=units.NOT_AVAILABLE if found.agreement is None else units.percent(found.agreement),
        step_alone=units.milliseconds(found.step_alone),
    )


def ranks(cells: Sequence[CellSummary]) -> list[str]:
    """Return each loop's place among cells sorted fastest first, unranked ones last.

    A loop shares the rank of its leader while the interval of their ratio, paired by round, includes 1x. Without an
    interval there is no ranking: "n/a".
    """
    places: list[tuple[int, CellSummary] | None] = []
    leader: tuple[int, CellSummary] | None = None
    for position, cell in enumerate(cells, start=1):
        if cell.verdict in wording.UNRANKED or cell.step is None or cell.step.low is None:
            places.append(None)
            continue
        if leader is None or told_apart(leader[1], cell):
            leader = (position, cell)
        places.append((leader[0], cell))
    numbers = [place[0] for place in places if place is not None]
    texts = []
    for cell, place in zip(cells, places, strict=True):
        if place is None:
            texts.append("-" if cell.verdict in wording.UNRANKED else units.NOT_AVAILABLE)
        else:
            texts.append(f"{place[0]}{'=' if numbers.count(place[0]) > 1 else ''}")
    return texts


def told_apart(first: CellSummary, second: CellSummary) -> bool:
    """Return whether the interval of two loops' ratio, paired by round, leaves 1x out."""
    shared = sorted(first.process_steps.keys() & second.process_steps.keys())
    ratio = intervals.ratio_interval(
        [first.process_steps[r] for r in shared], [second.process_steps[r] for r in shared]
    )
    return ratio is not None and ratio.low is not None and ratio.high is not None and not ratio.low <= 1.0 <= ratio.high
