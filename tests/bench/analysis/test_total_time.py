"""Which loop to use for how many steps, against envelopes drawn by hand."""

from dataclasses import replace
from math import exp
from random import Random

import pytest

from bench.analysis import judgement, total_time
from bench.analysis.total_time import BreakEven, Line, Stretch, envelope


def stretches(found):
    """Return stretches as tuples: loops, first, last."""
    return [("/".join(stretch.loops), stretch.first, stretch.last) for stretch in found]


def line(name, start, step, *, rounds=6, noise=0.001):
    """Return a loop whose processes differ by so much."""
    random = Random(name)
    return Line(
        name=name,
        starts={r: start * (1.0 + random.gauss(0.0, noise)) for r in range(rounds)},
        steps={r: step * (1.0 + random.gauss(0.0, noise)) for r in range(rounds)},
    )


def choices(lines, *, margin, noise=None):
    """Return the choices where steps are judged by the same rule as totals."""
    steps = {line.name: line.steps for line in lines}

    def judged(base, new):
        speed_up = judgement.paired_speed_up(steps[base], steps[new])
        return judgement.judge(speed_up, margin=margin, noise=noise).verdict

    return total_time.choices(lines, judged=judged, margin=margin, noise=noise)


def test_three_lines_take_turns():
    """1 + (n-1), 5 + (n-1) / 2 and 20 + (n-1) / 10: they meet at n = 9 and at 37.5 + 1 = 38.5, so from 39 on."""
    found = envelope([("compiled", 20.0, 0.1), ("plain", 1.0, 1.0), ("graph", 5.0, 0.5)])

    assert [("plain", 1, 9), ("graph", 9, 39), ("compiled", 39, None)] == stretches(found)


def test_a_line_above_the_meeting_of_two_others_is_never_lowest():
    """It beats each of them somewhere, but never both at once."""
    found = envelope([("a", 1.0, 1.0), ("middle", 9.0, 0.5), ("b", 10.0, 0.1)])

    assert [("a", 1, 11), ("b", 11, None)] == stretches(found)


def test_a_loop_that_starts_and_steps_fastest_is_alone():
    """For any number of steps."""
    assert [("best", 1, None)] == stretches(envelope([("worst", 2.0, 2.0), ("best", 1.0, 1.0)]))


@pytest.mark.parametrize("lines", [[("a", 1.0, 2.0), ("b", 1.0, 1.0)], [("b", 1.0, 1.0), ("a", 1.0, 2.0)]])
def test_of_equal_starts_the_faster_step_leads_from_the_first(lines):
    """No stretch is empty."""
    assert [("b", 1, None)] == stretches(envelope(lines))


def test_no_lines_have_no_envelope():
    """Nothing to advise on."""
    assert () == envelope([])


def test_the_envelope_is_lowest_everywhere():
    """Compared with trying every line at every step."""
    random = Random(0)
    for _ in range(50):
        lines = [(str(i), random.uniform(0.1, 10.0), random.uniform(0.01, 1.0)) for i in range(8)]
        times = {name: (start, step) for name, start, step in lines}
        for stretch in envelope(lines):
            for n in (stretch.first, (stretch.last or 10_000) - 1):
                start, step = times[stretch.loops[0]]
                assert start + (n - 1) * step == pytest.approx(min(s + (n - 1) * t for s, t in times.values()))


def test_clear_differences_are_told_apart():
    """As the envelope has them."""
    found = choices([line("plain", 1.0, 1.0), line("graph", 5.0, 0.5), line("compiled", 20.0, 0.1)], margin=0.02)

    assert ["plain", "graph", "compiled"] == ["/".join(stretch.loops) for stretch in found]


def test_loops_that_are_alike_share_a_stretch():
    """Neither start nor step tells them apart."""
    found = choices([line("one", 1.0, 1.0), line("two", 1.001, 1.001), line("slow", 2.0, 2.0)], margin=0.02)

    assert [(1, None)] == [(stretch.first, stretch.last) for stretch in found]
    assert {"one", "two"} == set(found[0].loops)


def test_nobody_changes_to_a_loop_that_is_not_known_to_be_faster():
    """The second is 0.5 % faster per step, within the margin, and starts later: the first stays."""
    found = choices([line("one", 1.0, 1.0), line("two", 9.0, 0.995)], margin=0.02)

    assert [Stretch(loops=("one",), first=1, last=None)] == list(found)


def test_noise_leaves_the_choice_open():
    """Processes that differ by 10 % say little about 2 %."""
    found = choices([line("one", 1.0, 1.0, noise=0.1), line("two", 1.02, 1.02, noise=0.1)], margin=0.02)

    assert [{"one", "two"}] == [set(stretch.loops) for stretch in found]


def test_noise_widens_what_is_alike():
    """Identical loops differed by 10 % in this run, so 5 % is no difference."""
    lines = [line("one", 1.0, 1.0), line("two", 1.05, 1.05)]

    assert [("one",)] == [stretch.loops for stretch in choices(lines, margin=0.02)]
    assert [("one", "two")] == [stretch.loops for stretch in choices(lines, margin=0.02, noise=0.10)]


@pytest.mark.parametrize(
    ("new_start", "new_step", "kind", "steps"),
    [
        (0.1, 0.001, BreakEven.AT_ONCE, None),
        (1.0, 0.020, BreakEven.NEVER, None),
        (1.0, 0.010, BreakEven.NEVER, None),
        (1.0, 0.001, BreakEven.AFTER, 101),
        (0.01, 0.020, BreakEven.UNTIL, 10),
    ],
)
def test_break_even_is_where_the_total_times_cross(new_start, new_step, kind, steps):
    """Against a loop of 0.1 s start-up and 10 ms per step."""
    found = total_time.break_even_steps(
        line("base", 0.1, 0.010, noise=0.0), line("new", new_start, new_step, noise=0.0)
    )

    assert (kind, steps) == (found.kind, found.steps)


def noisy(name, start, step, *, random, rounds=6):
    """Return a line whose start and step differ by 5 and 2 % between rounds."""
    return Line(
        name=name,
        starts={number: start * exp(random.gauss(0.0, 0.05)) for number in range(rounds)},
        steps={number: step * exp(random.gauss(0.0, 0.02)) for number in range(rounds)},
    )


def test_the_interval_of_a_crossing_holds_the_truth_as_often_as_it_says():
    """Of 500 runs whose lines cross at step 401."""
    random, held = Random(2), 0
    for _ in range(500):
        found = total_time.break_even_steps(
            noisy("base", 1.0, 0.010, random=random), noisy("new", 3.0, 0.005, random=random)
        )
        held += found.low <= 401 <= found.high

    assert 0.92 < held / 500 < 0.98


def test_a_crossing_of_lines_that_may_be_parallel_has_no_end():
    """The gain may be nothing, so the rounds do not say where, or whether, they cross."""
    random = Random(3)
    found = total_time.break_even_steps(
        noisy("base", 1.0, 0.010000, random=random), noisy("new", 3.0, 0.009999, random=random)
    )

    assert (None, None) == (found.low, found.high)


def test_lines_without_a_common_round_are_not_compared():
    """There is nothing to pair."""
    ours, theirs = (Line(name="x", starts={number: 1.0}, steps={number: 0.1}) for number in (0, 1))

    assert total_time.break_even_steps(ours, theirs) is None


def test_start_up_is_import_build_and_first_step(make_trial, make_cell):
    """Of the rounds that count; a process that lacks a part counts nothing."""
    trials = [
        replace(make_trial(make_cell(), round=number), import_seconds=2.0, build_seconds=build)
        for number, build in enumerate((0.5, None, 0.5))
    ]

    made = total_time.line_of("x", trials, steps={0: 0.01, 1: 0.01})

    assert {0: 2.5 + trials[0].first_step_seconds} == made.starts
    assert {0: 0.01} == made.steps
    assert total_time.line_of("x", trials[1:], steps={1: 0.01}) is None
