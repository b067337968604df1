"""Cost models against values worked out by hand, and against simulated noise."""

from random import Random

import pytest

from bench.analysis.cost_model import Costs, crossing, fit, fit_costs

SIZES = (32, 128, 512, 2048)


def sweep(fixed, per_sample, *, rounds=6, noise=0.0, drift=0.0, seed=0, sizes=SIZES):
    """Return step times of a loop that the model describes, but for noise and what a round has in common."""
    random, common = Random(f"{fixed}/{per_sample}/{seed}"), Random(seed)
    drifts = [1.0 + common.gauss(0.0, drift) for _ in range(rounds)]
    return {
        size: {r: (fixed + per_sample * size) * drifts[r] * (1.0 + random.gauss(0.0, noise)) for r in range(rounds)}
        for size in sizes
    }


def test_two_points_are_met_exactly():
    """1 s a step and 0.2 s a sample: 3 s for 10, 5 s for 20."""
    assert Costs(fixed=1.0, per_sample=0.2) == fit_costs({10: 3.0, 20: 5.0})


def test_a_point_counts_by_its_relative_error():
    """A fixed cost would be negative here, so per sample = sum(n / t) / sum((n / t) ** 2) = 2.5 / 2.25."""
    costs = fit_costs({1: 1.0, 2: 2.0, 3: 6.0})

    assert (0.0, pytest.approx(2.5 / 2.25)) == (costs.fixed, costs.per_sample)


def test_three_points_that_lie_on_no_line():
    """Sums of 1/t², n/t², n²/t², 1/t and n/t are 9/16, 1, 9/4, 5/4 and 5/2, so two equations give both costs.

    Fixed = (45/16 - 5/2) / (81/64 - 1) = 20/17, per sample = (45/32 - 5/4) / (81/64 - 1) = 10/17.
    """
    costs = fit_costs({1: 2.0, 2: 2.0, 4: 4.0})

    assert (pytest.approx(20 / 17), pytest.approx(10 / 17)) == (costs.fixed, costs.per_sample)


def test_no_cost_is_negative():
    """Times that grow faster than the batch leave nothing for the fixed cost."""
    assert 0.0 == fit_costs({1: 1.0, 10: 20.0}).fixed
    assert 0.0 == fit_costs({1: 2.0, 10: 1.0}).per_sample


def test_one_size_leaves_the_costs_open():
    """No line goes through one point alone."""
    with pytest.raises(ValueError, match="expected at least 2 batch sizes, got 1"):
        fit_costs({32: 1e-3})


def test_exact_times_give_the_costs_back_without_error():
    """And an interval of no width."""
    model = fit(sweep(200e-6, 3e-6))

    assert model is not None
    assert (pytest.approx(200e-6), pytest.approx(3e-6)) == (model.fixed.estimate, model.per_sample.estimate)
    assert (pytest.approx(200e-6), pytest.approx(200e-6)) == (model.fixed.low, model.fixed.high)
    assert (pytest.approx(0.0, abs=1e-9), True, SIZES) == (model.left_out_error, model.fits, model.sizes)
    assert pytest.approx(1.7e-3) == model.step_seconds(500)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Of 200 noisy sweeps, about 95 % of the intervals hold each cost."""
    held = {"fixed": 0, "per_sample": 0}
    for seed in range(200):
        model = fit(sweep(200e-6, 3e-6, noise=0.02, drift=0.05, seed=seed))
        assert model is not None
        for name, truth in (("fixed", 200e-6), ("per_sample", 3e-6)):
            interval = getattr(model, name)
            held[name] += interval.low <= truth <= interval.high

    assert all(180 <= count <= 200 for count in held.values()), held


def test_two_rounds_give_no_interval():
    """The estimate stands alone."""
    model = fit(sweep(200e-6, 3e-6, rounds=2, noise=0.02))

    assert model is not None
    assert (None, None, 2) == (model.fixed.low, model.fixed.high, model.fixed.count)
    assert pytest.approx(200e-6, rel=0.1) == model.fixed.estimate


def test_a_cost_that_some_round_does_not_find_has_no_bounds():
    """Its logarithm does not exist; the fit of the mean times is what is left."""
    model = fit(sweep(0.0, 3e-6, noise=0.02))

    assert model is not None
    assert (None, None) == (model.fixed.low, model.fixed.high)
    assert model.fixed.estimate < 10e-6


def test_times_that_follow_another_law_do_not_fit():
    """Time that grows with the square of the batch is no line."""
    steps = {size: dict.fromkeys(range(3), 1e-9 * size**2) for size in SIZES}
    model = fit(steps)

    assert model is not None
    assert not model.fits


def test_a_model_is_tested_at_sizes_that_it_was_not_shown():
    """A jump in the middle is passed through by no line that has not seen it."""
    exact, bent = ({size: 200e-6 + 3e-6 * size for size in (32, 128, 512, 2048)} for _ in range(2))
    bent[512] *= 1.5

    errors = [
        fit({size: dict.fromkeys(range(3), step) for size, step in times.items()}).left_out_error
        for times in (exact, bent)
    ]

    assert errors[0] == pytest.approx(0.0, abs=1e-9)
    assert errors[1] > 0.3


def test_two_sizes_are_not_tested():
    """Any line goes through both."""
    model = fit({size: dict.fromkeys(range(3), 1e-3 * size) for size in (32, 64)})

    assert model.left_out_error is None
    assert model.fits


def test_rounds_that_lack_a_size_are_left_out():
    """A round's fit needs all of its processes."""
    times = sweep(200e-6, 3e-6)
    del times[512][4]

    model = fit(times)

    assert model is not None
    assert [0, 1, 2, 3, 5] == list(model.rounds)


@pytest.mark.parametrize("times", [{}, {32: {0: 1e-3}}, {32: {0: 1e-3}, 64: {1: 2e-3}}])
def test_too_little_gives_no_model(times):
    """No size, one size, no round with both."""
    assert fit(times) is None


def test_lines_cross_where_they_are_equal():
    """100 + 4 n = 400 + 1 n at n = 100, whichever comes first."""
    cheap, steady = fit(sweep(100e-6, 4e-6)), fit(sweep(400e-6, 1e-6))
    assert cheap is not None
    assert steady is not None

    found = [crossing(cheap, steady), crossing(steady, cheap)]

    assert [pytest.approx(100.0)] * 2 == [interval.estimate for interval in found if interval is not None]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (sweep(100e-6, 1e-6), sweep(400e-6, 4e-6)),  # one is always ahead
        (sweep(100e-6, 4e-6), sweep(130e-6, 1e-6)),  # at batch 10, which nobody measured
        (sweep(200e-6, 3e-6, noise=0.05), sweep(205e-6, 3e-6, noise=0.05)),  # the same, but for noise
        (sweep(100e-6, 4e-6, rounds=2), sweep(400e-6, 1e-6, rounds=2)),  # no interval
    ],
)
def test_a_crossing_that_the_rounds_do_not_support_is_not_given(first, second):
    """Nothing is better than a number that the next run contradicts."""
    models = fit(first), fit(second)
    assert None not in models

    assert crossing(*models) is None
