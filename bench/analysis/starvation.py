"""Did the machine take the processor away from what was measured? Decided here, once; everybody else reads it.

    taken_share    the share of a process's measured time that others took
    of_cell        the rounds of a cell in which its process starved, and whether enough others are left
    rounds         the rounds of a run in which anything starved: those are measured again

A loop that sleeps, reads or waits for its input uses little processor time and has lost none: what counts is time in
which it was ready to run and could not. Linux tells that time itself (`Block.waited_seconds`). Elsewhere each
involuntary switch stands for a scheduler's time slice, as far as the process did not use the processors after all. In
either case, others cannot have taken more than they used (`Conditions.others`); where nobody knows what they used, the
kernel that measures the machine bears witness, by how far it is from its own best. What a hypervisor gave to other
guests comes on top, for as much of the time as the loop used its processor.

A process may keep its processor and still be measured in a crowd: where nothing is idle and others want more than they
get, they move about, and share caches and cores with it. Such a round is one in which it starved, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf
from statistics import median

from bench.analysis.own_time import LIMIT
from bench.analysis.process import trial_step_seconds
from bench.records import busy
from bench.records.busy import BusyProgram
from bench.records.stored_run import Conditions, Run
from bench.records.trial import Block, BlockKind, Trial
from bench.units import Seconds

SLICE: Seconds = 3e-3
"""Whoever is preferred runs for about so long: the base slice of Linux, with a few processors."""

WAITER, TURN = 0.1, 0.05
"""A loop that uses less than a tenth of a processor only waits, unless it was switched away against its will: each time
may have cost it up to the turns of all others, 50 ms. What it waits when it wakes on a busy machine was not taken from
it; it is delayed, as it is by whatever else it waits for."""

WITNESS = 1.0
"""A kernel that takes twice as long as in its best round says that the processor was taken away. Clocks that follow
heat and load move it too, but by less."""

CROWD, IDLE, WANTING = 0.5, 0.15, 0.02
"""A crowd uses half a processor or more, leaves next to nothing of any idle, and consists of programs whose processes
get a fiftieth of a processor each or more: others hardly want one."""

FEWEST_SOUND = 2
"""Rounds without which there is no interval."""

_CORES = ("cpu cores usable", "cpu cores logical")
_QUOTA = "cgroup cpu quota"


@dataclass(frozen=True, kw_only=True, slots=True)
class Starvation:
    """What other work did to the processes of one cell."""

    rounds: tuple[int, ...]
    """In which its process starved, counted from 0."""
    finished: int
    """Rounds that it finished."""
    share: float
    """Of the measured time of these processes, what others took: the median; next to nothing in a mere crowd."""
    programs: tuple[BusyProgram, ...]
    """Who was busy then, the busiest first; empty where nobody can be seen."""
    too_busy: bool
    """Whether too few other rounds are left to tell anything. Otherwise these rounds are left out."""

    @property
    def is_crowd(self) -> bool:
        """Whether the processes kept their processors, and were measured in a crowd."""
        return self.share < LIMIT


def of_cell(run: Run, trials: Sequence[Trial]) -> Starvation | None:
    """Return in which rounds the processes of one cell starved; None where none did, or where that is to count.

    Args:
        run: With its plan, conditions and kernel.
        trials: Of the cell.
    """
    if run.header.plan.on_busy == "count":
        return None
    finished, kernel = [trial for trial in trials if trial.failure is None], _kernel(run)
    shares = [(trial, taken_share(run, trial, kernel=kernel)) for trial in finished]
    starved = {trial.round: share for trial, share in shares if share >= LIMIT or is_crowded(run, trial)}
    if not starved:
        return None
    sound = len(finished) - len(starved)
    return Starvation(
        rounds=tuple(sorted(starved)),
        finished=len(finished),
        share=median(starved.values()),
        programs=busy.busiest(
            program for number in starved if (seen := run.conditions_of(number)) for program in seen.busy
        ),
        too_busy=sound < _enough(run, finished=len(finished)),
    )


def rounds(run: Run) -> tuple[int, ...]:
    """Return the rounds, in order, in which some process of a planned cell starved."""
    if run.header.plan.on_busy == "count":
        return ()
    finished, kernel = (trial for trial in run.trials if trial.failure is None), _kernel(run)
    return tuple(sorted({trial.round for trial in finished if _starved(run, trial, kernel=kernel)}))


def sound(run: Run, trials: Iterable[Trial]) -> list[Trial]:
    """Return those trials that did not starve; all of them where that is to count."""
    if run.header.plan.on_busy == "count":
        return list(trials)
    kernel = _kernel(run)
    return [trial for trial in trials if trial.failure is not None or not _starved(run, trial, kernel=kernel)]


def _starved(run: Run, trial: Trial, *, kernel: Mapping[int, Seconds]) -> bool:
    """Whether others took a process's processors, or wanted them."""
    return taken_share(run, trial, kernel=kernel) >= LIMIT or is_crowded(run, trial)


def is_crowded(run: Run, trial: Trial) -> bool:
    """Whether a process was measured while nothing was idle and others wanted a processor more than they got."""
    measured, seen = trial.blocks_of(BlockKind.MEASURED), run.conditions_of(trial.round)
    wall = sum(block.seconds for block in measured)
    if not wall or seen is None or seen.others is None or seen.others < CROWD:
        return False
    used = sum(block.cpu_seconds for block in measured) / wall
    wanting = (one for one in seen.busy if one.cores >= WANTING * one.processes)
    idle = _usable(run) - seen.others - used
    return used >= WAITER and idle < IDLE and sum(one.processes - one.cores for one in wanting) >= 1.0


def taken_share(run: Run, trial: Trial, *, kernel: Mapping[int, Seconds] | None = None) -> float:
    """Return the share of a process's measured wall time that others took from it, from 0 to 1.

    Where several threads waited, it is the share of one of them, in the mean.

    Args:
        run: With its conditions and kernel.
        trial: Of it.
        kernel: Round -> the kernel's step, for who asks of many trials.
    """
    measured = trial.blocks_of(BlockKind.MEASURED)
    wall = sum(block.seconds for block in measured)
    if not wall:
        return 0.0
    cores = cores_of(run, trial)
    used = sum(block.cpu_seconds for block in measured) / wall
    # Threads of one process that wait for one another, being more than there are processors, have lost nothing: what
    # was taken is never more than what the process left of the processors.
    waited = min(sum(waited_in(block) for block in measured) / wall, max(0.0, cores - used)) / max(1.0, used)
    if used < WAITER:
        waited = min(waited, TURN * sum(block.involuntary_switches for block in measured) / wall)
    conditions = run.conditions_of(trial.round)
    kernel = _kernel(run) if kernel is None else kernel
    waited = min(waited, _others(conditions, round_number=trial.round, kernel=kernel))
    stolen = 0.0 if conditions is None or conditions.stolen is None or cores == inf else conditions.stolen * cores
    return min(1.0, waited + stolen * min(1.0, used) / max(1.0, used))


def waited_in(block: Block) -> Seconds:
    """Return how long threads of a process were ready to run in a block and did not, added up."""
    return block.involuntary_switches * SLICE if block.waited_seconds is None else block.waited_seconds


def _enough(run: Run, *, finished: int) -> int:
    """Return how many rounds without starvation a cell needs: half of what was planned and was run."""
    plan = run.header.plan
    planned = finished if plan.adaptive else min(plan.rounds, finished)
    return min(planned, max(FEWEST_SOUND, ceil(planned / 2)))


def cores_of(run: Run, trial: Trial) -> float:
    """Return how many processors a process might use; infinite where nobody knows."""
    quota = run.header.environment.get(_QUOTA, "none").partition(" ")[0]
    return min(float(len(trial.cpus) or "inf"), _usable(run), inf if quota == "none" else float(quota))


def _usable(run: Run) -> float:
    """Return how many processors the harness might use; infinite where nobody knows."""
    passport = run.header.environment
    return float(next((passport[fact] for fact in _CORES if passport.get(fact, "").isdigit()), "inf"))


def _kernel(run: Run) -> dict[int, Seconds]:
    """Return round -> the kernel's step, which tells of others where nobody saw them; else nobody needs it."""
    others = {seen.round: seen.others for seen in run.conditions}  # the last time that a round was run counts
    if all(others.get(trial.round) is not None for trial in run.trials):
        return {}
    return {trial.round: step for trial in run.calibration if (step := trial_step_seconds(trial)) is not None}


def _others(conditions: Conditions | None, *, round_number: int, kernel: Mapping[int, Seconds]) -> float:
    """Return the most that others can have taken in a round, in cores."""
    if conditions is not None and conditions.others is not None:
        return conditions.others
    if round_number not in kernel:
        return 0.0
    slower = kernel[round_number] / min(kernel.values()) - 1.0
    return 1.0 - 1.0 / (1.0 + slower) if slower >= WITNESS else 0.0
