"""Whether the machine took the processor away: from time that threads were ready and waited, never from idleness."""

from dataclasses import replace

import pytest

from bench.analysis import starvation
from bench.analysis.judgement import Condition
from bench.analysis.reading import read
from bench.analysis.summary import summarise
from bench.analysis.verdict import Verdict
from bench.records.busy import BusyProgram
from bench.records.stored_run import Conditions
from bench.records.trial import BlockKind

HOGS = BusyProgram(name="python", processes=2, cores=1.6)


def changed(trial, **fields):
    """Return a trial whose measured blocks have other fields; a function is asked with the block."""

    def of(block):
        return replace(block, **{name: make(block) if callable(make) else make for name, make in fields.items()})

    blocks = tuple(of(block) if block.kind is BlockKind.MEASURED else block for block in trial.blocks)
    return replace(trial, blocks=blocks)


def under(run, *, others=1.6, stolen=0.0, rounds=None, **fields):
    """Return a run in which others kept so many cores busy in some rounds, and what its blocks show of it."""
    chosen = range(run.planned_rounds) if rounds is None else rounds
    return replace(
        run,
        header=replace(run.header, environment=run.header.environment | {"cpu cores usable": "2"}),
        trials=tuple(changed(trial, **fields) if trial.round in chosen else trial for trial in run.trials),
        conditions=tuple(
            Conditions(
                round=number,
                load_average=8.0,
                stolen=stolen,
                seconds=9.0,
                others=others,
                busy=(HOGS,) if others else (),
            )
            for number in chosen
        ),
    )


def share(run):
    """Return the largest share that was taken from any process of a run."""
    return max(starvation.taken_share(run, trial) for trial in run.trials)


@pytest.fixture
def pair(make_run):
    """Return a run of two identical loops, six rounds."""
    return make_run(steps={"a": 1e-3, "b": 1e-3})


def test_a_process_that_waited_for_a_processor_has_starved(pair):
    """0.2 of a core in place of one, as on two cores with a load of eight."""
    run = under(pair, cpu_seconds=lambda b: 0.2 * b.seconds, waited_seconds=lambda b: 0.8 * b.seconds)

    assert pytest.approx(0.8) == share(run)


def test_a_loop_that_only_waits_has_lost_nothing(pair):
    """It sleeps, or its input is slow: hardly any processor time, on a machine as busy as can be."""
    run = under(pair, cpu_seconds=lambda b: 0.01 * b.seconds, waited_seconds=lambda b: 0.002 * b.seconds)

    assert share(run) < starvation.LIMIT
    assert () == starvation.rounds(run)


def test_a_loop_that_only_waits_has_lost_nothing_where_waiting_is_not_counted_either(pair):
    """A sleeper is never switched away against its will."""
    run = under(pair, cpu_seconds=lambda b: 0.01 * b.seconds, involuntary_switches=0)

    assert 0.0 == share(run)


@pytest.mark.parametrize(("switches", "starved"), [(0, False), (20, True)], ids=["sleeps", "is kept from running"])
def test_who_hardly_runs_has_starved_only_if_it_was_switched_away(pair, switches, starved):
    """A sleeper that wakes late on a busy machine looks like a loop among sixteen others, but for its switches."""
    run = under(
        pair,
        cpu_seconds=lambda b: 0.05 * b.seconds,
        waited_seconds=lambda b: 0.8 * b.seconds,
        involuntary_switches=switches,
    )

    assert starved is (share(run) >= starvation.LIMIT)


def test_each_switch_of_who_hardly_runs_took_one_turn_of_all_others_at_most(pair):
    """50 ms, of a block of ten seconds."""
    run = under(pair, seconds=10.0, cpu_seconds=0.5, waited_seconds=8.0, involuntary_switches=3)

    assert pytest.approx(0.015) == share(run)


def test_switches_count_where_waiting_is_not_counted(pair):
    """Each stands for a slice that somebody else had."""
    run = under(pair, cpu_seconds=lambda b: 0.3 * b.seconds, involuntary_switches=lambda b: int(b.seconds / 6e-3))

    assert 0.4 < share(run) < 0.6


def test_threads_that_wait_for_one_another_have_lost_nothing(pair):
    """Sixteen threads on two cores wait all the time, and use all there is."""
    run = under(pair, cpu_seconds=lambda b: 2.0 * b.seconds, waited_seconds=lambda b: 14.0 * b.seconds)

    assert 0.0 == share(run)


def test_others_cannot_have_taken_more_than_they_used(pair):
    """What threads wait on a quiet machine is their own affair."""
    run = under(pair, others=0.02, cpu_seconds=lambda b: b.seconds, waited_seconds=lambda b: 0.5 * b.seconds)

    assert pytest.approx(0.02) == share(run)


CROWDS = [
    (1.02, 1.0, BusyProgram(name="python", processes=4, cores=1.02), True),
    (1.0, 1.0, BusyProgram(name="make", processes=1, cores=1.0), False),  # has a processor of its own
    (0.3, 1.0, BusyProgram(name="python", processes=4, cores=0.3), False),  # something is idle
    (0.6, 0.6, BusyProgram(name="python", processes=4, cores=0.6), False),  # something is idle, though many are there
    (0.4, 1.6, BusyProgram(name="python", processes=4, cores=0.4), False),  # hardly anybody
    (1.02, 1.0, BusyProgram(name="browser", processes=90, cores=1.02), False),  # wants no more than it gets
    (1.95, 0.03, BusyProgram(name="python", processes=4, cores=1.95), False),  # a sleeper
]


@pytest.mark.parametrize(("others", "used", "program", "crowded"), CROWDS)
def test_who_keeps_its_processor_in_a_crowd_was_measured_in_a_crowd(pair, others, used, program, crowded):
    """Two loops that are the same came out 1.13x apart so, with four others on the second processor."""
    run = under(pair, others=others, cpu_seconds=lambda b: used * b.seconds, waited_seconds=0.0)
    run = replace(run, conditions=tuple(replace(one, busy=(program,)) for one in run.conditions))

    assert share(run) < starvation.LIMIT
    assert ((0, 1, 2, 3, 4, 5) if crowded else ()) == starvation.rounds(run)
    found = [starvation.of_cell(run, run.trials_of(cell)) for cell in run.header.plan.cells]
    assert [crowded, crowded] == [one is not None and one.is_crowd and one.too_busy for one in found]


def test_a_quota_is_all_that_a_process_could_have_had(pair):
    """In a container that may use one core of many, two threads wait for it by turns."""
    run = under(pair, cpu_seconds=lambda b: b.seconds, waited_seconds=lambda b: b.seconds)
    quota = {"cpu cores usable": "64", "cgroup cpu quota": "1 cores"}
    run = replace(run, header=replace(run.header, environment=run.header.environment | quota))

    assert 0.0 == share(run)


@pytest.mark.parametrize(("used", "expected"), [(1.0, 0.3), (0.01, 0.003)], ids=["computes", "waits"])
def test_what_a_hypervisor_took_counts_for_as_long_as_the_processor_was_used(pair, used, expected):
    """Fifteen per cent of two cores are three tenths of one."""
    run = under(pair, others=0.0, stolen=0.15, cpu_seconds=lambda b: used * b.seconds, waited_seconds=0.0)

    assert pytest.approx(expected) == share(run)


@pytest.mark.parametrize(("slower", "expected"), [(3.0, True), (1.5, False)])
def test_the_kernel_bears_witness_where_nobody_knows_what_others_used(make_run, slower, expected):
    """Against its own best; clocks alone do not halve it."""
    run = make_run(steps={"a": 1e-3, "b": 1e-3}, kernel=1e-3, drift=0.0, noise=0.001)
    run = under(run, others=None, cpu_seconds=lambda b: 0.4 * b.seconds, waited_seconds=lambda b: 0.6 * b.seconds)
    late = [changed(one, seconds=lambda b: slower * b.seconds) if one.round == 2 else one for one in run.calibration]
    run = replace(run, calibration=tuple(late))

    assert ((2,) if expected else ()) == starvation.rounds(run)


def test_a_run_of_an_earlier_version_says_nothing_of_others(pair):
    """Its verdicts stay what they were."""
    run = replace(under(pair, involuntary_switches=99), conditions=())

    assert 0.0 == share(run)


STARVED = {"cpu_seconds": lambda b: 0.3 * b.seconds, "waited_seconds": lambda b: 0.7 * b.seconds}


def test_starved_rounds_are_left_out(pair):
    """As long as half of those that were planned are left."""
    run = under(pair, rounds=[1, 4], **STARVED)

    found = read(run, run.header.plan.cells[0])

    assert [0, 2, 3, 5] == sorted(found.steps)
    assert found.starvation is not None
    assert ((1, 4), 6, (HOGS,)) == (found.starvation.rounds, found.starvation.finished, found.starvation.programs)
    assert found.condition is Condition.SOUND


@pytest.mark.parametrize(("left", "too_busy"), [(3, False), (2, True), (0, True)])
def test_a_machine_is_too_busy_when_less_than_half_of_the_plan_is_left(pair, left, too_busy):
    """Times are shown, and nothing is said of them."""
    run = under(pair, rounds=range(6 - left), **STARVED)

    found = read(run, run.header.plan.cells[0])

    assert too_busy is (found.condition is Condition.STARVED)
    assert (6 if too_busy else left) == len(found.steps)


def test_nothing_is_told_apart_on_a_machine_that_is_too_busy(make_run):
    """Not even what looks fifty times slower: no verdict, no rank, no interval, no noise."""
    run = under(make_run(steps={"a": 1e-3, "b": 5e-2}), **STARVED)

    (group,) = summarise(run)

    assert [None, Verdict.UNCLEAR] == [cell.verdict for cell in group.cells]
    assert [None, None] == [cell.rank for cell in group.cells]
    assert [None, None] == [cell.speed_up for cell in group.cells]
    assert not any(cell.is_ranked for cell in group.cells)
    assert Verdict.UNCLEAR is group.between(*group.cells).verdict


def test_nobody_is_first_where_one_of_the_loops_starved(pair):
    """It may be faster still."""
    busy = under(pair, **STARVED)
    trials = [one if one.cell.loop == "b" else calm for one, calm in zip(busy.trials, pair.trials, strict=True)]

    (group,) = summarise(replace(busy, trials=tuple(trials)))

    assert [False, True] == sorted(cell.too_busy for cell in group.cells)
    assert {None} == {cell.rank for cell in group.cells}


def test_starved_rounds_count_where_they_are_to(pair):
    """On a machine that is never quiet, `--on-busy count` takes what there is."""
    run = under(pair, **STARVED)
    run = replace(run, header=replace(run.header, plan=replace(run.header.plan, on_busy="count")))

    (group,) = summarise(run)

    assert all(cell.is_ranked for cell in group.cells)
    assert () == starvation.rounds(run)


def test_a_loop_that_is_too_busy_is_still_invalid_or_failed_first(make_run):
    """What it did not do, a quiet machine would not mend."""
    run = under(make_run(steps={"a": 1e-3, "b": 1e-3}, loss_gaps={"b": 1.0}), **STARVED)

    (group,) = summarise(run)

    assert Verdict.INVALID in {cell.verdict for cell in group.cells}
