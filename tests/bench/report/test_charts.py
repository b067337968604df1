"""The charts of a group, by what is drawn rather than by pixels."""

from dataclasses import replace

import pytest

from bench.analysis.drift import Stretch
from bench.report import charts, svg, wording
from bench.report.canvas import Frame
from bench.report.model import build


def texts(figure):
    """Return all words of a figure, ticks excluded."""
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


def marks(figure, marker):
    """Return the x positions of all marks of one shape."""
    return [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == marker]


@pytest.mark.parametrize("frame", list(Frame))
def test_the_speed_up_chart_has_a_mark_for_each_loop(report, frame):
    """Triangles at the ratios, a diamond for the baseline, words for both directions."""
    figure = charts.speed_up(report.groups[0], frame=frame)

    ratios = [cell.speed_up.estimate for cell in report.groups[0].cells if cell.speed_up]
    assert ratios == marks(figure, "^")
    assert [1.0] == marks(figure, "D")
    assert "log" == figure.axes[0].get_xscale()
    assert {"tf-function", "21.7x faster", "baseline", "← slower", "faster →"} <= set(texts(figure))


def test_slower_same_and_unclear_loops_have_shapes_of_their_own(make_run):
    """A chart reads in grey."""
    steps = {"old": 1e-3, "slow": 3e-3, "same": 1e-3, "unclear": 1.012e-3}
    group = build(make_run(steps=steps, noise=0.005)).groups[0]

    figure = charts.speed_up(group, frame=Frame.WIDE)

    assert {"slower", "same", "unclear", "baseline"} == {row.verdict for row in group.rows}
    assert [1, 1, 1, 1] == [len(marks(figure, marker)) for marker in "vsoD"]


def test_failed_loops_have_words_instead_of_a_mark(make_run, make_failure):
    """A missing number is not drawn at zero."""
    group = build(make_run(failures={"tf-fit": make_failure()})).groups[0]

    figure = charts.speed_up(group, frame=Frame.WIDE)

    assert "✖ failed" in texts(figure)
    assert 3 == len(marks(figure, "^"))


def test_a_single_round_is_drawn_without_a_bar(make_run):
    """A hollow mark, no interval."""
    group = build(make_run(steps={"old": 2e-3, "new": 1e-3}, rounds=1)).groups[0]

    figure = charts.speed_up(group, frame=Frame.WIDE)

    assert 1 == len(marks(figure, "o"))
    assert not [line for line in figure.axes[0].lines if line.get_linewidth() == 4]


def test_step_times_have_one_dot_per_process(report):
    """Thirty processes, thirty dots; far apart, so the axis is logarithmic and says so."""
    figure = charts.step_times(report.groups[0], frame=Frame.WIDE)

    dots = [len(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [6, 6, 6, 6, 6] == dots
    assert "log" == figure.axes[0].get_xscale()
    assert "ms per step, log scale" in texts(figure)


def test_step_times_close_together_have_an_axis_from_zero(make_run):
    """Lengths can be compared by eye where nothing needs the log scale."""
    group = build(make_run(steps={"old": 2e-3, "new": 1e-3})).groups[0]

    figure = charts.step_times(group, frame=Frame.NARROW)

    assert "linear" == figure.axes[0].get_xscale()
    assert 0.0 == figure.axes[0].get_xlim()[0]
    assert "ms per step" in texts(figure)


def test_many_processes_are_thinned_to_an_even_choice(make_run):
    """Extremes are kept, the page stays small."""
    group = build(make_run(steps={"old": 2e-3, "new": 1e-3}, rounds=300)).groups[0]

    figure = charts.step_times(group, frame=Frame.WIDE)

    (dots, _) = [line.get_xdata() for line in figure.axes[0].lines if line.get_marker() == "o"]
    times = [seconds * 1e3 for seconds in group.cells[0].process_steps.values()]
    assert 160 == len(dots) == charts.dots_per_loop(group)
    assert (min(times), max(times)) == (min(dots), max(dots))


@pytest.mark.parametrize("frame", list(Frame))
def test_traces_have_a_line_and_a_band_for_each_loop(report, frame):
    """Warm-up before the measured blocks, shaded; the drift in words."""
    figure = charts.traces(report.groups[0], frame=frame)

    (axes,) = figure.axes
    lines = [line.get_xdata() for line in axes.lines if line.get_linewidth() == 2]
    warm_up, measured = ([line for line in lines if (line[0] > 0.0) == part] for part in (False, True))
    assert (5, 5) == (len(warm_up), len(measured))
    assert all(list(line) == sorted(line) and line[-1] < 1.0 for line in measured)
    assert ["warm-up", "measured"] == [label.get_text() for label in axes.get_xticklabels()]
    drifts = [wording.drift_text(cell) for cell in report.groups[0].cells]
    assert set(drifts) <= set(texts(figure))


def test_a_slower_block_is_higher_and_stays_in_its_strip(make_run):
    """Whatever happened, a trace does not run into its neighbour's."""
    group = build(make_run(steps={"old": 2e-3, "new": 1e-3})).groups[0]
    trace = group.cells[0].trace
    wild = replace(trace, measured=Stretch(middle=(0.9, 1.0, 9.0), low=(0.1, 1.0, 9.0), high=(1.0, 1.0, 9.0)))
    group = replace(group, cells=(replace(group.cells[0], trace=wild), *group.cells[1:]))

    figure = charts.traces(group, frame=Frame.NARROW)

    first = next(line for line in figure.axes[0].lines if line.get_linewidth() == 2 and line.get_xdata()[0] > 0.0)
    low, own, high = (float(height) for height in first.get_ydata())
    assert low > own == 0.0 > high > -0.5


def test_of_many_loops_those_that_did_not_hold_still_are_traced_first(make_run):
    """Then the fastest."""
    steps = {"old": 9e-3} | {f"new-{i}": (1 + i) * 5e-4 for i in range(15)}
    group = build(make_run(steps=steps, rounds=2)).groups[0]
    slowest = group.cells[-1]
    slowest = replace(slowest, oddities=replace(slowest.oddities, unsteady_rounds=(1,)))
    group = replace(group, cells=(*group.cells[:-1], slowest))

    shown = charts.traced(group)

    assert charts.TRACES == len(shown)
    assert [*group.cells[: charts.TRACES - 1], slowest] == shown


@pytest.mark.parametrize("frame", list(Frame))
def test_break_even_rings_mark_where_a_loop_overtakes(report, frame):
    """One ring per crossing, the step written beside it where there is room, and in the legend anyway."""
    figure = charts.break_even(report.groups[0], frame=frame)

    rings = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_markersize() == 13]
    crossings = [cell.break_even.steps for cell in report.groups[0].cells if cell.break_even]
    assert sorted((step for step in crossings if step), reverse=True) == rings
    assert {"tf-eager, baseline", "tf-function, after 74 steps"} <= set(texts(figure))
    assert "74" in texts(figure)


@pytest.mark.parametrize(
    ("loop", "colour"),
    [
        ("tf-fit-stock", "--tensorflow"),
        ("torch-native", "--torch"),
        ("jax-scan", "--jax"),
        ("numpy", "--numpy"),
        ("numpy [base]", "--numpy"),
        ("mine", "--ink"),
        ("tfx", "--ink"),
        ("", "--ink"),
    ],
)
def test_a_line_has_the_colour_of_its_framework(loop, colour):
    """In both charts with lines; a loop of a user's has none."""
    assert svg.COLOURS[colour] == charts.framework_colour(loop)


def test_no_two_lines_look_alike(make_run):
    """Dashes and markers tell the loops apart without colour; more loops than that are not drawn."""
    steps = {"old": 9e-3} | {f"new-{i}": (1 + i) * 5e-4 for i in range(12)}
    group = build(make_run(steps=steps, rounds=3, noise=0.001)).groups[0]

    figure = charts.break_even(group, frame=Frame.WIDE)

    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 1]
    looks = {(str(line._unscaled_dash_pattern), line.get_marker()) for line in lines}
    assert charts.LINES == len(lines) == len(looks)
