"""Two stored runs, baseline first: what differs between them, and which loops became faster or slower.

    compare_runs   differences, one row per loop, and what to know before quoting a number
    admit          refuses runs whose numbers do not mean the same thing

Rounds of different runs are not paired: between two sessions the machine may have changed its speed, which no number of
rounds in either tells. So each run measures a kernel in every round, and steps are compared as multiples of its step.
Everything here is pure; rendering is in `bench/report/changes.py`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from math import log, log1p
from statistics import median
from typing import Literal

from bench import units
from bench.analysis import holm
from bench.analysis import intervals as estimates
from bench.analysis import verdict as deciding
from bench.analysis.intervals import Interval, UnpairedInterval
from bench.analysis.process import trial_step_seconds
from bench.analysis.summary import CellSummary, Group, paired_intervals, summarise
from bench.analysis.verdict import Verdict
from bench.errors import NothingComparable
from bench.records.cell import Cell
from bench.records.stored_run import Run
from bench.records.trial import Trial
from bench.report import provenance, wording
from bench.report.notices import FEW_ROUNDS
from bench.units import Seconds

SCHEMA = "bench-comparison/1"
"""Changes whenever a field of the JSON changes its name or meaning."""

OTHER_SPEED = 0.03
"""Kernels further apart than this are pointed out: more than the margin, and more than quiet sessions differ by."""

FEWEST_ROUNDS = 2
"""For a variance."""

_MACHINE = ("cpu model", "cpu cores usable", "cpu cores logical", "cgroup cpu quota")
"""What makes it another machine; the rest of the passport is listed."""
_PASSING = {
    *("cpu frequency MHz", "memory available MiB", "swap used MiB", "load average 1 min", "steal time %"),
    *("tool version", "python"),
}
"""Facts of the passport that are never the same, or that trials record better."""
_PASSING_ENDS = (" version", "SM clock MHz", "temperature Celsius")
_VARIABLE = "environment "
_OF_FRAMEWORKS = (
    *("TF_", "TORCH", "PYTORCH", "KERAS", "JAX", "XLA", "CUDA", "CUDNN", "CUBLAS", "NVIDIA", "ONEDNN", "DNNL"),
)
"""Beginnings of environment variables that NumPy does not read."""
_SHORT = 12
_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A fact that is not the same in both runs."""

    what: str
    base: str
    new: str
    mismatch: bool
    """Whether numbers of the two runs mean different things because of it, whatever the loops do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What two runs say about one loop."""

    cell: Cell
    verdict: Verdict
    reason: str | None
    """Why there are no numbers, for `new`, `removed`, `failed` and `invalid`."""
    decided_by: Literal["calibrated", "raw"] | None
    speed_up: Interval | None
    """Of the times that decide: base / new, above 1 is faster; at a level at which all rows hold together."""
    calibrated: Interval | None
    """Steps as multiples of the kernel's step in the same round; None where a run lacks them."""
    raw: Interval | None
    """Steps in seconds."""
    base_step: Interval | None
    """Seconds."""
    new_step: Interval | None
    rounds_to_settle: int | None
    """For `unclear`: rounds in either run that would settle it, if the spread stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Everything that `bench compare` says."""

    schema: str
    base: str
    """Run id."""
    new: str
    margin: float
    """Smallest relative difference that matters."""
    differences: tuple[Difference, ...]
    """Mismatches first, then what may have been changed on purpose, then circumstances."""
    machine: Interval | None
    """How many times faster the kernel ran in the new run; None where its times cannot be compared."""
    rows: tuple[Row, ...]
    """Slower first, then unclear, faster, same, and what has no numbers."""
    notices: tuple[str, ...]
    headline: str

    @property
    def mismatches(self) -> tuple[Difference, ...]:
        """The differences that forbid a comparison."""
        return tuple(difference for difference in self.differences if difference.mismatch)


def compare_runs(base: Run, new: Run, *, margin: float = deciding.MARGIN) -> Comparison:
    """Compare every loop that two runs have in common, and name those that only one has.

    A pair is decided by calibrated times where both runs have a kernel that was the same and that tells how fast the
    device was, otherwise by raw times, whose interval knows nothing of a machine at another speed.

    Args:
        base: The baseline.
        new: What is compared with it.
        margin: Smallest relative difference that matters.
    """
    summarised = summarise(base), summarise(new)
    before, after = (_by_cell(run, groups) for run, groups in zip((base, new), summarised, strict=True))
    differences = _differences(base, new, cells=[cell for cell in before if cell in after])
    doubt = _doubt(base, new, differences=differences)
    kernels = _kernel(base), _kernel(new)
    pairs = [
        _pair(cell, found=(before.get(cell), after.get(cell)), kernels=None if doubt else kernels)
        for cell in dict.fromkeys([*before, *after])
    ]
    pairs = [pair for pair in pairs if not (pair.base is None and pair.new is None)]
    shown = holm.simultaneous([pair.deciding for pair in pairs], margin=margin)
    controls = [group.control for groups in summarised for group in groups if group.control is not None]
    floor = max((control.floor for control in controls), default=None)
    rows = [_row(pair, speed_up=one, margin=margin, floor=floor) for pair, one in zip(pairs, shown, strict=True)]
    rows.sort(key=_place)
    machine = None if doubt else estimates.unpaired_ratio_interval(*map(_values, kernels))
    return Comparison(
        schema=SCHEMA,
        base=wording.display_name(base.header.run_id),
        new=wording.display_name(new.header.run_id),
        margin=margin,
        differences=differences,
        machine=machine,
        rows=tuple(rows),
        notices=tuple(_notices(base, new, rows=rows, differences=differences, doubt=doubt, machine=machine)),
        headline=_headline(rows, margin=margin),
    )


def admit(comparison: Comparison, *, allow_mismatch: bool) -> None:
    """Refuse a comparison that would mislead, or that holds no number.

    Raises:
        NothingComparable: If the runs are not alike and that was not allowed, or no loop was measured in both.
    """
    found = comparison.mismatches
    if found and not allow_mismatch:
        named = "; ".join(f"{one.what}: {one.base} against {one.new}" for one in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise NothingComparable(f"not alike: {named}{more}; --allow-mismatch compares all the same")
    if all(row.speed_up is None for row in comparison.rows):
        reasons = "; ".join(f"{label(row.cell, comparison)} is {row.verdict}" for row in comparison.rows[:_NAMED])
        raise NothingComparable(f"no loop was measured in both runs: {reasons or 'both are empty'}")


def label(cell: Cell, comparison: Comparison) -> str:
    """Return what a row is called: the loop, or all of the cell where the loop alone could be another row."""
    groups = {replace(row.cell, loop="", side=None) for row in comparison.rows}
    return wording.display_name(cell.name if len(groups) == 1 else str(cell))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    """One cell in both runs; None where a run does not have it."""

    cell: Cell
    base: CellSummary | None
    new: CellSummary | None
    absent: str = ""
    """Why a run that has it in its plan does not have it."""
    raw: UnpairedInterval | None = None
    calibrated: UnpairedInterval | None = None
    trusted: bool = False
    """Whether calibrated times decide."""

    @property
    def deciding(self) -> UnpairedInterval | None:
        """The comparison that gives the verdict."""
        return self.calibrated if self.trusted else self.raw


def _by_cell(run: Run, groups: Iterable[Group]) -> dict[Cell, CellSummary]:
    """Return what each cell's trials say together, in the order of the plan, without cells that repeat another one."""
    found = {summary.cell: summary for group in groups for summary in group.cells}
    return {cell: found[cell] for cell in run.header.plan.cells if cell in found}


def _kernel(run: Run) -> dict[int, Seconds]:
    """Return round -> the kernel's seconds per step."""
    pairs = ((trial.round, trial_step_seconds(trial)) for trial in run.calibration)
    return {number: seconds for number, seconds in pairs if seconds is not None}


def _values(steps: Mapping[int, Seconds]) -> list[Seconds]:
    """Return the times in the order of rounds."""
    return [seconds for _, seconds in sorted(steps.items())]


def _pair(
    cell: Cell,
    *,
    found: tuple[CellSummary | None, CellSummary | None],
    kernels: tuple[Mapping[int, Seconds], Mapping[int, Seconds]] | None,
) -> _Pair:
    """Compare one cell, raw and, where there are kernels to calibrate with, calibrated, at the usual level."""
    base, new = (None if one is None or _absent(one) else one for one in found)
    absent = next((reason for one in found if one is not None and (reason := _absent(one))), "")
    if base is None or new is None or {base.verdict, new.verdict} & set(wording.UNRANKED):
        return _Pair(cell=cell, base=base, new=new, absent=absent)
    steps = base.process_steps, new.process_steps
    shares = [
        {number: seconds / kernel[number] for number, seconds in times.items() if number in kernel}
        for times, kernel in zip(steps, kernels or ({}, {}), strict=True)
    ]
    calibrated = all(len(share) >= FEWEST_ROUNDS for share in shares)
    return _Pair(
        cell=cell,
        base=base,
        new=new,
        raw=estimates.unpaired_ratio_interval(*map(_values, steps)),
        calibrated=estimates.unpaired_ratio_interval(*map(_values, shares)) if calibrated else None,
        trusted=calibrated and cell.device == "cpu",
    )


def _absent(one: CellSummary) -> str:
    """Return why a loop of the plan was not there to be measured; nothing if it was."""
    return wording.failure_text(one) if one.failure is not None and wording.never_ran(one) else ""


def _doubt(base: Run, new: Run, *, differences: Iterable[Difference]) -> str | None:
    """Return why the kernel cannot tell how fast the machine was in one run against the other, or None if it can."""
    sides = {"the base": base, "the new run": new}
    missing = [name for name, run in sides.items() if len(_kernel(run)) < FEWEST_ROUNDS]
    if missing:
        return f"{' and '.join(missing)} {'has' if len(missing) == 1 else 'have'} no kernel times of two rounds"
    facts = [_collate(run.calibration, _kernel_facts) for run in (base, new)]
    changed = [
        f"{what} {facts[0].get(what)} against {value}"
        for what, value in facts[1].items()
        if facts[0].get(what) != value
    ]
    changed += [one.what for one in differences if one.what.startswith(_VARIABLE) and not _of_frameworks(one.what)]
    if changed:
        return f"the kernel itself ran under other conditions ({', '.join(changed[:_NAMED])})"
    machine = [one.what for one in differences if one.what in _MACHINE]
    if machine:
        return f"on another machine ({', '.join(machine)}) kernel and loops need not have changed alike"
    return None


def _kernel_facts(trial: Trial) -> dict[str, str]:
    """Return what a kernel's speed depends on besides the machine."""
    return {
        "source": f"{trial.loop_sha256} {trial.workload_sha256}"[:_SHORT],
        "cell": str(trial.cell),
        **{name: version for name, version in trial.versions.items() if name in ("python", "numpy")},
    }


def _of_frameworks(what: str) -> bool:
    """Whether a difference is an environment variable that only frameworks read."""
    return what.removeprefix(_VARIABLE).startswith(_OF_FRAMEWORKS)


def _differences(base: Run, new: Run, *, cells: Collection[Cell]) -> tuple[Difference, ...]:
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
        (True, lambda run: _of_trials(run, cells, provenance.device)),
        (True, lambda run: {fact: value for fact, value in run.header.environment.items() if fact in _MACHINE}),
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
                shown = [units.NOT_AVAILABLE if value is None else wording.display_name(value) for value in values]
                # What a run does not know may have been the same.
                forbids = mismatch and None not in values
                found.append(Difference(what=wording.display_name(what), base=shown[0], new=shown[1], mismatch=forbids))
    return tuple(sorted(found, key=lambda one: not one.mismatch))


def _of_trials(run: Run, cells: Iterable[Cell], read: Callable[[Trial], Mapping[str, str]]) -> dict[str, str]:
    """Return what the finished trials of these cells say."""
    return _collate((trial for cell in cells for trial in run.trials_of(cell)), read)


def _collate(trials: Iterable[Trial], read: Callable[[Trial], Mapping[str, str]]) -> dict[str, str]:
    """Return fact -> value over the trials that finished; where they differ, each value with its loops."""
    return provenance.collate([trial for trial in trials if trial.failure is None], read)


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
    variables = {fact: value for fact, value in header.environment.items() if fact.startswith(_VARIABLE)}
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
        "CPUs per process": units.count(len(plan.cpus)) if plan.cpus else "any",
        "steps per process": units.count(plan.steps) if plan.steps else "sized by time",
        "seed": str(plan.seed),
        "rounds": units.count(run.planned_rounds),
    }


def _circumstances(run: Run) -> dict[str, str]:
    """Return the rest of the passport, but for what is never the same and what trials record."""
    return {
        fact: value
        for fact, value in run.header.environment.items()
        if fact not in _PASSING
        and fact not in _MACHINE
        and not fact.startswith(_VARIABLE)
        and (fact.endswith("driver version") or not fact.endswith(_PASSING_ENDS))
    }


def _row(pair: _Pair, *, speed_up: Interval | None, margin: float, floor: float | None) -> Row:
    """Judge one pair."""
    verdict, reason = _word(pair, speed_up=speed_up, margin=margin, floor=floor)
    settle = None
    if verdict is Verdict.UNCLEAR and speed_up is not None:
        settle = deciding.rounds_to_settle(speed_up, margin=margin)
    return Row(
        cell=pair.cell,
        verdict=verdict,
        reason=reason,
        decided_by=None if speed_up is None else "calibrated" if pair.trusted else "raw",
        speed_up=speed_up,
        calibrated=pair.calibrated,
        raw=pair.raw,
        base_step=None if pair.base is None else pair.base.step,
        new_step=None if pair.new is None else pair.new.step,
        rounds_to_settle=settle,
    )


def _word(pair: _Pair, *, speed_up: Interval | None, margin: float, floor: float | None) -> tuple[Verdict, str | None]:
    """Return the verdict on a loop, and why it has no numbers."""
    if pair.base is None:
        return Verdict.NEW, "in the new run and not in the base" + (f": {pair.absent}" if pair.absent else "")
    if pair.new is None:
        return Verdict.REMOVED, "in the base and not in the new run" + (f": {pair.absent}" if pair.absent else "")
    for word in wording.UNRANKED:
        for name, one in (("new", pair.new), ("base", pair.base)):
            if one.verdict is word:
                return word, f"{name}: {wording.failure_text(one)}"
    assert speed_up is not None  # both have times
    return deciding.verdict(speed_up, margin=margin, floor=floor), None


_ORDER = (
    *(Verdict.SLOWER, Verdict.FAILED, Verdict.INVALID, Verdict.REMOVED, Verdict.UNCLEAR),
    *(Verdict.FASTER, Verdict.SAME, Verdict.NEW),
)


def _place(row: Row) -> tuple[int, float]:
    """Sort what calls for action first, and the largest change of each kind."""
    return (_ORDER.index(row.verdict), 0.0 if row.speed_up is None else -abs(log(row.speed_up.estimate)))


def _notices(
    base: Run,
    new: Run,
    *,
    rows: Collection[Row],
    differences: Iterable[Difference],
    doubt: str | None,
    machine: Interval | None,
) -> Iterable[str]:
    """Yield what to know before a number is quoted."""
    compared = [row for row in rows if row.speed_up is not None]
    mismatches = [one.what for one in differences if one.mismatch]
    if mismatches:
        yield f"Not alike, compared because it was asked for: {', '.join(mismatches)}."
    for name, run in (("base", base), ("new run", new)):
        if not run.complete:
            run_id = wording.display_name(run.header.run_id)
            yield f"The {name} is incomplete; finish it with `bench run --resume {run_id}`."
    if machine is not None and abs(log(machine.estimate)) > log(1.0 + OTHER_SPEED):
        span = units.speed_span(machine.estimate, low=machine.low, high=machine.high)
        speed = units.speed(machine.estimate, low=machine.low, high=machine.high)
        yield f"The machine ran at another speed: the kernel was {speed} in the new run (95 % interval {span})."
    if doubt is not None and compared:
        yield (
            f"Not calibrated, since {doubt}: raw times decide, and a machine that ran at another speed counts as a "
            "change of the loops, which their intervals do not hold."
        )
    if any(row.calibrated is not None and row.decided_by == "raw" for row in compared):
        yield "The kernel tells the speed of the CPU: on the GPU raw times decide, and its clock may have changed."
    rounds = min((row.speed_up.count for row in compared if row.speed_up is not None), default=None)
    if rounds is not None and rounds < FEW_ROUNDS:
        yield f"Only {rounds} {'round' if rounds == 1 else 'rounds'} in a run: the intervals are wide."
    cost = _cost(base, new, rows=compared)
    if cost is not None:
        yield cost


def _cost(base: Run, new: Run, *, rows: Collection[Row]) -> str | None:
    """Return how much wider the intervals are because the runs share no rounds, and because of the kernel."""
    widths = {
        "calibrated": _median_width(row.calibrated for row in rows),
        "raw": _median_width(row.raw for row in rows),
    }
    if widths["raw"] is None:
        return "No interval: each run needs two rounds at least."
    told = [f"{wording.noise_text(width)} {name}" for name, width in widths.items() if width is not None]
    paired = _median_width(interval for run in (base, new) for interval in paired_intervals(run))
    inside = f", {wording.noise_text(paired)} between loops inside the runs, where rounds are paired" if paired else ""
    wider = ""
    if widths["calibrated"] is not None and widths["raw"] > 0.0:
        ratio = log1p(widths["calibrated"]) / log1p(widths["raw"])
        wider = f" Calibrated ones are {units.number(ratio)} times as wide as raw ones, which hold no change of speed."
    return (
        f"Median 95 % interval: {', '.join(told)}{inside}.{wider} `bench ab` measures both in the same rounds, "
        "at no such cost."
    )


def _median_width(intervals: Iterable[Interval | None]) -> float | None:
    """Return the median relative half-width of those that have one, at the usual level."""
    widths = [one.at(estimates.CONFIDENCE).relative_half_width for one in intervals if one is not None]
    known = [width for width in widths if width is not None]
    return median(known) if known else None


def _headline(rows: Iterable[Row], *, margin: float) -> str:
    """Return the answer in one sentence or two."""
    by_word: dict[Verdict, list[str]] = {}
    for row in rows:
        change = "" if row.speed_up is None else f" ({wording.ratio_text(row.speed_up)})"
        name = wording.display_name(row.cell.name)
        shown = f"{name}{change}" if row.verdict in (Verdict.SLOWER, Verdict.FASTER) else name
        by_word.setdefault(row.verdict, []).append(shown)
    parts = [
        f"{str(word).capitalize()}: {', '.join(by_word[word])}."
        for word in _ORDER
        if word in by_word and word not in (Verdict.SAME, Verdict.UNCLEAR)
    ]
    if Verdict.UNCLEAR in by_word:
        parts.append(f"Can't tell: {', '.join(by_word[Verdict.UNCLEAR])}.")
    if Verdict.SAME in by_word:
        parts.append(f"Unchanged to within {units.percent(margin)}: {', '.join(by_word[Verdict.SAME])}.")
    return " ".join(parts)
