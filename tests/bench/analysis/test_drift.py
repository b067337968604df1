"""What happened inside processes, as a few points: order kept, each process against itself."""

from dataclasses import replace

import pytest

from bench.analysis.drift import MEASURED_POINTS, Stretch, trace
from bench.records.trial import BlockKind


@pytest.fixture
def process(make_cell, make_trial, make_block):
    """Return a function: step times of measured blocks and of warm-up, what it counts with -> a process."""

    def process(measured, *, warm_up=(), step=1e-3):
        kinds = [(BlockKind.WARM_UP, seconds) for seconds in warm_up]
        kinds += [(BlockKind.MEASURED, seconds) for seconds in measured]
        blocks = tuple(
            make_block(kind, steps=10, seconds=10 * seconds, started=float(place))
            for place, (kind, seconds) in enumerate(kinds)
        )
        return replace(make_trial(make_cell("a")), blocks=blocks), step

    return process


def test_points_are_in_order_and_relative_to_the_process_itself(process):
    """Two processes of different speed that both got slower by a half look alike."""
    found = trace([process([1e-3, 1.5e-3], step=1e-3), process([4e-3, 6e-3], step=4e-3)])

    assert (1.0, 1.5) == pytest.approx(found.measured.middle)
    assert found.measured.low == pytest.approx(found.measured.high)


def test_many_blocks_are_averaged_into_few_points(process):
    """However long a process was measured, a page stays small."""
    found = trace([process([1e-3 * (1 + place) for place in range(240)])])

    assert MEASURED_POINTS == len(found.measured.middle)
    assert list(found.measured.middle) == sorted(found.measured.middle)
    assert pytest.approx(sum(range(1, 241)) / 240) == sum(found.measured.middle) / MEASURED_POINTS


def test_the_band_holds_nine_processes_in_ten(process):
    """Of twenty, it leaves out the outermost one at each end, or nearly so."""
    found = trace([process([1e-3 * (1 + number / 100)]) for number in range(21)])

    assert (1.01,) == pytest.approx(found.measured.low)
    assert (1.10,) == pytest.approx(found.measured.middle)
    assert (1.19,) == pytest.approx(found.measured.high)


def test_drift_is_the_last_quarter_against_the_first(process):
    """A hiccup in the middle is none."""
    steady = trace([process([1e-3] * 5 + [9e-3] + [1e-3] * 6)])
    slower = trace([process([1e-3] * 3 + [1.1e-3] * 6 + [1.2e-3] * 3)])

    assert (1.0, 1.2) == pytest.approx((steady.drift, slower.drift))


def test_warm_up_stands_apart(process):
    """It does not count, but it shows why."""
    found = trace([process([1e-3] * 4, warm_up=[5e-3, 2e-3])])

    assert (5.0, 2.0) == pytest.approx(found.warm_up.middle)
    assert None is trace([process([1e-3] * 4)]).warm_up


def test_processes_may_have_measured_different_numbers_of_blocks(process):
    """A point is the same share of each."""
    found = trace([process([1e-3] * 2 + [2e-3] * 2), process([1e-3] * 20 + [2e-3] * 20)])

    assert (1.0, 1.0, 2.0, 2.0) == pytest.approx(found.measured.middle)


def test_nothing_was_traced_without_a_process():
    """A loop that failed has no trace."""
    assert None is trace([])


def test_rounding_keeps_what_is_shown():
    """A tenth of a per cent."""
    stretch = Stretch(middle=(1.00049,), low=(0.9996,), high=(1.12345,))

    assert Stretch(middle=(1.0,), low=(1.0,), high=(1.123,)) == stretch.rounded(3)
