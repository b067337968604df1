"""Power against published values and by simulation, variances against the paper's example."""

from math import exp, log, log1p, sqrt
from random import Random

import pytest
from scipy.stats import t as student

from bench.analysis import effort, intervals, verdict
from bench.analysis.effort import Variances
from bench.analysis.intervals import Interval
from bench.analysis.verdict import Verdict

WORKED_EXAMPLE = [[9.0, 5.0, 8.0, 3.0], [10.0, 6.0, 7.0, 11.0], [1.0, 12.0, 2.0, 4.0]]
"""Kalibera and Jones, ISMM 2013: three executions of four measurements."""


def interval(*, spread: float, count: int, estimate: float = 1.0) -> Interval:
    """Return a 95 % interval of this spread between rounds."""
    half_width = student.ppf(0.975, count - 1) * spread / sqrt(count)
    return Interval(estimate=estimate, low=estimate * exp(-half_width), high=estimate * exp(half_width), count=count)


def test_the_smallest_difference_agrees_with_published_sample_sizes():
    """A shift of half a standard deviation is found with 80 % power by 33.4 pairs, two-sided 5 % (R's pwr.t.test)."""
    without_margin = {
        count: log1p(effort.smallest_difference(interval(spread=1.0, count=count), margin=0.0, assurance=None))
        for count in (33, 34)
    }

    assert without_margin[34] < 0.5 < without_margin[33]


def test_the_smallest_difference_at_the_published_power_is_the_published_one():
    """34 pairs and half a standard deviation: the actual power is .8078 (G*Power 3, and Cohen's table)."""
    found = effort.smallest_difference(interval(spread=1.0, count=34), margin=0.0, power=0.8077775, assurance=None)

    assert pytest.approx(0.5, abs=1e-4) == log1p(found)


def test_the_margin_comes_on_top():
    """What is called slower has to clear it as well."""
    pair = interval(spread=0.011, count=6)

    bare, beyond = (log1p(effort.smallest_difference(pair, margin=margin)) for margin in (0.0, 0.02))

    assert pytest.approx(log(1.02)) == beyond - bare


def test_a_slowdown_of_the_smallest_size_is_found_as_often_as_it_says():
    """In 2 000 simulated runs of six rounds (+- 3 standard errors)."""
    random = Random(4)
    slowdown = effort.smallest_difference(interval(spread=0.011, count=6), assurance=None)
    found = 0
    for _ in range(2000):
        ratios = [exp(random.gauss(-log1p(slowdown), 0.011)) for _ in range(6)]
        found += verdict.verdict(intervals.geometric_mean_interval(ratios)) is Verdict.SLOWER

    assert pytest.approx(0.8, abs=0.027) == found / 2000


@pytest.mark.parametrize("rounds", [3, 6, 20])
def test_what_a_run_names_from_its_own_spread_is_found_at_least_as_often(rounds):
    """A spread of so few rounds is often too small; reckoning with its upper limit makes up for that."""
    random, found = Random(rounds), 0

    def run(slowdown):
        ratios = [exp(random.gauss(-log1p(slowdown), 0.011)) for _ in range(rounds)]
        return intervals.geometric_mean_interval(ratios)

    for _ in range(1000):
        slowdown = effort.smallest_difference(run(0.0))
        found += verdict.verdict(run(slowdown)) is Verdict.SLOWER

    assert 0.83 < found / 1000 < 0.92


def test_without_an_interval_nothing_is_said_of_what_could_be_seen():
    """One round has no spread."""
    once = Interval(estimate=1.0, low=None, high=None, count=1)

    assert effort.smallest_difference(once) is None
    assert effort.rounds_for_precision(once, precision=0.01) is None


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], True),
        ([None], True),
        ([interval(spread=0.01, count=20)], True),
        ([interval(spread=0.01, count=20), None], True),
        ([interval(spread=0.01, count=20), interval(spread=0.03, count=6)], False),
        ([Interval(estimate=1.0, low=None, high=None, count=1)], False),
    ],
)
def test_every_interval_has_to_be_narrow_enough(pairs, expected):
    """What cannot be compared holds nothing up; what has one round so far does."""
    assert expected is effort.precise_enough(pairs, precision=0.01)


def test_the_level_at_which_an_interval_is_shown_does_not_decide_when_to_stop():
    """Levels depend on what was found, and stopping must not."""
    pair = interval(spread=0.01, count=20)

    assert effort.precise_enough([pair.at(0.999)], precision=0.01)


def test_a_difference_does_not_decide_when_to_stop():
    """Only the width counts."""
    assert not effort.precise_enough([interval(spread=0.03, count=6, estimate=3.0)], precision=0.01)


@pytest.mark.parametrize("spread", [0.011, 0.023, 0.05])
def test_the_promised_number_of_rounds_is_precise_enough(spread):
    """One fewer is not."""
    rounds = effort.rounds_for_precision(interval(spread=spread, count=6), precision=0.01)

    after = [interval(spread=spread, count=count) for count in (rounds - 1, rounds)]
    assert [False, True] == [effort.precise_enough([pair], precision=0.01) for pair in after]


def test_what_is_precise_enough_needs_no_more_rounds():
    """The number counts the rounds that were measured."""
    assert effort.rounds_for_precision(interval(spread=0.001, count=6), precision=0.01) == 6
    assert effort.rounds_for_precision(interval(spread=0.0, count=6), precision=0.01) == 6


@pytest.mark.parametrize("precision", [0.0, 0.0001])
def test_no_number_of_rounds_is_promised_where_none_would_do(precision):
    """No interval is a point."""
    assert effort.rounds_for_precision(interval(spread=0.1, count=6), precision=precision) is None


def test_variances_agree_with_the_papers_example():
    """T1² = 12.7 within, T2² = 0.4 between; by hand, 114.5 / 9, and 3.5625 less a quarter of it."""
    expected = Variances(within=pytest.approx(114.5 / 9), between=pytest.approx(3.5625 - 114.5 / 36))

    found = effort.variances(WORKED_EXAMPLE)

    assert expected == found


def test_variances_are_unbiased():
    """Averaged over 1 000 simulated sets of four processes of unequal length: 4 within, 1 between (+- 10 %)."""
    random = Random(2)
    within, between = 0.0, 0.0
    for _ in range(1000):
        centres = [random.gauss(0.0, 1.0) for _ in range(4)]
        processes = [
            [random.gauss(centre, 2.0) for _ in range(length)]
            for centre, length in zip(centres, (4, 6, 8, 10), strict=True)
        ]
        found = effort.variances(processes)
        within, between = within + found.within / 1000, between + found.between / 1000

    assert (pytest.approx(4.0, rel=0.1), pytest.approx(1.0, rel=0.1)) == (within, between)


@pytest.mark.parametrize("processes", [[], [[1.0, 2.0]], [[1.0, 2.0], [1.0]]])
def test_one_process_or_one_block_has_no_levels(processes):
    """Both levels need two."""
    assert effort.variances(processes) is None
    assert effort.blocks_per_trial(processes, process_cost=10.0, block_cost=0.15) is None


def test_blocks_per_trial_agree_with_the_papers_formula():
    """sqrt(10 / 2 * 12.72 / 0.382) is 12.9, so 13; the example's values are taken for logarithms."""
    processes = [[exp(value) for value in process] for process in WORKED_EXAMPLE]

    assert effort.blocks_per_trial(processes, process_cost=10.0, block_cost=2.0) == 13


def test_blocks_per_trial_minimise_the_variance_that_a_given_time_buys():
    """Within 2, between 1, a process as dear as 20 blocks: the formula's count is the best of all, or next to it.

    Time T buys T / (20 + r) processes, and each has a mean of variance 1 + 2 / r.
    """
    processes = [[exp(value) for value in pair] for pair in ((1.0, -1.0), (1.0 + 2.0, -1.0 + 2.0))]

    found = effort.blocks_per_trial(processes, process_cost=20.0, block_cost=1.0)

    best = min(range(1, 100), key=lambda blocks: (20.0 + blocks) * (1.0 + 2.0 / blocks))
    assert found in (best, best + 1)


def test_blocks_are_cheap_where_processes_do_not_differ():
    """So many as are worth recording."""
    assert effort.blocks_per_trial([[1.0, 2.0], [1.0, 2.0]], process_cost=10.0, block_cost=0.15, most=30) == 30


def test_blocks_that_agree_are_not_repeated():
    """So few as make a median."""
    assert effort.blocks_per_trial([[1.0, 1.0], [2.0, 2.0]], process_cost=10.0, block_cost=0.15, least=5) == 5


def test_costs_that_cannot_be_are_refused():
    """Time passes."""
    with pytest.raises(ValueError, match=r"expected positive costs, got 0\.0 s per process"):
        effort.blocks_per_trial(WORKED_EXAMPLE, process_cost=0.0, block_cost=1.0)
