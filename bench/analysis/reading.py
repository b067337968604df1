"""What is read of one cell's trials before anything is compared, once."""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.analysis import epoch_ends, rare, starvation
from bench.analysis.band import band
from bench.analysis.judgement import Condition
from bench.analysis.process import trial_step_seconds
from bench.analysis.rare import RareCosts
from bench.analysis.starvation import Starvation
from bench.analysis.total_time import Line, line_of
from bench.records.cell import Cell
from bench.records.stored_run import Run
from bench.records.trial import Failure, Trial
from bench.records.verification import Verification
from bench.units import Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What is read of a cell's trials before anything is compared."""

    cell: Cell
    trials: tuple[Trial, ...]
    steps: dict[int, Seconds]
    """Round -> seconds per step, of the trials that finished, without those that starved unless too few remain.

    Evidence for intervals: see `bench.analysis.epoch_ends`."""
    shown: dict[int, Seconds]
    """The same as it is shown of each process."""
    starvation: Starvation | None
    """What other work did to these processes; None where none starved."""
    rare: RareCosts | None
    """Which part of these step times most steps do not take."""
    verification: Verification | None
    off_the_curve: str | None
    did_its_work: bool
    """Whether it was shown to do the same work, as far as the run asks for it, and its timed trials did it."""

    @property
    def condition(self) -> Condition:
        """What became of it."""
        if self.failures or not self.steps:
            return Condition.FAILED
        if not self.did_its_work:
            return Condition.INVALID
        return Condition.STARVED if self.starvation is not None and self.starvation.too_busy else Condition.SOUND

    @property
    def finished(self) -> list[Trial]:
        """The trials that have numbers."""
        return [trial for trial in self.trials if trial.failure is None]

    @property
    def line(self) -> Line | None:
        """Its total time over steps; None where no process has all parts of it."""
        return line_of(self.cell.name, self.finished, steps=self.steps)

    @property
    def failures(self) -> list[Failure]:
        """Why the others have none."""
        return [trial.failure for trial in self.trials if trial.failure is not None]


def read(run: Run, cell: Cell) -> Reading:
    """Read a cell's trials, and find what became of it."""
    trials = run.trials_of(cell)
    found = starvation.of_cell(run, trials)
    left_out = () if found is None or found.too_busy else found.rounds
    steps = {number: seconds for number, seconds in steps_by_round(trials).items() if number not in left_out}
    counted = [trial for trial in trials if trial.round in steps]
    verification = run.verification_of(cell)
    passed = not verification.failed if verification is not None else not run.header.plan.verify
    off = off_the_curve(run, cell)
    return Reading(
        cell=cell,
        trials=trials,
        steps=epoch_ends.evidence(counted, steps),
        shown=epoch_ends.with_ends(counted, steps),
        starvation=found,
        rare=rare.of_cell(counted),
        verification=verification,
        off_the_curve=off,
        did_its_work=passed and off is None,
    )


def off_the_curve(run: Run, cell: Cell) -> str | None:
    """Return how a timed trial ended outside what the reference had learned by then, or None if none did."""
    expectation = run.expectation_of(cell)
    for trial in run.trials_of(cell) if expectation is not None else ():
        if trial.failure is None and trial.steps is not None and trial.validation_metric is not None:
            assert expectation is not None  # or there is nothing to go through
            low, high = band(expectation, steps=trial.steps)
            if not low <= trial.validation_metric <= high:
                what = f"validation {trial.metric_name or 'metric'} {trial.validation_metric:.3g}"
                when = f"after {trial.steps} timed steps in round {trial.round + 1}"
                return f"{what} {when}; the reference had {max(low, 0.0):.3g} to {high:.3g}"
    return None


def steps_by_round(trials: Iterable[Trial]) -> dict[int, Seconds]:
    """Return round -> seconds per step, for the trials that finished."""
    pairs = ((trial.round, trial_step_seconds(trial)) for trial in trials)
    return {number: seconds for number, seconds in pairs if seconds is not None}
