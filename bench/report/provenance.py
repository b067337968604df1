"""Where the numbers come from: facts of the run, how it measured, and the commands that repeat it."""

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import units
from bench.analysis import intervals
from bench.analysis.differences import collate, device, turn
from bench.records.machine import machine_of
from bench.records.stored_run import Run
from bench.records.trial import Trial
from bench.report import wording
from bench.text import tex

if TYPE_CHECKING:
    from collections.abc import Mapping

_HASH_DIGITS = 12
_DATE_LETTERS = len("2026-11-26")
_TITLES = {"keras": "Keras", "tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX", "numpy": "NumPy"}
"""Packages that a line has room for."""
_CUDA = "cuda"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Citation:
    """How to cite what measured, and what somebody needs who wants the same numbers."""

    text: str
    """For a list of references."""
    source: str
    """Where the numbers come from in one line, for a picture or a table that stands alone."""
    bibtex: str
    reproduce: tuple[str, ...]
    """Command, versions, machine, data: one line each."""
    sha256: str | None
    """Of the journal, which has every number; None where it is not at hand."""


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
        *([f"A turn is {turn(plan)}: after a pause, steps take longer."] if plan.run_in_seconds else []),
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
        Command(purpose="Measure again", line=wording.display_name(_command(run))),
        Command(purpose="Check that every loop trains alike", line=f"bench verify {loops}"),
        Command(purpose="Draw this report again from the raw data", line=f"bench report {stored}"),
    )


def _command(run: Run) -> str:
    """Return the command that measures the same again, with the report that whoever reads this page expects."""
    return run.header.command.replace(" --no-report", "")


def source(run: Run) -> str:
    """Return where numbers come from in one line, for a picture or a table that stands alone."""
    versions = _versions(run)
    parts = (
        f"loopbench {run.header.tool_version}",
        run.header.started[:_DATE_LETTERS],
        machine_of(run.header.environment).title,
        ", ".join(f"{_TITLES.get(name, name)} {version}" for name, version in versions.items()),
        f"run {run.header.run_id}",
    )
    return wording.display_name("; ".join(part for part in parts if part))


def citation(run: Run, *, sha256: str | None = None) -> Citation:
    """Return how to cite the tool, and what it takes to measure the same again.

    Args:
        run: As it was read back.
        sha256: Of its journal.
    """
    header = run.header
    name, version = wording.display_name(header.run_id), wording.display_name(header.tool_version)
    year = header.started[:4]
    commit = header.environment.get("git commit", "")
    tool = f"loopbench {version}" + (f", commit {commit[:_HASH_DIGITS]}" if commit else "")
    lines = (
        f"command: {_command(run)}",
        f"measured: {header.started} by {tool}",
        f"machine: {machine_of(header.environment).title}",
        f"versions: {', '.join(f'{name} {one}' for name, one in _versions(run, every=True).items())}",
        f"data: {header.dataset.name}, SHA-256 {header.dataset.sha256}",
        *(() if sha256 is None else (f"journal.jsonl: SHA-256 {sha256}",)),
    )
    return Citation(
        text=f"The loopbench authors: loopbench, version {version} ({year}). Run {name}.",
        source=source(run),
        bibtex="\n".join(
            (
                f"@software{{loopbench_{re.sub('[^0-9a-zA-Z]+', '_', version)},",
                "  author  = {{The loopbench authors}},",
                "  title   = {loopbench: which way of writing a training loop is fastest},",
                f"  version = {{{tex(version)}}},",
                f"  year    = {{{tex(year)}}},",
                f"  note    = {{Run {tex(name)}}},",
                "}",
            )
        ),
        reproduce=tuple(wording.display_name(line) for line in lines),
        sha256=sha256,
    )


def _versions(run: Run, *, every: bool = False) -> dict[str, str]:
    """Return the versions that the trials had, of all packages or of those that matter most."""
    found: dict[str, dict[str, None]] = {}
    for trial in run.trials:
        for name, version in _used(trial).items():
            if every or name in _TITLES:
                found.setdefault(name, {})[version] = None
    return {name: " and ".join(versions) for name, versions in found.items()}


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
        "turn": turn(plan),
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
    return collate(run.trials, _used) | threads


def _used(trial: Trial) -> dict[str, str]:
    """Return the versions of what a trial ran on: TensorFlow names the CUDA that it was built for on a CPU as well."""
    return {name: one for name, one in trial.versions.items() if name != _CUDA or trial.cell.device == "gpu"}


def _source(trial: Trial) -> dict[str, str]:
    """Return the shortened hashes of the files that were measured."""
    hashes = {f"loop {trial.cell.loop}": trial.loop_sha256, f"workload {trial.cell.workload}": trial.workload_sha256}
    return {name: digest[:_HASH_DIGITS] for name, digest in hashes.items() if digest is not None}


def _loops(run: Run) -> list[str]:
    """Return the loops of the plan, each once, in order."""
    return list(dict.fromkeys(cell.loop for cell in run.header.plan.cells))
