"""The one place where two things that were measured are judged against each other; everybody else reads it.

    judge             what two conditions and an interval come to: the ladder of verdicts
    paired_speed_up   the interval of two loops from the rounds that both have
    noise_of          what identical loops differed by
    ranks             places that follow from judgements, so that no output can contradict a verdict

Rank, table, sentence, advice, plot, page, gate and verdict file show the same `Judgement`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from bench.analysis import intervals
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.analysis.verdict import Verdict, against_budget, verdict
from bench.units import Seconds


class Condition(StrEnum):
    """What became of one of two things that are to be compared."""

    SOUND = "sound"
    """Measured, and not shown to do other work than it should."""
    INVALID = "invalid"
    """Measured, but not shown to do the same work, or shown not to."""
    STARVED = "starved"
    """Measured, but the machine took the processor away in too many rounds to tell anything."""
    FAILED = "failed"
    ABSENT = "absent"
    """Not there, or not able to run here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What is decided about one thing against another."""

    verdict: Verdict
    speed_up: Interval | None
    """Base time over new time, at the level at which it was decided; None where there is nothing to compare."""


def judge(
    speed_up: Interval | None,
    *,
    base: Condition = Condition.SOUND,
    new: Condition = Condition.SOUND,
    margin: float,
    noise: float | None = None,
    looked_at: bool = False,
) -> Judgement:
    """Return the verdict on ``new`` against ``base``.

    What is not on both sides is `new` or `removed`; what broke is `failed`, else what does other work is `invalid`;
    what starved is `unclear`, whatever its times; else the interval decides, and without one it is `unclear`.

    Args:
        speed_up: As `paired_speed_up` or another estimate gives it, at the level that is to decide.
        base: What became of the baseline.
        new: What became of the other.
        margin: Smallest relative difference that matters.
        noise: As `Noise.relative`: a smaller difference is neither faster nor slower.
        looked_at: Whether it is the interval of a look of `bench.analysis.sequential`, which asks whether ``new`` is
            slower than a budget, the margin, and nothing else; noise is in its level already.
    """
    both = (new, base)
    if Condition.ABSENT in both:
        return Judgement(verdict=Verdict.REMOVED if new is Condition.ABSENT else Verdict.NEW, speed_up=None)
    for condition, word in ((Condition.FAILED, Verdict.FAILED), (Condition.INVALID, Verdict.INVALID)):
        if condition in both:
            return Judgement(verdict=word, speed_up=None)
    if speed_up is None or Condition.STARVED in both:
        return Judgement(verdict=Verdict.UNCLEAR, speed_up=None)
    if looked_at:
        return Judgement(verdict=against_budget(speed_up, budget=margin), speed_up=speed_up)
    return Judgement(verdict=verdict(speed_up, margin=margin, noise=noise), speed_up=speed_up)


Value = TypeVar("Value")


def paired(base: Mapping[int, Value], new: Mapping[int, Value]) -> tuple[list[Value], list[Value]]:
    """Return the values of the rounds that both have, in the order of rounds.

    Args:
        base: Round -> value.
        new: Likewise.
    """
    shared = sorted(base.keys() & new.keys())
    return [base[number] for number in shared], [new[number] for number in shared]


def paired_speed_up(
    base: Mapping[int, Seconds], new: Mapping[int, Seconds], *, confidence: float = CONFIDENCE
) -> Interval | None:
    """Return how many times faster ``new`` is, over the rounds that both finished; None where they share none.

    Args:
        base: Round -> seconds.
        new: Likewise.
        confidence: Two-sided level.
    """
    return intervals.ratio_interval(*paired(base, new), confidence=confidence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """What identical loops differ by: one loop measured twice under two names in the same rounds."""

    loop: str
    """Name of the cell that was measured twice."""
    ratio: Interval
    """Of the two, by ranks, which is 1 but for noise."""

    @property
    def relative(self) -> float:
        """How far the two were apart in a typical round; 0.02 reads 2 %. By ranks: a wild round does not count."""
        return max(self.ratio.estimate, 1.0 / self.ratio.estimate) - 1.0


def noise_of(loop: str, first: Mapping[int, Seconds], second: Mapping[int, Seconds]) -> Noise | None:
    """Return what two measurements of the same thing show; None where they share no round.

    Args:
        loop: What it is called.
        first: Round -> seconds.
        second: Likewise.
    """
    ratio = intervals.signed_rank_interval([a / b for a, b in zip(*paired(first, second), strict=True)])
    return None if ratio is None else Noise(loop=loop, ratio=ratio)


Thing = TypeVar("Thing")


def ranks(things: Sequence[Thing], *, faster: Callable[[Thing, Thing], bool]) -> list[int]:
    """Return each thing's place: one more than the number of those that are ahead of it.

    Ahead is whatever was judged faster than it, and whatever is ahead of that. So what shares a place is never judged
    faster or slower than one another, and nothing is above what is judged faster.

    Args:
        things: Any number.
        faster: Whether the first was judged faster than the second.

    >>> ranks([1.0, 1.01, 2.0], faster=lambda a, b: a < 0.9 * b)
    [1, 1, 3]
    """
    count = range(len(things))
    ahead = [{other for other in count if other != one and faster(things[other], things[one])} for one in count]
    for middle in count:  # Warshall's transitive closure
        for one in count:
            if middle in ahead[one]:
                ahead[one] |= ahead[middle] - {one}
    return [1 + len(places) for places in ahead]
