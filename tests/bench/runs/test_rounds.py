"""Rounds: one at a time, fresh trials each, failures kept apart. Trials here are fakes that write down what happens."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from math import nan
from operator import itemgetter

import pytest

from bench.records.cell import CALIBRATION
from bench.records.plan import Plan
from bench.records.trial import Failure, FailureKind
from bench.records.validation import storable_trial
from bench.runs import rounds as measuring
from bench.runs.remote_trial import TrialFailed


class FakeTrial:
    """Writes what it is asked to a shared diary; fails where it is told to."""

    def __init__(self, cell, number, *, blocks, diary, fails_in, row, block="measure"):
        """Start, which is the first entry."""
        self.cell = cell
        self.number = number
        self.turns = blocks
        self.block = block
        self.diary = diary
        self.fails_in = fails_in
        self.row = row
        self.write("start")

    def write(self, action):
        """Add an entry, and fail if this is the action to fail in."""
        self.diary.append((self.cell.loop, self.number, action))
        if action == self.fails_in:
            failure = Failure(kind=FailureKind.RAISED, phase=action, message="ValueError: no")
            raise TrialFailed(replace(self.row, failure=failure))

    def ready(self):
        """Be ready."""
        self.write("ready")

    def warm(self):
        """Warm up."""
        self.write("warm")

    def measure(self):
        """Measure a block, or one with parts left out."""
        self.write(self.block)

    def finish(self):
        """Do the last step, evaluate, and hand over the row."""
        self.write("finish")
        return self.row

    def end(self):
        """Be gone."""
        self.diary.append((self.cell.loop, self.number, "end"))


class FakeLook:
    """Writes down when blocks begin and end."""

    def __init__(self, note):
        """Write with this."""
        self.note = note

    def begin(self):
        """The first block comes next."""
        self.note("begin")

    def end(self):
        """The last one is done."""
        self.note("end")


class Silent:
    """An observer that only counts."""

    def __init__(self):
        """Nothing was stored."""
        self.rows = []
        self.shown = set()

    def entered(self, phase, *, round_number, cell):
        """Remember whom it was about."""
        self.shown.add(cell)

    def stored(self, trial):
        """Count."""
        self.rows.append(trial)


class FixedPace:
    """So many rounds of so many blocks, and a diary of what was stored."""

    def __init__(self, *, rounds, blocks):
        """Nothing is measured yet."""
        self.rounds = rounds
        self.of_each = blocks
        self.unwanted = set()
        self.seen = []

    def another(self, rounds_done):
        """Count."""
        return rounds_done < self.rounds

    def wants(self, cell):
        """All but those that it was told to leave out."""
        return cell not in self.unwanted

    def blocks(self):
        """Always as many."""
        return self.of_each

    def stored(self, trial):
        """Write it down."""
        self.seen.append(trial)


class Bench:
    """A plan, fakes for its trials, and what came of it."""

    def __init__(self, cells, make_trial, **settings):
        """Plan two rounds of three blocks unless told otherwise."""
        self.plan = Plan(
            **{
                "cells": tuple(cells),
                "rounds": 2,
                "blocks_per_trial": 3,
                "block_seconds": 0.1,
                "schedule": "interleaved",
                "seed": 0,
                "timeout": 1.0,
                "baseline": cells[0].loop,
            }
            | settings
        )
        self.make_trial = make_trial
        self.unwanted = set()
        self.diary = []
        self.stored = []

    def run(self, *, done=(), fails=None):
        """Run the plan; ``fails`` maps a loop to the action it fails in."""

        def launch(cell, *, round_number, blocks, breakdown):
            row = self.make_trial(cell, round=round_number, pipeline_seconds=2e-6 if breakdown else None)
            fails_in = (fails or {}).get(cell.loop)
            block = "break down" if breakdown else "measure"
            return FakeTrial(
                cell, round_number, blocks=blocks, diary=self.diary, fails_in=fails_in, row=row, block=block
            )

        self.measure(launch, done=done)

    @contextmanager
    def watch(self, number):
        """Note the round, and what was done last whenever the machine is looked at within it."""
        self.watched.append(number)
        yield FakeLook(lambda what: self.looks.append((number, what, self.diary[-1][2])))

    def measure(self, launch, *, done=()):
        """Run the plan with these trials."""
        self.pace = FixedPace(rounds=self.plan.rounds, blocks=self.plan.blocks_per_trial)
        self.pace.unwanted = self.unwanted
        self.observer = Silent()
        self.watched = []
        self.looks = []
        measuring.measure(
            self.plan,
            done=done,
            launch=launch,
            store=self.store,
            observer=self.observer,
            pace=self.pace,
            watch=self.watch,
        )

    def store(self, trial):
        """Keep a row as the journal does."""
        self.stored.append(storable_trial(trial))
        return self.stored[-1]

    def actions(self, action):
        """Return who did this, in order."""
        return [(loop, number) for loop, number, done in self.diary if done == action]


@pytest.fixture
def cells(make_cell):
    """Return three cells."""
    return [make_cell(name) for name in ("a", "b", "c")]


def test_all_trials_of_a_round_are_warm_before_the_first_is_measured(cells, make_trial):
    """Nothing is started or compiled while anything is measured."""
    bench = Bench(cells, make_trial, rounds=1)

    bench.run()

    actions = [action for _, _, action in bench.diary]
    assert ["start"] * 3 + ["ready"] * 3 + ["warm"] * 3 + ["measure"] * 9 + ["finish"] * 3 == actions


def test_every_round_starts_fresh_trials(cells, make_trial):
    """The process is the unit of evidence."""
    bench = Bench(cells, make_trial)

    bench.run()

    assert sorted((name, number) for name in "abc" for number in range(2)) == sorted(bench.actions("start"))


def test_sequential_keeps_one_trial_alive_at_a_time(cells, make_trial):
    """Where memory demands it, a trial is finished before the next one starts."""
    bench = Bench(cells, make_trial, rounds=1, schedule="sequential")

    bench.run()

    actions = [action for _, _, action in bench.diary]
    assert ["start", "ready", "warm", "measure", "measure", "measure", "finish"] * 3 == actions


def test_a_breakdown_takes_turns_with_the_measurement_that_it_explains(cells, make_trial):
    """In a process of its own, so that a change of the machine's speed reaches both; what it finds is in one row."""
    bench = Bench(cells, make_trial, rounds=1, breakdown=True)

    bench.run()

    blocks = [(name, action) for name, _, action in bench.diary if action in {"measure", "break down"}]
    everybody = {(name, action) for name in "abc" for action in ("measure", "break down")}
    assert [everybody] * 3 == [set(blocks[sweep : sweep + 6]) for sweep in (0, 6, 12)]
    assert [2e-6] * 3 == [trial.pipeline_seconds for trial in bench.stored]


def test_a_row_with_a_breakdown_is_that_of_the_process_that_is_ranked(cells, make_trial):
    """The other one learns nothing that could be believed."""
    bench = Bench(cells[:1], make_trial, rounds=1, breakdown=True)

    def launch(cell, *, round_number, blocks, breakdown):
        row = make_trial(cell, round=round_number, process_id=2 if breakdown else 1)
        return FakeTrial(cell, round_number, blocks=blocks, diary=bench.diary, fails_in=None, row=row)

    bench.measure(launch)

    assert [1] == [trial.process_id for trial in bench.stored]


@pytest.mark.parametrize("action", ["ready", "warm", "measure", "break down", "finish"])
def test_a_failure_ends_one_trial_and_no_other(cells, make_trial, action):
    """The others go on, and the row says what happened; the process beside the one that failed is ended."""
    bench = Bench(cells, make_trial, rounds=1, breakdown=True)

    bench.run(fails={"b": action})

    assert {"a": None, "b": action, "c": None} == {t.cell.loop: t.failure and t.failure.phase for t in bench.stored}
    assert ["b"] == [name for name, _ in bench.actions("end")]


def test_a_cell_that_failed_is_not_started_again(cells, make_trial):
    """A loop that hangs would hang every round."""
    bench = Bench(cells, make_trial, rounds=3)

    bench.run(fails={"b": "warm"})

    assert [0] == [number for name, number in bench.actions("start") if name == "b"]


def test_finished_trials_of_an_earlier_attempt_are_not_repeated(cells, make_trial):
    """Resuming runs exactly what is missing."""
    bench = Bench(cells, make_trial)
    done = [make_trial(cell, round=0) for cell in cells[:2]]

    bench.run(done=done)

    assert [("a", 1), ("b", 1), ("c", 0), ("c", 1)] == sorted(bench.actions("start"))


def test_a_trial_is_asked_for_as_many_blocks_as_it_wants(cells, make_trial):
    """Once it is warm it knows how long a step takes."""
    bench = Bench(cells, make_trial, rounds=1)

    def launch(cell, *, round_number, blocks, breakdown):
        wanted = 1 if cell.loop == "a" else blocks
        return FakeTrial(cell, round_number, blocks=wanted, diary=bench.diary, fails_in=None, row=make_trial(cell))

    bench.measure(launch)

    assert Counter(bench.actions("measure")) == {("a", 0): 1, ("b", 0): 3, ("c", 0): 3}


def test_interrupting_ends_every_process(cells, make_trial):
    """Ctrl-C in the middle of a round leaves nothing running."""
    bench = Bench(cells, make_trial, rounds=1)

    def interrupt(*_):
        raise KeyboardInterrupt

    def launch(cell, *, round_number, blocks, breakdown):
        trial = FakeTrial(cell, round_number, blocks=blocks, diary=bench.diary, fails_in=None, row=make_trial(cell))
        if cell.loop == "c":
            trial.measure = interrupt
        return trial

    with pytest.raises(KeyboardInterrupt):
        bench.measure(launch)

    assert {("a", 0), ("b", 0), ("c", 0)} == set(bench.actions("end"))


def test_cells_that_are_not_compared_do_not_live_together(make_cell, make_trial):
    """A second workload is started when the first is finished."""
    cells = [make_cell("a"), make_cell("b"), make_cell("a", workload="regression")]
    bench = Bench(cells, make_trial, rounds=1)

    bench.run()

    actions = [action for _, _, action in bench.diary]
    together = ["start"] * 2 + ["ready"] * 2 + ["warm"] * 2 + ["measure"] * 6 + ["finish"] * 2
    alone = ["start", "ready", "warm", "measure", "measure", "measure", "finish"]
    assert actions in (together + alone, alone + together)


def test_every_round_is_watched_and_every_trial_noted(cells, make_trial):
    """The pace can decide by what is stored, and the machine is looked at once a round."""
    bench = Bench(cells, make_trial)

    bench.run()

    assert [0, 1] == bench.watched
    assert bench.stored == bench.pace.seen


def test_the_machine_is_looked_at_right_before_the_first_block_and_right_after_the_last(make_cell, make_trial):
    """Nothing runs beside a block, and a GPU's clock says nothing once its processes are gone."""
    bench = Bench([make_cell("a"), make_cell("b", workload="regression")], make_trial, rounds=2)

    bench.run()

    party = [("begin", "warm"), ("end", "measure")]
    assert [(number, *look) for number in (0, 0, 1, 1) for look in party] == bench.looks


def test_nothing_is_left_to_do_when_every_cell_has_failed(cells, make_trial):
    """However many rounds the pace would go on for."""
    bench = Bench(cells, make_trial, rounds=1000)

    bench.run(fails=dict.fromkeys("abc", "ready"))

    assert 3 == len(bench.stored)


@pytest.fixture
def kernel(make_cell):
    """Return the cell that measures the machine."""
    return make_cell("kernel", side=CALIBRATION)


def test_the_kernel_takes_turns_with_the_first_party_of_each_round(make_cell, make_trial, kernel):
    """Once a round, and with every group in some round."""
    cells = [make_cell("a"), make_cell("b", workload="regression")]
    bench = Bench(cells, make_trial, rounds=8, calibration=kernel)

    bench.run()

    assert [("kernel", number) for number in range(8)] == bench.actions("start")[1::3]
    assert {"a", "b"} == {loop for loop, _ in bench.actions("start")[0::3]}


def test_blocks_of_the_kernel_stand_among_those_of_the_loops(cells, make_trial, kernel):
    """Each sweep has one of each."""
    bench = Bench(cells, make_trial, rounds=1, calibration=kernel)

    bench.run()

    measured = [loop for loop, _ in bench.actions("measure")]
    assert [{"a", "b", "c", "kernel"}] * 3 == [set(measured[start : start + 4]) for start in (0, 4, 8)]


def test_sequential_keeps_the_kernel_alone_as_well(cells, make_trial, kernel):
    """One process alive at a time."""
    bench = Bench(cells, make_trial, rounds=1, schedule="sequential", calibration=kernel)

    bench.run()

    actions = [action for _, _, action in bench.diary]
    assert ["start", "ready", "warm", "measure", "measure", "measure", "finish"] * 4 == actions


def test_a_kernel_that_fails_stops_nothing_and_is_not_started_again(cells, make_trial, kernel):
    """It is stored and told once; the loops never notice."""
    bench = Bench(cells, make_trial, rounds=3, calibration=kernel)

    bench.run(fails={"kernel": "warm"})

    assert [("kernel", 0)] == [start for start in bench.actions("start") if start[0] == "kernel"]
    assert 9 == sum(trial.failure is None for trial in bench.stored)
    assert ["kernel"] == [trial.cell.loop for trial in bench.stored if trial.failure]
    assert ["kernel"] == [trial.cell.loop for trial in bench.observer.rows if trial.failure]


def test_progress_is_not_told_of_a_kernel_that_works(cells, make_trial, kernel):
    """It counts the plan's cells; the pace has a use for a witness of what the machine did."""
    bench = Bench(cells, make_trial, calibration=kernel)

    bench.run()

    assert {"a", "b", "c"} == {trial.cell.loop for trial in bench.observer.rows}
    assert kernel in {trial.cell for trial in bench.pace.seen}
    assert kernel not in bench.observer.shown


def test_a_round_that_lacks_only_its_kernel_is_not_begun(cells, make_trial, kernel):
    """Alone, it would measure another moment."""
    bench = Bench(cells, make_trial, calibration=kernel)
    done = [make_trial(cell, round=0) for cell in cells]

    bench.run(done=done)

    assert {1} == {number for _, number in bench.actions("start")}


def test_a_kernel_of_an_earlier_attempt_is_not_repeated(cells, make_trial, kernel):
    """Resuming runs what is missing."""
    bench = Bench(cells, make_trial, rounds=1, calibration=kernel)

    bench.run(done=[make_trial(kernel, round=0), make_trial(cells[0], round=0)])

    assert {("b", 0), ("c", 0)} == set(bench.actions("start"))


def test_nothing_is_left_to_do_when_only_the_kernel_works(cells, make_trial, kernel):
    """It is no reason to go on."""
    bench = Bench(cells, make_trial, rounds=1000, calibration=kernel)

    bench.run(fails=dict.fromkeys("abc", "ready"))

    assert 4 == len(bench.stored)


def test_a_loop_that_reported_what_cannot_be_is_not_started_again(cells, make_trial):
    """Its row is kept as a failure, and that is its verdict."""
    bench = Bench(cells, lambda cell, **fields: make_trial(cell, **fields, last_loss=nan if cell.loop == "b" else 0.5))

    bench.run()

    assert [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("c", 1)] == sorted(bench.actions("start"), key=itemgetter(1, 0))
    (failed,) = [trial for trial in bench.stored if trial.failure is not None]
    assert "b" == failed.cell.loop
    assert failed in bench.observer.rows


def test_a_cell_that_is_not_wanted_any_more_is_not_started(cells, make_trial):
    """What is decided costs no further minute, and the others go on."""
    bench = Bench(cells, make_trial, rounds=2)
    bench.unwanted = {cells[0]}

    bench.run()

    assert [1, 1, 2, 2] == sorted(trial.round + 1 for trial in bench.stored)
    assert set(cells[1:]) == {trial.cell for trial in bench.stored}
