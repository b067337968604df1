"""The report's tables as pandas frames of strings, and one frame of plain numbers for CSV."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from bench import units
from bench.analysis.cost_model import FITS_WITHIN
from bench.analysis.intervals import Interval
from bench.analysis.summary import CellSummary
from bench.records.tables import defused
from bench.records.verification import Verification
from bench.report.model import Change, GroupReport, Report
from bench.report.sweep import Quantity, ScalingReport


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A frame with what stands around it; the first column names the row."""

    title: str
    caption: str
    frame: "pd.DataFrame"


def loops(group: GroupReport) -> Table:
    """Return all loops of a group, fastest first."""
    reference = group.baseline_name
    columns = {
        "Rank": [row.rank for row in group.rows],
        "Loop": [row.loop for row in group.rows],
        "Verdict": [row.verdict_text for row in group.rows],
        "Speed-up": [row.speed_up for row in group.rows],
        "95 % interval": [row.interval for row in group.rows],
        "ms/step": [row.step for row in group.rows],
        "Samples/s": [row.samples_per_second for row in group.rows],
        "First step s": [row.first_step for row in group.rows],
        "Peak memory MiB": [row.peak_memory for row in group.rows],
        "Interval ±": [row.half_width for row in group.rows],
        "Processes x steps": [row.processes for row in group.rows],
    }
    if group.validates:
        columns[f"Validation {group.metric}"] = [row.validation_metric for row in group.rows]
    return Table(
        title="All loops",
        caption=f"Fastest first. The speed-up is against {reference}; ms/step is the geometric mean over processes.",
        frame=_frame(columns),
    )


def words(group: GroupReport) -> Table | None:
    """Return what to type to have each loop; None where none says so."""
    if not group.words:
        return None
    columns = {
        "Loop": [row.loop for row in group.words],
        "What it is": [row.title for row in group.words],
        "In place of plain fit()": [row.change for row in group.words],
    }
    caption = (
        "Fastest first. From a compiled Keras model that plain `fit()` trains: what to write in its place. "
        "`bench show LOOP` names the file, and a command to measure it."
    )
    return Table(title="What to type", caption=caption, frame=_frame(columns))


def start_up(group: GroupReport) -> Table:
    """Return what each loop costs before it is at speed."""
    columns = {
        "Loop": [row.loop for row in group.start_up],
        "First step s": [row.first_step for row in group.start_up],
        "Steady ms/step": [row.step for row in group.start_up],
        "Ahead of baseline": [row.pays_back for row in group.start_up],
        "Compiled": [row.compiled for row in group.start_up],
        "Warm-up s": [row.warm_up for row in group.start_up],
        "Import s": [row.imports for row in group.start_up],
        "Build s": [row.build for row in group.start_up],
        "Evaluation s": [row.evaluation for row in group.start_up],
    }
    caption = (
        "Medians over processes. The first step includes tracing and compiling. Compiled: graphs that were traced, and "
        "breaks between them, where a framework went on in Python; for JAX, programs, of which single operations are "
        "some. Import and build of a round overlap, so they are upper bounds."
    )
    return Table(title="Start-up and break-even", caption=caption, frame=_frame(columns))


def work(group: GroupReport) -> Table:
    """Return what each loop trained."""
    columns = {
        "Loop": [row.loop for row in group.work],
        "Verified": [row.verified for row in group.work],
        "Loss gap": [row.loss_gap for row in group.work],
        "Steps": [row.steps for row in group.work],
        "Samples": [row.samples for row in group.work],
        "First loss": [row.first_loss for row in group.work],
        "Last loss": [row.last_loss for row in group.work],
        **_metrics("Training", [row.training_metrics for row in group.work], only=group.metric),
        **_metrics("Validation", [row.validation_metrics for row in group.work], only=group.metric),
    }
    own = "" if group.setting.width is None else ", at the workload's own width, not at this one"
    caption = (
        f"Verified step by step against an independent float64 reference{own}; the loss gap is the largest relative "
        "one. "
        "The rest is from the timed processes, medians: blocks are sized by time, so faster loops train more steps and "
        "end at a lower loss."
    )
    return Table(title="Did every loop do the same work?", caption=caption, frame=_frame(columns))


def _metrics(when: str, rows: Sequence[Mapping[str, str]], *, only: str) -> dict[str, list[str]]:
    """Return a column for each metric that any loop has.

    Args:
        when: "Training" or "Validation".
        rows: Metrics by name.
        only: What a single one is called.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) == 1:
        return {f"{when} {only}": [row.get(names[0], units.NOT_AVAILABLE) for row in rows]}
    return {f"{when} {name}": [row.get(name, units.NOT_AVAILABLE) for row in rows] for name in names}


def memory(group: GroupReport) -> Table:
    """Return what each loop occupied."""
    columns = {
        "Loop": [row.loop for row in group.memory],
        "Peak memory MiB": [row.peak_memory for row in group.memory],
        "Device peak MiB": [row.device_peak_memory for row in group.memory],
        "Cores in use": [row.cores for row in group.memory],
    }
    caption = "Largest resident set and accelerator allocation of any process; processor time per wall time, median."
    return Table(title="Memory and processor", caption=caption, frame=_frame(columns))


def limit(group: GroupReport) -> Table | None:
    """Return how far each loop is from the least time that a step can take; None where that is not known."""
    if group.limit_formula is None:
        return None
    columns = {
        "Loop": [row.loop for row in group.limit],
        "ms/step": [row.step for row in group.limit],
        "Times the least step": [row.above for row in group.limit],
        "Share of the limit": [row.share for row in group.limit],
    }
    return Table(title="How far from the limit?", caption=group.limit_formula, frame=_frame(columns))


def breakdown(group: GroupReport) -> Table | None:
    """Return where the time of each loop's step goes; None where nobody asked."""
    if not group.breakdown:
        return None
    columns = {
        "Loop": [row.loop for row in group.breakdown],
        "ms/step": [row.step for row in group.breakdown],
        "Where it goes": [", ".join(part.text for part in row.parts) for row in group.breakdown],
        "In a sentence": [row.sentence for row in group.breakdown],
        "Alone": [row.fetching for row in group.breakdown],
        "Beside / ranked": [row.agreement for row in group.breakdown],
    }
    columns = {name: values for name, values in columns.items() if any(values)}
    caption = (
        "Milliseconds per step; the parts add up to the step that is ranked. In a second process beside each that is "
        "ranked, in turns with it, the metric was left out of the step, then the optimizer too, then the backward "
        "pass, then forward pass and loss, and in the end all of the step: a part is what that saved, as a share of "
        'the whole step in that process, and "under" says that its interval holds nothing at all. What a framework '
        "has compiled as one thing is left out as one; `bench profile` divides it. Alone: only fetching batches, and "
        "the step on the same batch again and again, where the loop itself fetches them. Beside / ranked: that whole "
        "against the step that is ranked, median over rounds; as far from 100 % as two processes of one loop are "
        "apart. With batches that are fetched ahead or steps that are queued, leaving one thing out also uncovers "
        "what it had hidden."
    )
    return Table(title="Where does the time of a step go?", caption=caption, frame=_frame(columns))


def levers(report: Report) -> Table | None:
    """Return what to change about each loop that people have; None where nothing was faster."""
    items = [(found, item) for found in report.explained.levers for item in found.items]
    if not items:
        return None
    columns = {
        "Loop": [found.loop for found, _ in items],
        "Group": [found.group for found, _ in items],
        "Change to": [item.title for _, item in items],
        "Gain": [item.gain for _, item in items],
        "What to type": [item.change for _, item in items],
        "Not when": [item.not_when for _, item in items],
    }
    if len(set(columns["Group"])) == 1:
        del columns["Group"]
    caption = "Loops of the same framework that were faster in this run, the largest gain first, with their interval."
    return Table(title="What to change", caption=caption, frame=_frame(columns))


def scaling(sweep: ScalingReport) -> Table:
    """Return time per sample at each size, and the cost model."""
    columns = {"Loop": [row.loop for row in sweep.rows]}
    for place, size in enumerate(sweep.sizes):
        columns[f"us/sample at {units.count(size)}"] = [row.samples[place] for row in sweep.rows]
    caption = "Microseconds per sample, fastest at the largest size first."
    if sweep.quantity is Quantity.BATCH:
        columns |= {
            "Fixed us/step": [row.fixed for row in sweep.rows],
            "Cost us/sample": [row.per_sample for row in sweep.rows],
            "Left-out error": [row.residual for row in sweep.rows],
        }
        caption += (
            " The cost model: a step takes the fixed cost plus the cost per sample times the batch size; 95 % intervals"
            " in brackets, from one fit for each round. It holds between the smallest and the largest size. Left-out"
            " error: the worst miss at a size that the fit was not shown; two sizes fit any line. Above"
            f" {units.percent(FITS_WITHIN)}, a model does not fit and is not given."
        )
    return Table(
        title="Time per sample and cost model" if sweep.quantity is Quantity.BATCH else "Time per sample",
        caption=caption,
        frame=_frame(columns),
    )


def failures(group: GroupReport) -> Table | None:
    """Return why loops are not ranked; None when all are."""
    failed = [row for row in group.rows if row.reason is not None]
    if not failed:
        return None
    columns = {
        "Loop": [row.loop for row in failed],
        "Verdict": [row.verdict_text for row in failed],
        "Reason": [row.reason or units.NOT_AVAILABLE for row in failed],
    }
    return Table(title="Not ranked", caption="`journal.jsonl` has the tracebacks.", frame=_frame(columns))


def change(since: Change) -> tuple[Table, Table]:
    """Return what happened to each loop since an earlier run, and what is not the same in both runs."""
    loops_table = Table(
        title=f"Change since {since.base}",
        caption=since.headline,
        frame=pd.DataFrame(list(since.rows), columns=list(since.columns), dtype=object),
    )
    differences = Table(
        title="What differs between the two runs",
        caption="",
        frame=pd.DataFrame(list(since.differences), columns=list(since.difference_columns), dtype=object),
    )
    return loops_table, differences


def provenance(report: Report) -> Table:
    """Return where the numbers come from."""
    columns = {
        "What": [f"{fact.section}: {fact.name}" for fact in report.facts],
        "Value": [fact.value for fact in report.facts],
    }
    return Table(title="Where this was measured", caption="", frame=_frame(columns))


def summary(report: Report) -> "pd.DataFrame":
    """Return one row per cell with plain numbers: seconds, bytes and ratios, nothing rounded."""
    return pd.DataFrame(list(_summary_rows(report)), dtype=object)


def to_csv(report: Report) -> str:
    """Return `summary` as CSV; what is missing reads "n/a"."""
    return defused(summary(report)).to_csv(index=False, na_rep=units.NOT_AVAILABLE, lineterminator="\n")


def _summary_rows(report: Report) -> Iterable[Mapping[str, object]]:
    """Yield one mapping per cell, all with the same keys."""
    for group in report.groups:
        said = {words.loop: words for words in group.words}
        for row, cell in zip(group.rows, group.cells, strict=True):
            words_of = said.get(row.loop)
            yield {
                "run_id": report.run_id,
                **asdict(group.setting),
                "rank": row.rank,
                "loop": row.loop,
                "baseline": group.baseline_name,
                "verdict": row.verdict,
                **_bounds("speed_up", cell.speed_up),
                **_bounds("step_seconds", cell.step),
                **_plain(cell),
                "least_step_seconds": None if group.least_step is None else group.least_step.step_seconds,
                "reason": row.reason,
                "title": None if words_of is None else words_of.title,
                "change": None if words_of is None else words_of.change,
            }


def _bounds(name: str, interval: Interval | None) -> dict[str, object]:
    """Return an estimate and its bounds under three names."""
    return {
        name: None if interval is None else interval.estimate,
        f"{name}_low": None if interval is None else interval.low,
        f"{name}_high": None if interval is None else interval.high,
    }


def _plain(cell: CellSummary) -> dict[str, object]:
    """Return the numbers that have no interval."""
    return {
        "samples_per_second": cell.samples_per_second,
        "first_step_seconds": cell.costs.first_step,
        "import_seconds": cell.costs.import_time,
        "build_seconds": cell.costs.build_time,
        "warm_up_seconds": cell.costs.warm_up_time,
        "evaluation_seconds": cell.costs.evaluation_time,
        "break_even": None if cell.break_even is None else str(cell.break_even.kind),
        "break_even_steps": None if cell.break_even is None else cell.break_even.steps,
        "break_even_steps_low": None if cell.break_even is None else cell.break_even.low,
        "break_even_steps_high": None if cell.break_even is None else cell.break_even.high,
        "peak_memory_bytes": cell.costs.peak_memory_bytes,
        "device_peak_memory_bytes": cell.costs.device_peak_memory_bytes,
        "cores_in_use": cell.costs.cores_in_use,
        "first_loss": cell.work.first_loss,
        "last_loss": cell.work.last_loss,
        "training_metric": cell.work.training_metric,
        "validation_metric": cell.work.validation_metric,
        **_several("training", cell.work.training_metrics),
        **_several("validation", cell.work.validation_metrics),
        "verified": _verified(cell.verification),
        "largest_loss_gap": None if cell.verification is None else cell.verification.largest_loss_gap,
        "steps": cell.work.steps,
        "finished_processes": cell.finished_trials,
        "failed_processes": cell.failed_trials,
        "rounds_to_settle": cell.rounds_to_settle,
    }


def _several(when: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return a column for each of several metrics; one alone has its column already."""
    return {f"{when}_metrics_{name}": value for name, value in metrics.items()} if len(metrics) > 1 else {}


def _verified(verification: Verification | None) -> bool | None:
    """Return whether a loop was found to compute what the reference does; None where there was none to compare with."""
    if verification is None or verification.failed:
        return None if verification is None else False
    return (verification.passed and verification.peer is None) or None


def _frame(columns: Mapping[str, list[str]]) -> "pd.DataFrame":
    """Return a frame of strings, also when it has no rows."""
    return pd.DataFrame(dict(columns), dtype=object)
