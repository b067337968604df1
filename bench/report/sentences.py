"""Conclusions in plain language, from fixed templates. Every claim carries its interval, every doubt what ends it."""

from collections.abc import Sequence
from types import MappingProxyType

from bench import units
from bench.analysis.intervals import CONFIDENCE
from bench.analysis.judgement import Judgement, Noise
from bench.analysis.summary import CellSummary
from bench.analysis.total_time import BreakEven
from bench.analysis.verdict import Verdict
from bench.report import wording
from bench.report.wording import Words
from bench.units import Seconds

USUAL_ROUNDS = 6
"""Rounds of a default run; what to ask for when there is no interval to extrapolate from."""

_LISTED = 12
_QUIET = "Measure when the machine is quiet: `--wait SEC` waits for that."


def headline(cells: Sequence[CellSummary], *, baseline: str, words: Words = MappingProxyType({})) -> str:
    """Return the one sentence that answers which loop of a group is fastest.

    Args:
        cells: Fastest first, failed ones last.
        baseline: Registered name of the loop that speed-ups refer to.
        words: What the loops are called by people.
    """
    ranked = [cell for cell in cells if cell.step is not None and cell.is_ranked]
    starved = next((cell for cell in cells if cell.too_busy), None)
    if starved is not None or not ranked:
        return _nothing_told(cells, starved=starved)
    leader = ranked[0]
    if len(ranked) == 1:
        leading = wording.called_within(leader, words=words)
        why = "it is the only loop that was asked for" if len(cells) == 1 else "no other loop finished"
        return f"{leading} takes {_step(leader)}; {why}, so nothing is compared."
    if all(len(cell.process_steps) == 1 for cell in ranked):
        return f"Can't tell which loop is fastest: one round gives no interval. Run {USUAL_ROUNDS} rounds."
    base = next((cell for cell in cells if cell.cell.name == baseline), leader)
    others = [cell for cell in ranked if cell is not base]
    leaders = [cell for cell in ranked if cell.rank == 1]
    if base not in leaders and any(cell.verdict is Verdict.FASTER for cell in leaders):
        return _winner(leaders, baseline=base, words=words)
    if leaders == [base]:
        nearest = f"the nearest is {_name(others[0])}, {wording.speed_text(others[0])}{_interval(others[0])}"
        return f"{wording.called(base, words=words)}, the baseline, is the fastest loop: {nearest}."
    return _no_winner(others, baseline=base, words=words)


def to_type(cells: Sequence[CellSummary], *, words: Words) -> str | None:
    """Return what to type to have the loops that are ahead of all others; None where there is none, or none says it.

    Args:
        cells: Of a group.
        words: What the loops' sources say.
    """
    leaders = [cell.cell.loop for cell in cells if cell.rank == 1 and cell.is_ranked]
    return wording.to_type(leaders, words=words) or None


def _nothing_told(cells: Sequence[CellSummary], *, starved: CellSummary | None) -> str:
    """Return the headline of a group of which nothing can be said: no loop finished, or the machine was too busy."""
    if starved is None:
        return f"No loop finished: {_list([_name(cell) for cell in cells])}."
    return f"Too busy to tell which loop is fastest: {wording.busy_text(starved)}. {_QUIET}"


def conclusion(cell: CellSummary, *, baseline: CellSummary, round_time: Seconds | None = None) -> str:
    """Return what one loop's numbers say against the baseline.

    Args:
        cell: The loop.
        baseline: The loop it was compared with; may be the same one.
        round_time: Wall time of one round, to say how long settling an `unclear` would take.
    """
    name, reference = _name(cell), _name(baseline)
    if not cell.is_ranked:
        return f"{name} is not ranked: {wording.failure_text(cell)}."
    if cell.cell == baseline.cell:
        return f"{name} is the baseline: {_step(cell)}."
    if cell.speed_up is None:
        shared = f"it shares no finished round with the baseline {reference}"
        shared = f"of the baseline {reference}, {wording.busy_text(baseline)}" if baseline.too_busy else shared
        return f"{name} is not compared: {shared}."
    numbers = _evidence(cell, baseline)
    if cell.verdict in (Verdict.FASTER, Verdict.SLOWER):
        return f"{name} is {wording.speed_text(cell)} than {reference} on this {cell.cell.device.upper()} {numbers}."
    if cell.verdict is Verdict.SAME:
        margin = units.percent(cell.margin)
        equal = f"{name} and {reference} are equally fast: any difference is under {margin} {numbers}."
        faster = cell.speed_up.high is not None and cell.speed_up.high > 1.0 + cell.margin  # perhaps; nobody asked
        return f"{name} is not slower than {reference} by more than {margin} {numbers}." if faster else equal
    return f"Can't tell {name} from {reference}: {_doubt(cell, baseline)}. {_remedy(cell, round_time=round_time)}"


def start_up(cell: CellSummary, *, baseline: CellSummary) -> str | None:
    """Return when a loop's total time passes the baseline's; None where the steady speeds were not told apart."""
    if cell.break_even is None or cell.verdict not in (Verdict.FASTER, Verdict.SLOWER):
        return None
    name, reference = _name(cell), _name(baseline)
    ours, theirs = (None if one.costs.line is None else one.costs.line.start for one in (cell, baseline))
    starts = f"start-up {units.duration(ours)} against {units.duration(theirs)}"
    if cell.break_even.kind is BreakEven.AT_ONCE:
        return f"{name} is ahead of {reference} at once ({starts})."
    if cell.break_even.kind is BreakEven.NEVER:
        return f"{name} never catches up with {reference} ({starts})."
    steps = wording.break_even_steps(cell, cell.break_even)
    if cell.break_even.kind is BreakEven.AFTER:
        return f"{name} overtakes {reference} after {steps} ({starts})."
    return f"{name} is ahead of {reference} until {steps} ({starts}), then falls behind."


def sensitivity(cells: Sequence[CellSummary], *, noise: Noise | None) -> str | None:
    """Return the smallest slowdown that every comparison of a group would have told; None without an interval."""
    known = [cell.smallest_difference for cell in cells if cell.smallest_difference is not None]
    if not known:
        return None
    smallest = max([*known, *([] if noise is None else [noise.relative])])
    return (
        f"Smallest slowdown that this run would have found for every loop, four times in five: "
        f"{wording.share_text(smallest)} (margin {units.percent(cells[0].margin)})."
    )


def unseen(cells: Sequence[CellSummary]) -> str | None:
    """Return what so few processes may not have met; None without an interval.

    Of processes of which a share p is in another state, n miss it with probability (1 - p)^n, which is 5 % at
    p = 1 - 0.05^(1/n).
    """
    counts = [cell.speed_up.count for cell in cells if cell.speed_up is not None and cell.speed_up.low is not None]
    if not counts:
        return None
    rounds = min(counts)
    share = 1.0 - (1.0 - CONFIDENCE) ** (1.0 / rounds)
    return (
        f"What {rounds} rounds may not have seen: a state that fewer than {100 * share:.0f} % of a loop's processes "
        "are in. Where it did not come up, no interval holds it."
    )


def noise(found: Noise, *, decides: bool = True) -> str:
    """Return what measuring one thing twice has shown, and whether verdicts hang on it."""
    ratio = found.ratio
    known = ratio.low is not None and ratio.high is not None
    span = f" (95 % interval {units.speed_span(ratio.estimate, low=ratio.low, high=ratio.high)})" if known else ""
    return (
        f"Noise: {wording.display_name(found.loop)} was measured twice under two names in the same rounds, and came "
        f"out {units.percent(found.relative)} apart in a typical round{span}."
        f"{' A smaller difference is called unclear.' if decides else ''}"
    )


def anchored(found: Judgement, *, anchor: str, budget: float) -> str:
    """Return what the changes of a loop since an anchor came to.

    Args:
        found: Against it.
        anchor: As it was written.
        budget: How much slower the loop may have become.
    """
    name, allowed = wording.display_name(anchor), units.percent(budget)
    if found.speed_up is None or found.speed_up.low is None or found.speed_up.high is None:
        return f"Against the anchor {name} nothing can be said ({found.verdict.value})."
    change, low, high = (_change(ratio) for ratio in (found.speed_up.estimate, found.speed_up.high, found.speed_up.low))
    numbers = f"step time {change} ({low} to {high})"
    if found.verdict is Verdict.SLOWER:
        return f"Slower than the anchor {name} by more than the {allowed} that it may be: {numbers}."
    if found.verdict is Verdict.UNCLEAR:
        return f"Not decided whether it is slower than the anchor {name} by more than {allowed}: {numbers}."
    return f"Not slower than the anchor {name} by more than {allowed}: {numbers}."


def _change(speed_up: float) -> str:
    """Return what a speed-up is as a change of the step time, with its sign."""
    times = 1.0 / speed_up - 1.0
    return f"{'-' if times < 0 else '+'}{units.percent(abs(times))}"


def speed_up_plot(cells: Sequence[CellSummary], *, baseline: str) -> str:
    """Return the numbers of the speed-up plot, for those who do not see it."""
    compared = [cell for cell in cells if cell.speed_up is not None]
    parts = [f"{_name(cell)} {wording.speed_text(cell)}{_interval(cell)}" for cell in compared]
    reference = wording.display_name(baseline)
    return f"Speed against {reference}, 95 % interval in brackets: {_list(parts) or 'nothing to compare'}."


def step_time_plot(cells: Sequence[CellSummary]) -> str:
    """Return the numbers of the step-time plot."""
    parts = []
    for cell in cells:
        if cell.process_steps:
            low, high = min(cell.process_steps.values()), max(cell.process_steps.values())
            parts.append(
                f"{_name(cell)} {wording.step_text(cell)} ({units.milliseconds(low)} to {units.milliseconds(high)}, "
                f"n = {len(cell.process_steps)})"
            )
    return f"Milliseconds per step, lowest to highest process in brackets: {_list(parts) or 'no process finished'}."


def trace_plot(cells: Sequence[CellSummary]) -> str:
    """Return the numbers of the traces."""
    parts = []
    for cell in cells:
        if cell.trace is not None:
            low, high = min(cell.trace.measured.low), max(cell.trace.measured.high)
            parts.append(
                f"{_name(cell)} {wording.drift_text(cell)} ({units.number(low)} to {units.number(high)} times its step "
                "time)"
            )
    return f"Last quarter of the blocks against the first, range of nine processes in ten in brackets: {_list(parts)}."


def break_even_plot(cells: Sequence[CellSummary], *, baseline: str) -> str:
    """Return the numbers of the break-even plot."""
    parts = [f"{_name(cell)} {wording.break_even_text(cell)}" for cell in cells if cell.break_even is not None]
    reference = wording.display_name(baseline)
    return f"Total time ahead of {reference}, start-up included: {_list(parts) or 'nothing to compare'}."


def _winner(leaders: Sequence[CellSummary], *, baseline: CellSummary, words: Words) -> str:
    """Return the headline of a group in which some loop is faster than the baseline.

    Args:
        leaders: The loops than which none was judged faster, fastest first; the baseline is not among them.
        baseline: Of the group.
        words: What the loops are called by people.
    """
    best = next(cell for cell in leaders if cell.verdict is Verdict.FASTER)
    place = leaders.index(best)
    speed = f"{wording.speed_text(best)} than {wording.called(baseline, words=words)}"
    leading = wording.called_within(best, words=words)
    if place > 0:
        doubtful = _list([_name(cell) for cell in leaders[:place]])
        return f"{leading} is {speed} {_evidence(best, baseline)}; {doubtful} may be faster still."
    tied = [_name(cell) for cell in leaders[1:]]
    also = f", not told apart from {_list(tied)}" if tied else ""
    return f"{leading} is the fastest loop{also}: {speed} {_evidence(best, baseline)}."


def _no_winner(others: Sequence[CellSummary], *, baseline: CellSummary, words: Words) -> str:
    """Return the headline of a group in which no loop is known to be faster than the baseline."""
    compared = [cell for cell in others if cell.speed_up is not None]
    if not compared:
        return f"Nothing is compared: no loop shares a finished round with the baseline {_name(baseline)}."
    highs = [None if cell.speed_up is None else cell.speed_up.high for cell in others]
    nearest = f"the nearest, {_name(compared[0])}, reads {wording.speed_text(compared[0])}{_interval(compared[0])}"
    margin = baseline.margin
    if all(high is not None and high < 1.0 + margin for high in highs):
        reference = wording.called_within(baseline, words=words)
        return f"No loop is faster than {reference} by more than {units.percent(margin)}: {nearest}."
    return f"Can't tell whether any loop is faster than {wording.called(baseline, words=words)}: {nearest}."


def _doubt(cell: CellSummary, baseline: CellSummary) -> str:
    """Return what is known of a loop whose verdict is unclear."""
    speed_up, steps = cell.speed_up, _steps(cell, baseline)
    if speed_up is None or speed_up.low is None:
        return f"one round gives no interval and reads {wording.speed_text(cell)} ({steps})"
    span = units.speed_span(speed_up.estimate, low=speed_up.low, high=speed_up.high)
    if span == units.NOT_KNOWN:
        return f"its interval says next to nothing ({steps})"
    if "slower" in span:
        return f"the 95 % interval runs from {span} ({steps})"
    word = "faster" if speed_up.estimate > 1.0 else "slower"
    margin = units.percent(cell.margin)
    return f"the 95 % interval runs from {span} times {word}, and under {margin} does not count ({steps})"


def _remedy(cell: CellSummary, *, round_time: Seconds | None) -> str:
    """Return what would turn `unclear` into an answer."""
    if cell.speed_up is None or cell.speed_up.low is None:
        return f"Run {USUAL_ROUNDS} rounds."
    if cell.rounds_to_settle is None:
        fewer = "" if cell.cell.threads == 1 else " or `--threads 1`"
        return f"More than 1,000 rounds would be needed: a quieter machine{fewer} narrows the interval."
    more = max(cell.rounds_to_settle - cell.speed_up.count, 1)
    lasting = "" if round_time is None else f" (about {units.duration(more * round_time)})"
    return f"About {more:,} more {'round' if more == 1 else 'rounds'} would settle it{lasting}."


def _evidence(cell: CellSummary, baseline: CellSummary | None) -> str:
    """Return the numbers behind a comparison, in brackets."""
    return f"({_steps(cell, baseline)}{_interval(cell, opening='; 95 % interval ', closing='')})"


def _steps(cell: CellSummary, baseline: CellSummary | None) -> str:
    """Return two step times side by side."""
    reference = "" if baseline is None else f" vs {wording.step_text(baseline)}"
    return f"{wording.step_text(cell)}{reference} ms per step"


def _interval(cell: CellSummary, *, opening: str = " (", closing: str = ")") -> str:
    """Return a speed-up's interval, or nothing where there is none."""
    if cell.speed_up is None or cell.speed_up.low is None:
        return ""
    span = units.speed_span(cell.speed_up.estimate, low=cell.speed_up.low, high=cell.speed_up.high)
    return f"{opening}{span}{closing}"


def _step(cell: CellSummary) -> str:
    """Return a step time with its interval."""
    step = cell.step
    if step is None:
        return "no finished step"
    text = f"{wording.step_text(cell)} ms per step"
    if step.low is None or step.high is None:
        return text
    bounds = units.span(step.low * 1e3, step.high * 1e3, estimate=step.estimate * 1e3)
    return f"{text} (95 % interval {bounds})"


def _name(cell: CellSummary) -> str:
    """Return the loop's name as it is shown."""
    return wording.display_name(cell.cell.name)


def _list(parts: Sequence[str]) -> str:
    """Join parts, and say how many were left out of a long list."""
    shown = list(parts[:_LISTED])
    if len(parts) > _LISTED:
        shown.append(f"{len(parts) - _LISTED} more in the table")
    return ", ".join(shown)
