"""Which loop has taken the least time in total, for how many steps: the lower envelope of straight lines.

    envelope      the leading loop of each stretch of step counts
    choices       the same, where loops that are not told apart share a stretch
    break_even_steps    from which step on one loop has taken less time than another
    line_of       the total time of one loop, from its trials

Total time after n steps is ``start + (n - 1) * step``, with everything up to the end of the first step in ``start``:
import, build and first step, tracing and compiling included. That is what start-up means wherever it is told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, sqrt
from statistics import covariance, fmean, geometric_mean

from scipy.special import stdtrit

from bench.analysis import intervals, judgement
from bench.analysis.verdict import Verdict
from bench.records.trial import Trial
from bench.units import Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """The total time of one loop, process by process."""

    name: str
    starts: Mapping[int, Seconds]
    """Round -> import, build and first step of its process."""
    steps: Mapping[int, Seconds]
    """Round -> seconds per steady step; the same rounds."""

    @property
    def start(self) -> Seconds:
        """Geometric mean over rounds."""
        return geometric_mean(self.starts.values())

    @property
    def step(self) -> Seconds:
        """Geometric mean over rounds."""
        return geometric_mean(self.steps.values())

    def totals(self, steps: float) -> dict[int, Seconds]:
        """Return round -> total time after so many steps."""
        return {number: start + (steps - 1.0) * self.steps[number] for number, start in self.starts.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A range of step counts and who leads in it."""

    loops: tuple[str, ...]
    """One, or several that are not told apart."""
    first: int
    """Step count from which on."""
    last: int | None
    """Step count up to which, the next stretch's first; None for the last stretch, which has no end."""


def line_of(name: str, trials: Iterable[Trial], *, steps: Mapping[int, Seconds]) -> Line | None:
    """Return the total time of one loop; None where no process has all of its parts.

    Args:
        name: What it is called.
        trials: Finished.
        steps: Round -> seconds per step, of those that count.
    """
    starts: dict[int, Seconds] = {}
    for trial in trials:
        parts = (trial.import_seconds, trial.build_seconds, trial.first_step_seconds)
        known = [part for part in parts if part is not None]
        if trial.round in steps and len(known) == len(parts):
            starts[trial.round] = sum(known)
    return Line(name=name, starts=starts, steps={number: steps[number] for number in starts}) if starts else None


def envelope(lines: Sequence[tuple[str, Seconds, Seconds]]) -> tuple[Stretch, ...]:
    """Return which line is lowest where, from the first step on.

    Args:
        lines: Name, start and step of each.

    Returns:
        Stretches that follow one another without a gap; nothing for no lines.

    >>> [(*s.loops, s.first, s.last) for s in envelope([("slow", 1.0, 1.0), ("fast", 9.0, 0.5), ("never", 9.0, 2.0)])]
    [('slow', 1, 17), ('fast', 17, None)]
    """
    if not lines:
        return ()
    leaders = [(1, min(lines, key=lambda line: (line[1], line[2])))]
    while True:
        first, (_, start, step) = leaders[-1]
        better = [line for line in lines if line[2] < step]
        if not better:
            break
        # Where each one that is faster per step has caught up; of those that do so together, the fastest goes on.
        crossings = [((line[1] - start) / (step - line[2]) + 1.0, line[2], line) for line in better]
        where, _, line = min(crossings)
        leaders.append((max(first, ceil(where)), line))
    ends = [*(count for count, _ in leaders[1:]), None]
    return tuple(
        Stretch(loops=(line[0],), first=first, last=last)
        for (first, line), last in zip(leaders, ends, strict=True)
        if first != last
    )


def choices(
    lines: Sequence[Line],
    *,
    judged: Callable[[str, str], Verdict],
    margin: float,
    noise: float | None = None,
    confidence: float = intervals.CONFIDENCE,
) -> tuple[Stretch, ...]:
    """Return who leads where, as far as the rounds tell.

    In the middle of each stretch, every loop whose total time is not shown to be longer than the leader's shares it,
    unless it is slower per step than another one of them and does not start earlier either. In the last one, which has
    no end, the step alone counts. Where a stretch's leader is not shown to fall behind in the next one, there is no
    reason to change: the two become one, with the loops that both have.

    Args:
        lines: Of loops that were measured in the same rounds.
        judged: What was decided about the step of the second loop against that of the first, by name.
        margin: Smallest relative difference that matters.
        noise: What identical loops differed by in this run.
        confidence: Two-sided level of each comparison.
    """
    known = {line.name: line for line in lines}
    found: list[Stretch] = []
    for stretch in envelope([(line.name, line.start, line.step) for line in lines]):
        leader = known[stretch.loops[0]]
        if stretch.last is None:
            tied = [one for one in lines if not any(judged(other.name, one.name) is Verdict.SLOWER for other in lines)]
            tied.sort(key=lambda line: line.step)
        else:
            middle = sqrt(stretch.first * stretch.last)
            ahead = leader.totals(middle)

            def behind(line: Line, middle: float = middle, ahead: Mapping[int, Seconds] = ahead) -> bool:
                found = judgement.judge(
                    judgement.paired_speed_up(ahead, line.totals(middle), confidence=confidence),
                    margin=margin,
                    noise=noise,
                )
                return found.verdict is Verdict.SLOWER

            tied = [line for line in lines if line is leader or not behind(line)]
            tied.sort(key=lambda line: geometric_mean(line.totals(middle).values()))
            tied = [one for one in tied if not any(_pointless(one, other, judged=judged) for other in tied)]
        loops = tuple(line.name for line in tied)
        if found and found[-1].loops[0] in loops:
            both = tuple(name for name in found[-1].loops if name in loops)
            found[-1] = replace(found[-1], loops=both, last=stretch.last)
        else:
            found.append(replace(stretch, loops=loops))
    return tuple(found)


def _pointless(one: Line, other: Line, *, judged: Callable[[str, str], Verdict]) -> bool:
    """Whether nothing speaks for a loop beside another one: slower per step, and later to start."""
    return one is not other and one.start >= other.start and judged(other.name, one.name) is Verdict.SLOWER


class BreakEven(StrEnum):
    """When a loop is ahead of the baseline in total time, start-up counted."""

    AT_ONCE = "at once"
    AFTER = "after"
    """Ahead from `BreakEvenSteps.steps` on."""
    UNTIL = "until"
    """Ahead only up to `BreakEvenSteps.steps`."""
    NEVER = "never"


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakEvenSteps:
    """The answer of `break_even_steps`."""

    kind: BreakEven
    steps: int | None = None
    """Training steps, first one included; None for `at once` and `never`."""
    low: int | None = None
    high: int | None = None
    """The 95 % interval of `steps`; None where it has no end: then the rounds do not tell whether the lines cross."""


def break_even_steps(base: Line, new: Line) -> BreakEvenSteps | None:
    """Return from which step on ``new`` has taken less time in total than ``base``, start-up counted.

    The lines cross where ``(n - 1) * gain`` of the steps makes up for the extra start, a ratio of two means over the
    rounds that both have. Its interval is Fieller's, which has no end where the gain may be nothing. Source: Fieller,
    "Some problems in interval estimation", Journal of the Royal Statistical Society B 16, 1954.

    Args:
        base: The baseline.
        new: The other loop, of the same run.

    Returns:
        None where they share no round.
    """
    extra = [there - here for here, there in zip(*judgement.paired(base.starts, new.starts), strict=True)]
    gain = [here - there for here, there in zip(*judgement.paired(base.steps, new.steps), strict=True)]
    if not extra:
        return None
    extra_start, mean_gain = fmean(extra), fmean(gain)
    if extra_start <= 0.0 <= mean_gain:
        return BreakEvenSteps(kind=BreakEven.AT_ONCE)
    if mean_gain <= 0.0 <= extra_start:
        return BreakEvenSteps(kind=BreakEven.NEVER)
    low, high = (None if end is None else max(1, ceil(end) + 1) for end in _fieller(extra, gain))
    kind = BreakEven.AFTER if mean_gain > 0.0 else BreakEven.UNTIL
    return BreakEvenSteps(kind=kind, steps=ceil(extra_start / mean_gain) + 1, low=low, high=high)


def _fieller(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the ratio of two means of paired values; no ends where the denominator may be 0."""
    count = len(numerators)
    if count < 2:  # noqa: PLR2004 - for a variance
        return None, None
    square = float(stdtrit(count - 1, 0.5 + intervals.CONFIDENCE / 2.0)) ** 2 / count
    above, below = fmean(numerators), fmean(denominators)
    a = below**2 - square * covariance(denominators, denominators)
    b = above * below - square * covariance(numerators, denominators)
    c = above**2 - square * covariance(numerators, numerators)
    if a <= 0.0 or b**2 < a * c:
        return None, None
    root = sqrt(b**2 - a * c)
    return (b - root) / a, (b + root) / a
