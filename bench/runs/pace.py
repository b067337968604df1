"""How long a run goes on: a number of rounds, or until intervals are narrow, time is up or all looks are decided.

Verdicts have no say in it but where the plan looks at them, at a price (`bench.analysis.sequential`): a rule that stops
at the first significant difference finds one between identical loops in a fifth of all runs.
"""

from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, final

from bench.analysis import effort, side_by_side, starvation
from bench.analysis.summary import paired_intervals
from bench.records.cell import Cell
from bench.records.stored_run import Conditions, Run, RunHeader
from bench.records.trial import BlockKind, Trial
from bench.units import Seconds

if TYPE_CHECKING:
    from bench.records.plan import Plan

FEWEST_ROUNDS = 6
"""Before this many, intervals that agree by chance look precise."""

MOST_ROUNDS = 200
"""A precision that this many rounds do not reach will not be reached on this machine."""

ROUNDS_TO_LEARN_FROM = 3
"""After so many, the number of blocks per process is fitted to the noise; never without a precision to reach."""


Starved = Callable[[int, Conditions | None], None]
"""Is told of a round, counted from 0, in which other work took the processor away, and what is known of it."""


@final
class Pace:
    """Says before each round whether there is another one, and how many blocks each process measures in it."""

    def __init__(
        self,
        header: RunHeader,
        *,
        done: Iterable[Trial] = (),
        conditions: Iterable[Conditions] = (),
        starved: Starved | None = None,
        clock: Callable[[], Seconds] = monotonic,
    ) -> None:
        """Start the time that the plan's budget bounds.

        Args:
            header: Whose plan it is.
            done: Trials of an earlier, interrupted attempt, those of the kernel included.
            conditions: Of its rounds.
            starved: Called before a round that follows one in which other work took the processor away.
            clock: Seconds from any start.
        """
        self._header = header
        self._plan: Plan = header.plan
        self._trials = list(done)
        self._conditions = list(conditions)
        self._tell_starved = starved
        self._clock = clock
        self._started = clock()
        self._rounds_here: set[int] = set()
        self._begun = self._started
        """When the last round began, or would have."""
        self._open = frozenset(self._plan.cells)

    def stored(self, trial: Trial) -> None:
        """Take note of a finished or failed trial."""
        self._trials.append(trial)
        self._rounds_here.add(trial.round)

    def seen(self, conditions: Conditions) -> None:
        """Take note of what else the machine did in a round."""
        self._conditions.append(conditions)

    def another(self, rounds_done: int) -> bool:
        """Whether to run another round.

        Args:
            rounds_done: Of the run, those of an earlier attempt included.
        """
        run = self._run()
        starved = starvation.rounds(run)
        if self._plan.looks:
            self._open = side_by_side.still_open(run)
        goes_on = self._goes_on(run, rounds_done, starved=len(starved))
        self._begun = self._clock()
        last = rounds_done - 1
        if goes_on and self._tell_starved is not None and last in starved and last in self._rounds_here:
            self._tell_starved(last, run.conditions_of(last))
        return goes_on

    def _goes_on(self, run: Run, rounds_done: int, *, starved: int) -> bool:
        """Whether to run another round; in place of a starved one, as often as the plan allows."""
        plan = self._plan
        if plan.looks:
            return bool(self._open) and rounds_done < plan.most_rounds and not self._time_is_up()
        if not plan.adaptive:
            return rounds_done < min(plan.rounds + starved, plan.most_rounds)
        if rounds_done >= MOST_ROUNDS or self._time_is_up():
            return False
        if plan.precision is None or rounds_done < max(plan.rounds, FEWEST_ROUNDS):
            return True
        if plan.time_budget is None and starved * 2 > rounds_done:  # such a machine reaches no precision
            return False
        return not effort.precise_enough(paired_intervals(run), precision=plan.precision)

    def wants(self, cell: Cell) -> bool:
        """Whether a cell is measured in the next round: not once all is decided that it is looked at for."""
        return cell in self._open

    def _run(self) -> Run:
        """Return what was measured until now as a run."""
        kernel = self._plan.calibration
        return Run(
            header=self._header,
            trials=tuple(trial for trial in self._trials if trial.cell != kernel),
            calibration=tuple(trial for trial in self._trials if trial.cell == kernel),
            conditions=tuple(self._conditions),
        )

    def blocks(self) -> int:
        """Return how many blocks each process should measure.

        With a precision to reach, time goes where the noise is: processes that start fast and differ little from one
        another are worth more blocks each (Kalibera and Jones, 2013).
        """
        plan = self._plan
        if plan.precision is None or len({trial.round for trial in self._trials}) < ROUNDS_TO_LEARN_FROM:
            return plan.blocks_per_trial
        wanted = [plan.blocks_per_trial]
        for cell in plan.cells:
            trials = [t for t in self._trials if t.cell == cell and t.failure is None]
            times = [[block.step_seconds for block in t.blocks_of(BlockKind.MEASURED)] for t in trials]
            block_cost = plan.block_seconds + plan.run_in_seconds / plan.blocks_per_turn
            found = effort.blocks_per_trial(times, process_cost=_overhead(trials), block_cost=block_cost)
            if found is not None:
                wanted.append(found)
        return max(wanted)

    def _time_is_up(self) -> bool:
        """Whether a round as long as the mean one so far would end after the budget.

        As long as the last one where rounds get shorter, because what is decided is not measured in them.
        """
        rounds = len(self._rounds_here)
        if self._plan.time_budget is None or rounds == 0:
            return False
        now = self._clock()
        spent = now - self._started
        another = now - self._begun if self._plan.looks else spent / rounds
        return spent + another > self._plan.time_budget


def _overhead(trials: Iterable[Trial]) -> Seconds:
    """Return what a process costs before its first measured block, in the mean."""
    costs = [
        sum(part or 0.0 for part in (t.import_seconds, t.build_seconds, t.first_step_seconds, t.warm_up_seconds))
        for t in trials
    ]
    return sum(costs) / len(costs) if costs else 0.0
