"""Facts that are not the same in two runs, as they were recorded.

differences    every fact that differs, and whether it forbids a comparison
collate        what trials say of themselves, each value with the loops that it holds for
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from bench import units
from bench.records.cell import Cell
from bench.records.plan import Plan
from bench.records.stored_run import Run
from bench.records.trial import Trial

MACHINE = ("cpu model", "cpu cores usable", "cpu cores logical", "cgroup cpu quota")
"""What makes it another machine; the rest of the passport is listed."""
_PASSING = {
    *("cpu frequency MHz", "memory available MiB", "swap used MiB", "load average 1 min", "steal time %"),
    *("tool version", "python"),
}
"""Facts of the passport that are never the same, or that trials record better."""
_PASSING_ENDS = (" version", "SM clock MHz", "temperature Celsius")
VARIABLE = "environment "
_OF_FRAMEWORKS = (
    *("TF_", "TORCH", "PYTORCH", "KERAS", "JAX", "XLA", "CUDA", "CUDNN", "CUBLAS", "NVIDIA", "ONEDNN", "DNNL"),
)
"""Beginnings of environment variables that NumPy does not read."""
_SHORT = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A fact that is not the same in both runs."""

    what: str
    base: str | None
    new: str | None
    """None where a run does not know."""
    mismatch: bool
    """Whether numbers of the two runs mean different things because of it, whatever the loops do."""


def differences(base: Run, new: Run, *, cells: Collection[Cell]) -> tuple[Difference, ...]:
    """Return every fact that differs: mismatches first, then what may be on purpose, then circumstances.

    What must be alike is what a change of code does not change: data, what is trained, device, machine, threads.
    The sources of loops, versions and variables may be what the comparison is about.

    Args:
        base: The baseline.
        new: What is compared with it.
        cells: Those that both plans have.
    """
    readings: tuple[tuple[bool, Callable[[Run], Mapping[str, str]]], ...] = (
        (True, _data),
        (True, lambda run: _of_trials(run, cells, _workload_source)),
        (True, lambda run: _of_trials(run, cells, device)),
        (True, lambda run: {fact: value for fact, value in run.header.environment.items() if fact in MACHINE}),
        (True, lambda run: _of_trials(run, cells, _threads)),
        (False, lambda run: _of_trials(run, cells, _loop_source)),
        (False, lambda run: _of_trials(run, cells, lambda trial: trial.versions)),
        (False, _harness),
        (False, _circumstances),
    )
    found = []
    for mismatch, read in readings:
        before, after = read(base), read(new)
        for what in dict.fromkeys([*before, *after]):
            values = before.get(what), after.get(what)
            if values[0] != values[1]:
                # What a run does not know may have been the same.
                forbids = mismatch and None not in values
                found.append(Difference(what=what, base=values[0], new=values[1], mismatch=forbids))
    return tuple(sorted(found, key=lambda one: not one.mismatch))


def identity(run: Run, *, cells: Iterable[Cell]) -> dict[str, str]:
    """Return what is trained by these cells, whatever trains it: the data, and the sources of workloads."""
    return _data(run) | _of_trials(run, cells, _workload_source)


def _of_trials(run: Run, cells: Iterable[Cell], read: Callable[[Trial], Mapping[str, str]]) -> dict[str, str]:
    """Return what the finished trials of these cells say."""
    return collate_finished((trial for cell in cells for trial in run.trials_of(cell)), read)


def collate_finished(trials: Iterable[Trial], read: Callable[[Trial], Mapping[str, str]]) -> dict[str, str]:
    """Return fact -> value over the trials that finished; where they differ, each value with its loops."""
    return collate([trial for trial in trials if trial.failure is None], read)


def _data(run: Run) -> dict[str, str]:
    dataset = run.header.dataset
    return {"data": f"{dataset.name}, SHA-256 {dataset.sha256[:_SHORT]}"}


def _workload_source(trial: Trial) -> dict[str, str]:
    return (
        {f"source of workload {trial.cell.workload}": trial.workload_sha256[:_SHORT]} if trial.workload_sha256 else {}
    )


def _loop_source(trial: Trial) -> dict[str, str]:
    return {f"source of loop {trial.cell.loop}": trial.loop_sha256[:_SHORT]} if trial.loop_sha256 else {}


def _threads(trial: Trial) -> dict[str, str]:
    """Return what frameworks say that they use; how many threads a process holds is chance."""
    return {f"threads, {name}": str(number) for name, number in trial.threads.items() if name != "process"}


def _harness(run: Run) -> dict[str, str]:
    """Return how it was measured."""
    header, plan = run.header, run.header.plan
    variables = {fact: value for fact, value in header.environment.items() if fact.startswith(VARIABLE)}
    sides = {f"side {side.name}": side.description for side in plan.sides}
    interpreters = {f"interpreter for {name}": path for name, path in sorted(plan.interpreters.items())}
    return {
        **variables,
        **sides,
        **interpreters,
        "bench": header.tool_version,
        "schedule": plan.schedule,
        "block time": units.duration(plan.block_seconds),
        "blocks per process": units.count(plan.blocks_per_trial),
        "turn": turn(plan),
        "CPUs per process": units.count(len(plan.cpus)) if plan.cpus else "any",
        "steps per process": units.count(plan.steps) if plan.steps else "sized by time",
        "seed": str(plan.seed),
        "rounds": units.count(run.planned_rounds),
    }


def turn(plan: Plan) -> str:
    """Return what a process does in its turn: "4 blocks behind 400 ms that do not count"."""
    blocks = f"{plan.blocks_per_turn} blocks" if plan.blocks_per_turn > 1 else "a block"
    behind = f" behind {units.duration(plan.run_in_seconds)} of training that does not count"
    return f"{blocks}{behind if plan.run_in_seconds else ''}"


def _circumstances(run: Run) -> dict[str, str]:
    """Return the rest of the passport, but for what is never the same and what trials record."""
    return {
        fact: value
        for fact, value in run.header.environment.items()
        if fact not in _PASSING
        and fact not in MACHINE
        and not fact.startswith(VARIABLE)
        and (fact.endswith("driver version") or not fact.endswith(_PASSING_ENDS))
    }


def of_frameworks(what: str) -> bool:
    """Whether the name of a difference is that of an environment variable that only frameworks read."""
    return what.removeprefix(VARIABLE).startswith(_OF_FRAMEWORKS)


def device(trial: Trial) -> dict[str, str]:
    """Return the device as the framework names it, and on a GPU whether it may round float32 products."""
    named = {"device": trial.device_name} if trial.device_name else {}
    rounding = {} if trial.tensor_float_32 is None else {"TF32": "allowed" if trial.tensor_float_32 else "off"}
    return named | rounding


def collate(trials: Iterable[Trial], read: Callable[[Trial], Mapping[str, str]]) -> dict[str, str]:
    """Return fact -> value; where trials differ, each value with the loops that it holds for."""
    seen: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for trial in trials:
        for name, value in read(trial).items():
            seen[name][value].add(trial.cell.loop)
    return {name: _values(seen[name]) for name in sorted(seen)}


def _values(values: Mapping[str, set[str]]) -> str:
    """Return the only value, or each value with its loops."""
    if len(values) == 1:
        return next(iter(values))
    return "; ".join(f"{value} ({', '.join(sorted(loops))})" for value, loops in sorted(values.items()))
