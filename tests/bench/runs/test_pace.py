"""How many rounds a run has: with a fake clock, and trials whose noise is known."""

from dataclasses import replace

import pytest

from bench.records.busy import BusyProgram
from bench.records.stored_run import Conditions
from bench.runs.pace import FEWEST_ROUNDS, MOST_ROUNDS, Pace


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        """Midnight."""
        self.now = 0.0

    def __call__(self):
        """Return the time."""
        return self.now


def rounds_taken(run, *, clock=None, seconds=10.0, **plan):
    """Return how many rounds a pace asks for, when it is given the trials of a run and each round takes so long."""
    clock = clock or Clock()
    header = replace(run.header, plan=replace(run.header.plan, **plan))
    pace = Pace(header, clock=clock)
    done = 0
    while pace.another(done):
        for trial in run.trials:
            if trial.round == done:
                pace.stored(trial)
        clock.now += seconds
        done += 1
    return done


@pytest.mark.parametrize("rounds", [1, 3, 20])
def test_without_precision_or_budget_there_are_as_many_rounds_as_planned(make_run, rounds):
    """Whatever the numbers say."""
    assert rounds == rounds_taken(make_run(rounds=20, noise=0.2), rounds=rounds)


def test_a_precise_run_stops_after_the_fewest_rounds(make_run):
    """Two processes that agree by chance look precise, so it takes six."""
    assert FEWEST_ROUNDS == rounds_taken(make_run(rounds=40, noise=0.001), rounds=3, precision=0.02)


def test_a_noisy_run_goes_on_until_it_is_precise(make_run):
    """At 2 % between processes, ± 2 % takes more than six rounds and fewer than forty."""
    assert FEWEST_ROUNDS < rounds_taken(make_run(rounds=40, noise=0.02), rounds=6, precision=0.02) < 40


def test_more_noise_takes_more_rounds(make_run):
    """Width decides."""
    quiet, noisy = (rounds_taken(make_run(rounds=200, noise=n), rounds=6, precision=0.02) for n in (0.02, 0.04))

    assert quiet < noisy


def test_rounds_that_were_asked_for_are_measured_however_precise(make_run):
    """`--rounds 10 --precision 5` is at least ten."""
    assert 10 == rounds_taken(make_run(rounds=10, noise=0.001), rounds=10, precision=0.05)


def test_a_difference_does_not_stop_a_run(make_run):
    """A loop twice as fast is measured as precisely as one that is as fast."""
    same = make_run(rounds=60, noise=0.02, steps={"tf-eager": 1e-3, "tf-function": 1e-3}, seed=3)
    twice = make_run(rounds=60, noise=0.02, steps={"tf-eager": 1e-3, "tf-function": 5e-4}, seed=3)

    assert rounds_taken(same, rounds=6, precision=0.02) == rounds_taken(twice, rounds=6, precision=0.02)


def test_a_budget_ends_a_run_before_the_round_that_would_exceed_it(make_run):
    """Ten seconds a round, 65 seconds: the seventh would end at 70."""
    assert 6 == rounds_taken(make_run(rounds=10), rounds=3, time_budget=65.0)


def test_a_budget_beats_a_precision_that_is_not_reached(make_run):
    """Whichever comes first."""
    assert 8 == rounds_taken(make_run(rounds=40, noise=0.3), rounds=6, precision=0.001, time_budget=85.0)


def test_one_round_is_measured_however_short_the_budget(make_run):
    """Nothing at all would be no answer."""
    assert 1 == rounds_taken(make_run(rounds=2), rounds=6, time_budget=0.1)


def test_a_precision_out_of_reach_is_given_up(make_run):
    """There is an end even without a budget."""
    assert MOST_ROUNDS == rounds_taken(make_run(rounds=2, noise=0.3), rounds=6, precision=1e-6)


def test_the_number_of_blocks_is_left_alone_without_a_precision(make_run):
    """A fixed plan is what it says."""
    run = make_run(rounds=6)
    pace = Pace(run.header, done=run.trials)

    assert run.header.plan.blocks_per_trial == pace.blocks()


def test_noisy_blocks_are_worth_repeating_when_processes_agree(make_run):
    """All the noise is inside the processes, and starting one is dear: more blocks for each."""
    run = make_run(rounds=6, noise=0.06, seed=1)
    header = replace(run.header, plan=replace(run.header.plan, precision=0.01))
    trials = [
        replace(trial, import_seconds=30.0, blocks=tuple(_levelled(trial, run.trials_of(trial.cell)[0])))
        for trial in run.trials
    ]

    assert Pace(header, done=trials).blocks() > header.plan.blocks_per_trial


def _levelled(trial, first):
    """Return a trial's blocks with the times of another round, in an order of their own: processes that agree."""
    turned = [*first.blocks[1:], first.blocks[0]]
    return [
        replace(block, seconds=other.step_seconds * block.steps) if block.kind == other.kind else block
        for block, other in zip(trial.blocks, turned, strict=True)
    ]


def starved_in(run, *numbers, **plan):
    """Return the run with other work that took the processor away in some rounds, and what was seen of them."""
    hogs = BusyProgram(name="make", processes=2, cores=1.5)
    seen = tuple(
        Conditions(round=number, load_average=2.0, stolen=0.0, seconds=9.0, others=1.5, busy=(hogs,))
        for number in numbers
    )

    def starved(trial):
        blocks = tuple(replace(b, cpu_seconds=b.seconds / 2, waited_seconds=b.seconds / 2) for b in trial.blocks)
        return replace(trial, blocks=blocks) if trial.round in numbers else trial

    header = replace(run.header, plan=replace(run.header.plan, **plan))
    return replace(run, header=header, trials=tuple(map(starved, run.trials)), conditions=seen)


def rounds_told(run):
    """Return how many rounds a pace asks for, and of which ones it was told that they starved."""
    told = []
    pace = Pace(run.header, starved=lambda number, seen: told.append((number, seen and seen.busy[0].name)))
    done = 0
    while pace.another(done):
        for trial in run.trials:
            if trial.round == done:
                pace.stored(trial)
        for seen in run.conditions:
            if seen.round == done:
                pace.seen(seen)
        done += 1
    return done, told


def test_a_starved_round_is_measured_again(make_run):
    """And whoever waits for a quiet machine is told before the next one."""
    assert (7, [(1, "make")]) == rounds_told(starved_in(make_run(rounds=20), 1, rounds=6))


@pytest.mark.parametrize(("planned", "most"), [(1, 3), (2, 4), (6, 8), (20, 26)])
def test_a_machine_that_stays_busy_costs_a_third_more_and_two_rounds_at_least(make_run, planned, most):
    """It is bounded."""
    assert most == rounds_told(starved_in(make_run(rounds=30), *range(30), rounds=planned))[0]


def test_nothing_is_measured_again_where_starved_rounds_count(make_run):
    """`--on-busy count`."""
    run = starved_in(make_run(rounds=20), *range(20), rounds=6, on_busy="count")

    assert (6, []) == rounds_told(run)


def test_a_precision_is_given_up_on_a_machine_that_stays_busy(make_run):
    """Two hundred rounds would not reach it."""
    run = starved_in(make_run(rounds=40, noise=0.3), *range(40), rounds=6, precision=0.01)

    assert FEWEST_ROUNDS == rounds_told(run)[0]


def test_a_round_of_an_earlier_attempt_is_not_told_again(make_run):
    """Its time is over; the round in its place is still measured."""
    run = starved_in(make_run(rounds=3), 2, rounds=3)
    told = []
    pace = Pace(run.header, done=run.trials, conditions=run.conditions, starved=lambda *seen: told.append(seen))

    assert [True, False] == [pace.another(3), pace.another(4)]
    assert [] == told


LOOKS = (6, 12, 18, 24, 36, 48)


def gated(run, *, clock=None, seconds=10.0, slow=(), **plan):
    """Return how many rounds each loop's head gets where sides are looked at until all loops are decided.

    Args:
        run: Of two sides, with rounds enough.
        clock: That is moved.
        seconds: That each cell of a round takes.
        slow: Rounds that others keep from the processor.
        plan: Fields of the plan to replace.
    """
    clock = clock or Clock()
    header = replace(run.header, plan=replace(run.header.plan, **{"looks": LOOKS} | plan))
    pace = Pace(header, clock=clock)
    done, measured = 0, {}
    while pace.another(done):
        for trial in run.trials:
            if trial.round == done and pace.wants(trial.cell):
                pace.stored(_starved(trial) if done in slow else trial)
                clock.now += seconds
                if trial.cell.side == "head":
                    measured[trial.cell.loop] = measured.get(trial.cell.loop, 0) + 1
        if done in slow:
            pace.seen(Conditions(round=done, load_average=8.0, stolen=0.0, seconds=9.0, others=1.5))
        done += 1
    return measured


def _starved(trial):
    """Return a trial that waited for the processor half of its time."""
    blocks = (replace(b, cpu_seconds=b.seconds / 4, waited_seconds=b.seconds / 2) for b in trial.blocks)
    return replace(trial, blocks=tuple(blocks))


def test_sides_are_measured_until_each_loop_is_decided(make_gate_run):
    """Much slower, the same, and at the edge of the budget, which no number of rounds decides."""
    run = make_gate_run({"far": 1.3, "same": 1.0, "edge": 1.02}, rounds=48, noise=0.01)

    found = gated(run)

    assert (6, 48) == (found["far"], found["edge"])
    assert found["same"] in LOOKS[1:-1]


def test_a_run_whose_loops_are_all_decided_has_no_further_round(make_gate_run):
    """Whatever time is left."""
    assert {"tf-fit": 6} == gated(make_gate_run({"tf-fit": 1.3}, rounds=48), time_budget=1e6)


def test_time_ends_what_cannot_be_decided(make_gate_run):
    """Twenty seconds a round, once the repetition has had its six of thirty: the tenth would end at 260."""
    run = make_gate_run({"tf-fit": 1.02}, rounds=48, noise=0.05)

    assert {"tf-fit": 9} == gated(run, time_budget=255.0)


def test_rounds_get_shorter_once_something_is_decided(make_gate_run):
    """Six rounds of 50 seconds, then rounds of 20: the mean round would have given up earlier."""
    run = make_gate_run({"edge": 1.02, "far": 1.5}, rounds=48, noise=0.05)

    assert {"edge": 9, "far": 6} == gated(run, time_budget=365.0)


def test_starved_rounds_count_for_no_look(make_gate_run):
    """Two of them move the first look by two rounds."""
    run = make_gate_run({"tf-fit": 1.3}, rounds=48)

    assert {"tf-fit": 8} == gated(run, slow=(1, 2))


def test_a_machine_that_always_starves_ends_a_run_some_rounds_after_the_last_look(make_gate_run):
    """There is no end otherwise where no time is set."""
    run = make_gate_run({"tf-fit": 1.3}, rounds=20)

    assert {"tf-fit": 8} == gated(run, slow=range(20), looks=(6,))
