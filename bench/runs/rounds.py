"""Run the rounds of a plan: who starts, who warms up, who is measured, one at a time."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Protocol

from bench.records.cell import Cell
from bench.records.plan import Plan
from bench.records.trial import Failure, FailureKind, Trial
from bench.runs import schedule
from bench.runs.remote_trial import TrialFailed


class RunningTrial(Protocol):
    """What is asked of a trial while it runs; `bench.runs.remote_trial.TrialProcess` is the real one."""

    @property
    def cell(self) -> Cell:
        """Which cell it measures."""

    @property
    def turns(self) -> int:
        """How many turns it wants, once it is warm: fewer than others where steps are slow."""

    def ready(self) -> None:
        """Wait until everything is imported and built."""

    def warm(self) -> None:
        """Have the first step and the warm-up done."""

    def measure(self) -> None:
        """Have the blocks of one turn done."""

    def finish(self) -> Trial:
        """Have the last step done and the model evaluated, let the process go, and return its row."""

    def end(self) -> None:
        """Make sure it is gone; allowed at any time, more than once."""


class Observer(Protocol):
    """Is told what happens, between measurements and never during one."""

    def entered(self, phase: str, *, round_number: int, cell: Cell | None) -> None:
        """A phase begins: "start", "warm-up", "measure", "break down" or "finish"; no cell means all of the round."""

    def stored(self, trial: Trial) -> None:
        """A trial has ended and is in the journal."""


class Launch(Protocol):
    """Starts trials."""

    def __call__(self, cell: Cell, *, round_number: int, blocks: int, breakdown: bool) -> RunningTrial:
        """Start a trial of a cell for a round: at most so many measured blocks, or blocks with parts left out."""


Store = Callable[[Trial], Trial]
"""Put a finished or failed trial where nothing can lose it, and return what is kept: a row that says what cannot be is
kept as a failure."""


class Pacing(Protocol):
    """Is asked before each round; `bench.runs.pace.Pace` is the real one."""

    def another(self, rounds_done: int) -> bool:
        """Whether to run another round."""

    def wants(self, cell: Cell) -> bool:
        """Whether a cell takes part in it."""

    def blocks(self) -> int:
        """Return how many blocks each process of the next round measures at most."""

    def stored(self, trial: Trial) -> None:
        """Take note of a trial that has ended."""


class Look(Protocol):
    """Is told when blocks are measured; `bench.machine.conditions.Look` is the real one."""

    def begin(self) -> None:
        """A party's first block is about to be measured."""

    def end(self) -> None:
        """Its last one is done, its processes still alive."""


Watch = Callable[[int], AbstractContextManager[Look]]
"""Opened around each round with its number, to see what else the machine does."""


def measure(
    plan: Plan, *, done: Iterable[Trial], launch: Launch, store: Store, observer: Observer, pace: Pacing, watch: Watch
) -> None:
    """Run every round of a plan that is not done yet.

    A cell that failed is not started again: its verdict stands, and a loop that hangs would hang every round. The same
    holds for the cell that measures the machine; its failure is told and stored, and stops nothing.

    Args:
        plan: What was asked for.
        done: Trials of an earlier, interrupted attempt.
        launch: Starts a trial.
        store: Called as each trial ends.
        observer: Told about progress.
        pace: Says how many rounds there are, and who takes part in each.
        watch: Looks at the machine before and after each round.
    """
    earlier = list(done)
    failed = {trial.cell for trial in earlier if trial.failure is not None}
    finished = {(trial.cell, trial.round) for trial in earlier}
    for round_number in count():
        if not pace.another(round_number):
            break
        cells = [cell for cell in plan.cells if cell not in failed and (cell, round_number) not in finished]
        cells = [cell for cell in cells if pace.wants(cell)]
        if not cells:
            if failed.issuperset(plan.cells):
                break
            continue
        kernel = [cell for cell in (plan.calibration,) if cell and cell not in failed]
        kernel = [cell for cell in kernel if (cell, round_number) not in finished]
        parties = _parties(plan, cells, kernel=kernel, round_number=round_number)
        blocks = pace.blocks()
        with watch(round_number) as look:
            for party in parties:
                party_round = _Round(
                    plan, launch=launch, observer=observer, look=look, number=round_number, blocks=blocks
                )
                for ended in party_round.run(party):
                    trial = store(ended)
                    if trial.failure is not None:
                        failed.add(trial.cell)
                    pace.stored(trial)
                    if trial.cell != plan.calibration or trial.failure is not None:
                        observer.stored(trial)


def _parties(
    plan: Plan, cells: Sequence[Cell], *, kernel: Sequence[Cell], round_number: int
) -> Iterable[Sequence[Cell]]:
    """Return who lives together in a round, in the order in which they are started.

    Interleaved: cells that are compared. Sequential: each is a small round of its own. The cell that measures the
    machine joins the first party, which is another one from round to round where there are several. So it meets every
    group alike, at the price of one process a round: what differs between runs and between rounds cancels in the ratio
    to it, and what changes within a round, from one party to the next, shows as a wider interval.
    """
    if plan.schedule == "sequential":
        order = schedule.start_order([*cells, *kernel], seed=plan.seed, round_number=round_number)
        return [[cell] for cell in order]
    first, *others = plan.groups(schedule.start_order(cells, seed=plan.seed, round_number=round_number))
    return [[*first, *kernel], *others]


@dataclass(frozen=True, slots=True)
class _Seat:
    """Who takes turns: a process that is ranked, or the one beside it that finds out where its time goes."""

    cell: Cell
    breakdown: bool = False


class _Round:
    """Cells that live together and are measured in turn."""

    def __init__(self, plan: Plan, *, launch: Launch, observer: Observer, look: Look, number: int, blocks: int) -> None:
        """Nothing is started yet."""
        self.plan = plan
        self.blocks = blocks
        self.launch = launch
        self.observer = observer
        self.look = look
        self.number = number
        self.running: dict[_Seat, RunningTrial] = {}
        self.broken_down: dict[Cell, Trial] = {}
        self.ended: list[Trial] = []

    def run(self, cells: Sequence[Cell]) -> Iterable[Trial]:
        """Yield each trial as it ends; whatever happens, no process outlives the round."""
        seats = [seat for cell in cells for seat in self._seats(cell)]
        try:
            self.observer.entered("start", round_number=self.number, cell=None)
            for seat in seats:
                self.running[seat] = self.launch(
                    seat.cell, round_number=self.number, blocks=self.blocks, breakdown=seat.breakdown
                )
            for seat in seats:
                self._attempt(seat, "start", lambda trial: trial.ready())
            for seat in seats:
                self._attempt(seat, "warm-up", lambda trial: trial.warm())
            yield from self._hand_out()
            turns = {seat: trial.turns for seat, trial in self.running.items()}
            self.look.begin()
            for seat in schedule.order(turns, seed=self.plan.seed, round_number=self.number):
                phase = "break down" if seat.breakdown else "measure"
                self._attempt(seat, phase, lambda trial: trial.measure())
            self.look.end()
            yield from self._hand_out()
            for seat in seats:
                self._attempt(seat, "finish", partial(self._finish, seat))
                yield from self._hand_out()
        finally:
            for trial in self.running.values():
                trial.end()

    def _seats(self, cell: Cell) -> Iterable[_Seat]:
        """Return the processes of a cell; a breakdown has one of its own, since nobody can learn without an optimizer.

        It takes turns with the one that is ranked, so that whatever the machine does happens to both.
        """
        if self.plan.breakdown and cell != self.plan.calibration:
            yield _Seat(cell, breakdown=True)
        yield _Seat(cell)

    def _attempt(self, seat: _Seat, phase: str, action: Callable[[RunningTrial], None]) -> None:
        """Do one thing with one trial; a failure ends that trial, in both its processes, and no other."""
        trial = self.running.get(seat)
        if trial is None:
            return
        if seat.cell != self.plan.calibration:
            self.observer.entered(phase, round_number=self.number, cell=seat.cell)
        try:
            action(trial)
        except TrialFailed as failed:
            del self.running[seat]
            for other in self._seats(seat.cell):
                if other in self.running:
                    self.running.pop(other).end()
            self.ended.append(failed.trial)

    def _finish(self, seat: _Seat, trial: RunningTrial) -> None:
        """Keep the row of a trial that is done; what its breakdown has found belongs to it."""
        row = trial.finish()
        del self.running[seat]
        if seat.breakdown:
            self.broken_down[seat.cell] = row
            return
        found = self.broken_down.get(seat.cell, row)
        self.ended.append(
            replace(
                row,
                ablations=found.ablations,
                pipeline_seconds=found.pipeline_seconds,
                step_alone_seconds=found.step_alone_seconds,
            )
        )

    def _hand_out(self) -> Iterable[Trial]:
        """Yield what has ended since the last call."""
        while self.ended:
            yield self.ended.pop(0)


def unavailable(cell: Cell, *, reason: str) -> Trial:
    """Return the row of a cell that cannot be measured here."""
    failure = Failure(kind=FailureKind.UNAVAILABLE, phase="start", message=reason)
    return Trial(cell=cell, round=0, failure=failure)
