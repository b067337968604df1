"""Where the numbers come from: facts of the run, how it measured, and the commands that repeat it."""

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import units
from bench.analysis import intervals
from bench.analysis.differences import collate, device
from bench.records.stored_run import Run
from bench.records.trial import Trial
from bench.report import wording

if TYPE_CHECKING:
    from collections.abc import Mapping

_HASH_DIGITS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One line of provenance."""

    section: str
    """"Run", "Data", "Software", "Machine" or "Source"."""
    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command line and what it is for."""

    purpose: str
    line: str


READING = (
    "Each row is one way of writing the same training; only rows of one table may be ranked.",
    "`faster` and `slower`: the whole 95 % interval lies beyond a difference of {margin}.",
    "`same`: the whole interval lies within it. `unclear`: neither, and more rounds would settle it.",
    "`failed`: at least one process failed; the reason stands in the row, and its time, if any, does not count.",
    "Ranks that share a number (1=) were not told apart.",
)
"""How to read the page; `{margin}` is filled in."""


def facts(run: Run) -> tuple[Fact, ...]:
    """Return everything that could explain a difference between two runs."""
    sections: dict[str, Mapping[str, str]] = {
        "Run": _run(run),
        "Data": _data(run),
        "Software": _software(run),
        "Machine": run.header.environment | collate(run.trials, device),
        "Source": collate(run.trials, _source),
    }
    return tuple(
        Fact(section=section, name=wording.display_name(name), value=wording.display_name(value))
        for section, values in sections.items()
        for name, value in values.items()
    )


def method(run: Run) -> tuple[str, ...]:
    """Return how the numbers came about, in sentences."""
    plan = run.header.plan
    blocks = f"{plan.blocks_per_trial} blocks of about {units.duration(plan.block_seconds)}"
    if plan.steps is not None:
        blocks = f"{units.count(plan.steps)} steps in {plan.blocks_per_trial} blocks"
    order = (
        f"The loops of a round are alive together and take turns, in shuffled order (seed {plan.seed}), for {blocks}."
        if plan.schedule == "interleaved"
        else f"The loops of a round run one after the other, in shuffled order (seed {plan.seed}), for {blocks}."
    )
    kernel = plan.calibration
    apart = (
        "Once a round, {} on {} is measured as well, in blocks of its own: how fast the machine was, for comparison "
        "with other runs. It is not ranked."
    )
    up_to = "up to " if plan.looks else ""
    together = (
        "Where a run has several comparisons, Holm's procedure widens their intervals, so that they hold together."
    )
    if plan.looks:
        together = (
            f"A comparison is looked at after {', '.join(map(units.count, plan.looks))} rounds, and no more of it is "
            "measured once it is decided: its interval is so much wider that it holds at all looks (Lan and DeMets, "
            "1983), and together with those of the other loops (Bonferroni)."
        )
    return (
        f"Each loop is trained by {up_to}{run.planned_rounds} fresh processes, one per round. {order}",
        "The clock is read between blocks only, when the device is idle. First call and warm-up are kept apart.",
        "A process counts once: total time over total steps, once settled; only what the machine took is left out.",
        "The step time of a loop is the geometric mean over its processes.",
        "The speed-up is the geometric mean over rounds of baseline time / loop time.",
        f"Its {100 * intervals.CONFIDENCE:.0f} % interval is Student's t on the logarithms of these ratios.",
        together,
        "Blocks are left out where a change-point test shows that a process was still warming up.",
        f"Differences below {units.percent(plan.margin)} are too small to matter.",
        *(() if kernel is None else (apart.format(kernel.loop, kernel.workload),)),
    )


def reading(run: Run) -> tuple[str, ...]:
    """Return how to read the page, in sentences."""
    return tuple(text.format(margin=units.percent(run.header.plan.margin)) for text in READING)


def commands(run: Run, *, place: str | None = None) -> tuple[Command, ...]:
    """Return the commands that measure, check and draw this again.

    Args:
        run: As it was read back.
        place: The run's folder, where it is known by another way than its name.
    """
    stored = shlex.quote(wording.display_name(place or run.header.run_id))
    loops = " ".join(shlex.quote(wording.display_name(loop)) for loop in _loops(run))
    return (
        Command(purpose="Measure again", line=wording.display_name(run.header.command)),
        Command(purpose="Check that every loop trains alike", line=f"bench verify {loops}"),
        Command(purpose="Draw this report again from the raw data", line=f"bench report {stored}"),
    )


def _run(run: Run) -> dict[str, str]:
    """Return what was asked for and when."""
    header, plan = run.header, run.header.plan
    values = {
        "run id": header.run_id,
        "command": header.command,
        "started": header.started,
        "ended": run.end.ended if run.end else units.NOT_AVAILABLE,
        "bench": f"{header.tool_version}, schema {header.schema_version}",
        "baseline": plan.baseline,
        "rounds": units.count(plan.rounds),
        "blocks per process, at most": units.count(plan.blocks_per_trial),
        "block time": units.duration(plan.block_seconds),
        "steps per process": units.count(plan.steps) if plan.steps else "sized by time",
        "CPUs": ", ".join(str(cpu) for cpu in plan.cpus) if plan.cpus else "any",
        "schedule": plan.schedule,
        "seed": str(plan.seed),
        "timeout": units.duration(plan.timeout),
    }
    if header.label:
        values["label"] = header.label
    return values | {f"interpreter for {name}": path for name, path in sorted(plan.interpreters.items())}


def _data(run: Run) -> dict[str, str]:
    """Return which samples were trained on."""
    dataset = run.header.dataset
    return {"dataset": dataset.name, "source": dataset.source, "SHA-256": dataset.sha256} | (
        {"fallback": dataset.fallback} if dataset.fallback else {}
    )


def _software(run: Run) -> dict[str, str]:
    """Return versions and thread counts, per loop where they differ."""
    threads = collate(run.trials, lambda trial: {f"threads, {k}": str(n) for k, n in trial.threads.items()})
    return collate(run.trials, lambda trial: trial.versions) | threads


def _source(trial: Trial) -> dict[str, str]:
    """Return the shortened hashes of the files that were measured."""
    hashes = {f"loop {trial.cell.loop}": trial.loop_sha256, f"workload {trial.cell.workload}": trial.workload_sha256}
    return {name: digest[:_HASH_DIGITS] for name, digest in hashes.items() if digest is not None}


def _loops(run: Run) -> list[str]:
    """Return the loops of the plan, each once, in order."""
    return list(dict.fromkeys(cell.loop for cell in run.header.plan.cells))
