"""What a reader must know before quoting a number: notices above the tables, and one line of trust."""

from collections.abc import Sequence

from bench import units
from bench.analysis import oddities, process
from bench.analysis.summary import CellSummary, Group
from bench.analysis.verdict import Verdict
from bench.records.stored_run import Run
from bench.records.trial import FailureKind, Trial
from bench.report import busy_machine, guests, least_step, parting, rare_costs, wording
from bench.report.notice import Notice, NoticeKind

FEW_ROUNDS = 5
"""Below this, Student's t makes an interval more than twice as wide as the spread alone would."""

WIDE_INTERVAL = 0.05
"""An interval wider than ± 5 % rarely settles anything between compiled loops."""

STOLEN = 0.02
"""As much as the margin: time taken away from one loop and not from the other can pass for a difference."""

CLOCK_DRIFT = 0.05
"""Of a GPU's clock between rounds; boost clocks move by a few per cent with temperature."""

_ONE_MACHINE = "One machine: elsewhere milliseconds differ and ratios may. Measure where you train."
_SMALL_BATCH = 128
_SMALL_STEP = 2e-3
_NAMED = 5


def notices(run: Run, groups: Sequence[Group]) -> tuple[Notice, ...]:
    """Return what is wrong with the numbers first, and how far they reach last."""
    return tuple(
        Notice(kind=kind, text=text)
        for kind, texts in (
            (NoticeKind.INCOMPLETE, _incomplete(run)),
            (NoticeKind.FAILED, _failed(groups)),
            (NoticeKind.INVALID, _invalid(groups)),
            (NoticeKind.UNVERIFIED, _unverified(run)),
            (NoticeKind.METRICS_APART, parting.notices(run, groups)),
            (NoticeKind.BASELINE, _baseline(run, groups)),
            (NoticeKind.SYNTHETIC_DATA, _synthetic(run)),
            (NoticeKind.IDENTITY, _identity(run)),
            (NoticeKind.FEW_ROUNDS, _few_rounds(run)),
            (NoticeKind.WIDE_INTERVALS, _wide_intervals(run, groups)),
            (NoticeKind.TOO_BUSY, busy_machine.lost(groups)),
            (NoticeKind.STARVED, busy_machine.left_out(groups)),
            (NoticeKind.RARE_COSTS, rare_costs.notices(groups)),
            (NoticeKind.EPOCH_ENDS, rare_costs.unmet(groups)),
            (NoticeKind.LEAST_STEP, least_step.notices(groups)),
            (NoticeKind.RECOMPILED, _recompiled(groups)),
            (NoticeKind.UNSTEADY, _unsteady(groups)),
            (NoticeKind.ODD_PROCESS, _odd_processes(groups)),
            (NoticeKind.INTERRUPTED, _interrupted(groups)),
            (NoticeKind.STOLEN, _stolen(run)),
            (NoticeKind.MACHINE_SPEED, _machine_speed(run)),
            (NoticeKind.GPU_SLOWED, _gpu_slowed(run)),
            (NoticeKind.GPU_CLOCK, _gpu_clock(run)),
            (NoticeKind.DISTURBANCE, [wording.display_name(text) for text in run.header.warnings]),
            (NoticeKind.UNAVAILABLE, _unavailable(groups)),
            (NoticeKind.FRAMEWORK_WIDE, _framework_wide(run)),
            (NoticeKind.CHOSEN_DATA, _chosen(run)),
            (NoticeKind.GUESTS, guests.notices(run)),
            (NoticeKind.SMALL_BATCH, _small_batch(groups)),
            (NoticeKind.ONE_MACHINE, [_ONE_MACHINE]),
        )
        for text in texts
    )


def trust(run: Run, *, groups: Sequence[Group], noted: Sequence[Notice]) -> str:
    """Return how sure the order is, how sure the sizes are, and on what that rests, in one line."""
    warnings = sum(notice.lowers_trust for notice in noted)
    rounds = len({trial.round for trial in _started(run)})
    failed = sum(trial.failure is not None for trial in _started(run))
    parts = (
        processes(run).capitalize() + (f" ({failed} failed)" if failed else ""),
        f"{rounds} of {run.planned_rounds} rounds",
        *(f"identical loops {units.percent(group.noise.relative)} apart" for group in groups[:1] if group.noise),
        "no warnings" if warnings == 0 else f"{warnings} {'warning' if warnings == 1 else 'warnings'}",
    )
    return " ".join([*wording.certainty(groups), f"{', '.join(parts)}."])


def processes(run: Run) -> str:
    """Return "complete: 30 of 30 processes" or "incomplete: 4 of 10 processes"."""
    started, planned = _started(run), 0
    for cell in run.header.plan.cells:
        trials = run.trials_of(cell)
        # A loop that failed or was decided gets no further rounds, and one that cannot run here gets none.
        decided = bool(run.header.plan.looks) and run.complete
        ended = decided or any(trial.failure is not None for trial in trials)
        planned += sum(trial in started for trial in trials) if ended else run.planned_rounds
    return f"{'complete' if run.complete else 'incomplete'}: {len(started)} of {planned} processes"


def _started(run: Run) -> list[Trial]:
    """Return the trials for which a process was started."""
    return [t for t in run.trials if t.failure is None or t.failure.kind is not FailureKind.UNAVAILABLE]


def widest_interval(groups: Sequence[Group]) -> float | None:
    """Return the largest relative half-width among the speed-ups, or among the step times where nothing is compared."""
    summaries = [cell for group in groups for cell in group.cells]
    compared = [c.speed_up.relative_half_width for c in summaries if c.speed_up is not None]
    alone = [c.step.relative_half_width for c in summaries if c.step is not None]
    return max((width for width in compared or alone if width is not None), default=None)


def _incomplete(run: Run) -> list[str]:
    if run.complete:
        return []
    run_id = wording.display_name(run.header.run_id)
    return [f"The run is {processes(run)}. Finish it with `bench run --resume {run_id}`."]


def _failed(groups: Sequence[Group]) -> list[str]:
    failed = [cell for group in groups for cell in group.cells if cell.failed_trials and not cell.never_ran]
    if not failed:
        return []
    return [
        f"Failed and not ranked: {_names(failed)}. The reason stands with each; `journal.jsonl` has the tracebacks."
    ]


def _invalid(groups: Sequence[Group]) -> list[str]:
    invalid = [cell for group in groups for cell in group.cells if cell.verdict is Verdict.INVALID]
    return [f"Invalid and not ranked: {_names(invalid)}. The reason stands with each."] if invalid else []


def _unverified(run: Run) -> list[str]:
    if run.header.plan.verify:
        return [
            f"Not verified: there is no reference for '{wording.display_name(workload)}'. {_peers(run, workload)}"
            for workload in dict.fromkeys(v.workload for v in run.verifications if v.peer is not None)
        ]
    return ["Nothing was verified (`--no-verify`): these loops may not do the same work, so their ranking may mislead."]


def _framework_wide(run: Run) -> list[str]:
    """Return how a framework differs from the reference, once for all of its loops that say the same."""
    loops: dict[tuple[str, str], list[str]] = {}
    for one in run.verifications:
        if one.framework_wide:
            cause = (one.remark or "").partition(": ")[2]
            loops.setdefault((one.workload, cause), []).append(wording.display_name(one.loop))
    return [
        f"Not the reference's numbers on '{wording.display_name(workload)}', but those of `fit()` of their framework, "
        f"and ranked: {', '.join(dict.fromkeys(names))}. The cause: {wording.display_name(cause)}."
        for (workload, cause), names in loops.items()
    ]


def _peers(run: Run, workload: str) -> str:
    """Return what stood in for the reference."""
    peers = dict.fromkeys(v.peer for v in run.verifications if v.workload == workload and v.peer and v.gaps)
    if not peers:
        return "One loop alone says nothing about the same work; measure a second one beside it."
    names = " and ".join(wording.display_name(peer) for peer in peers)
    return f"Its loops were compared with {names}, step by step: that they agree shows that they do the same, not what."


def _unavailable(groups: Sequence[Group]) -> list[str]:
    missing = [cell for group in groups for cell in group.cells if cell.failed_trials and cell.never_ran]
    return [f"Not measured here: {_names(missing)}. The reason stands with each."] if missing else []


def _baseline(run: Run, groups: Sequence[Group]) -> list[str]:
    plan = run.header.plan
    # Where sides are compared, or a group has no cell of that loop, nothing was meant to be measured against it.
    meant = {plan.group_of(cell) for cell in plan.cells if cell.loop == plan.baseline} if not plan.sides else set()
    others = sorted(
        {
            wording.display_name(group.baseline)
            for group in groups
            if plan.group_of(group.cells[0].cell) in meant and group.baseline != plan.baseline
        }
    )
    asked = wording.display_name(plan.baseline)
    if not others:
        return []
    return [f"The baseline {asked} was not measured; {' and '.join(others)} took its place."]


def _names(cells: Sequence[CellSummary]) -> str:
    """Return the loops of these cells, each once; the rest of a long list as a number."""
    names = sorted({wording.display_name(cell.cell.name) for cell in cells})
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _synthetic(run: Run) -> list[str]:
    reason = run.header.dataset.fallback
    if reason is None:
        return []
    shown = wording.display_name(reason)
    return [f"Synthetic digits stand in for MNIST: {shown}. Speed is unaffected; accuracies are not MNIST's."]


def _chosen(run: Run) -> list[str]:
    if run.header.dataset.name != "synthetic" or run.header.dataset.fallback is not None:
        return []
    return ["Trained on synthetic digits, as asked: speed is unaffected; accuracies are not MNIST's."]


def _identity(run: Run) -> list[str]:
    mixed = set()
    for cell in run.header.plan.cells:
        sources = {(t.loop_sha256, t.workload_sha256) for t in run.trials_of(cell) if t.loop_sha256 is not None}
        if len(sources) > 1:
            mixed.add(wording.display_name(cell.name))
    if not mixed:
        return []
    return [f"The source changed between rounds: {', '.join(sorted(mixed))}. Measure these again in a new run."]


def _few_rounds(run: Run) -> list[str]:
    rounds = run.planned_rounds
    if rounds >= FEW_ROUNDS:
        return []
    if rounds == 1:
        return ["One round: no interval, so no verdict. Use `--rounds 6` for one."]
    return [f"Only {rounds} rounds: the intervals are wide. Use `--rounds 6` or more to narrow them."]


def _wide_intervals(run: Run, groups: Sequence[Group]) -> list[str]:
    widest = widest_interval(groups)
    if widest is None or widest <= WIDE_INTERVAL:
        return []
    fewer = "" if all(cell.threads == 1 for cell in run.header.plan.cells) else ", `--threads 1`"
    return [f"Intervals reach {wording.width_text(widest)}. More rounds{fewer} or a quieter machine narrow them."]


def _recompiled(groups: Sequence[Group]) -> list[str]:
    found = [cell for group in groups for cell in group.cells if cell.oddities.recompiled_steps]
    if not found:
        return []
    places = []
    for cell in found[:_NAMED]:
        steps = ", ".join(units.count(step) for step in cell.oddities.recompiled_steps[:_NAMED])
        places.append(f"{wording.display_name(cell.cell.name)} from step {steps}")
    where = "; ".join(places)
    return [f"Traced or compiled again while measured: {where}. A shape or a Python value changes between steps."]


def _unsteady(groups: Sequence[Group]) -> list[str]:
    found = [cell for group in groups for cell in group.cells if cell.oddities.unsteady_rounds]
    if not found:
        return []
    count = sum(len(cell.oddities.unsteady_rounds) for cell in found)
    what = "1 process" if count == 1 else f"{count} processes"
    advice = "Look for other work on the machine, or measure longer with `--steps`."
    return [f"No steady state in {what} ({_names(found)}): the step time still moved. {advice}"]


def _odd_processes(groups: Sequence[Group]) -> list[str]:
    found = [cell for group in groups for cell in group.cells if cell.oddities.odd_rounds]
    if not found:
        return []
    where = "; ".join(
        f"{wording.display_name(cell.cell.name)} in round "
        f"{', '.join(str(number + 1) for number in cell.oddities.odd_rounds)}"
        for cell in found[:_NAMED]
    )
    far = units.percent(oddities.DISAGREEMENT)
    return [
        (
            f"More than {far} away from the other processes of the loop: {where}. "
            "They are included; something else may have run then."
        )
    ]


def _interrupted(groups: Sequence[Group]) -> list[str]:
    found = [cell for group in groups for cell in group.cells if cell.oddities.disturbed_blocks]
    if not found:
        return []
    count = sum(cell.oddities.disturbed_blocks for cell in found)
    blocks = "1 slow block" if count == 1 else f"{count} slow blocks"
    return [f"Other work took the processor away in {blocks} ({_names(found)}). Stop it or wait for it."]


def _stolen(run: Run) -> list[str]:
    rounds = [seen.round for seen in run.conditions if seen.stolen is not None and seen.stolen > STOLEN]
    if not rounds:
        return []
    share = f"over {units.percent(STOLEN)} of the processor time to other guests"
    return [f"The hypervisor gave {share} in {_rounds(rounds)}. Measure at another time, or on a machine of its own."]


def _machine_speed(run: Run) -> list[str]:
    times = [step for trial in run.calibration if (step := process.trial_step_seconds(trial)) is not None]
    if not times or max(times) <= (1.0 + oddities.DISAGREEMENT) * min(times):
        return []
    span = f"{units.milliseconds(min(times))} to {units.milliseconds(max(times))} ms per step"
    kernel = wording.display_name(run.calibration[0].cell.loop)
    advice = "Speed-ups are paired by round, so they hold; step times are a mean over it."
    return [f"The machine's own speed changed between rounds: {kernel}, measured in each, took {span}. {advice}"]


def _gpu_slowed(run: Run) -> list[str]:
    slowed: dict[tuple[int, str], list[int]] = {}
    for seen in run.conditions:
        for gpu in seen.accelerators:
            for reason in gpu.slowed_by:
                slowed.setdefault((gpu.index, reason), []).append(seen.round)
    places = [f"GPU {index} ({reason}) in {_rounds(rounds)}" for (index, reason), rounds in slowed.items()]
    if not places:
        return []
    advice = "Cool it, or lock a clock that it can hold: `nvidia-smi --lock-gpu-clocks`."
    return [f"Clocks were held down: {'; '.join(places[:_NAMED])}. {advice}"]


def _gpu_clock(run: Run) -> list[str]:
    clocks: dict[int, list[float]] = {}
    for seen in run.conditions:
        for gpu in seen.accelerators:
            clocks.setdefault(gpu.index, []).append(gpu.megahertz)
    drifted = [
        f"GPU {index} from {min(found):,.0f} to {max(found):,.0f} MHz"
        for index, found in clocks.items()
        if max(found) > (1.0 + CLOCK_DRIFT) * min(found)
    ]
    if not drifted:
        return []
    advice = "Lock it for numbers that hold: `nvidia-smi --lock-gpu-clocks`."
    return [f"The clock changed between rounds: {'; '.join(drifted[:_NAMED])}. {advice}"]


def _rounds(numbers: Sequence[int]) -> str:
    """Return "round 2" or "rounds 2, 3 and 5 more": each once, counted from 1."""
    rounds = list(dict.fromkeys(number + 1 for number in numbers))
    where = f"{'round' if len(rounds) == 1 else 'rounds'} {', '.join(map(str, rounds[:_NAMED]))}"
    return where + (f" and {len(rounds) - _NAMED} more" if len(rounds) > _NAMED else "")


def _small_batch(groups: Sequence[Group]) -> list[str]:
    sizes = set()
    for group in groups:
        steps = [cell.step.estimate for cell in group.cells if cell.step is not None]
        if group.setting.batch_size <= _SMALL_BATCH and steps and min(steps) < _SMALL_STEP:
            sizes.add(group.setting.batch_size)
    if not sizes:
        return []
    shown = " and ".join(units.count(size) for size in sorted(sizes))
    subject = f"Batch {shown} measures" if len(sizes) == 1 else f"Batches of {shown} measure"
    return [f"{subject} dispatch and Python overhead, not compute: larger batches differ less."]
