"""One `bench gate`, settings to verdict: measure base and head together, confirm what is suspected, write it down."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bench import redaction, report
from bench.errors import NothingComparable
from bench.files import explained, make_folder, write_whole
from bench.gate import judge
from bench.gate.result import BASE, HEAD, Finding, GateResult
from bench.gate.settings import Settings
from bench.gate.text import to_json, to_markdown
from bench.records import journal
from bench.records.stored_run import Run
from bench.runs import options as run_options
from bench.runs import session
from bench.runs.endings import all_stored
from bench.sides import recipe
from loops import registry

THREADS = 1
"""Threads are most of the noise, and at small batches one is no slower."""

ROUNDS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `bench gate` was asked for."""

    settings: Settings
    base: str
    """A side as `bench.sides.recipe.parse` takes it, such as "ref=main"."""
    head: str
    baseline: str | None
    """A stored run to compare with, in place of both sides."""
    measuring: run_options.Options
    """Everything else about the run; sides are set here."""
    fail_on_unclear: bool
    verdict_file: Path
    reports: Path | None
    """Where the page goes; None writes none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated:
    """What a gate came to."""

    result: GateResult
    page: Path | None


class Execute(Protocol):
    """Measures a run to its end."""

    def __call__(
        self, measuring: run_options.Options, /, *, console: run_options.Console, environment: Mapping[str, str]
    ) -> tuple[Run, Path]:
        """Return what was stored, and the folder that it was stored in."""


def measure_now(
    measuring: run_options.Options, /, *, console: run_options.Console, environment: Mapping[str, str]
) -> tuple[Run, Path]:
    """Start a run on this machine and measure it to its end."""
    opened = session.start(measuring, console=console, environment=environment)
    return session.execute(opened, console=console, environment=environment), opened.journal.folder


def check(
    options: Options,
    *,
    console: run_options.Console,
    environment: Mapping[str, str],
    folder: Path,
    execute: Execute = measure_now,
) -> Gated:
    """Measure both sides, measure suspects again, and write the verdict.

    Args:
        options: What was asked for.
        console: For notices and progress.
        environment: The parent's.
        folder: The project that is gated; `ref=` means its repository.
        execute: Measures the runs.

    Raises:
        BenchError: As `bench.runs.session.execute` does, or if a side cannot be made ready.
    """
    # By name from here on: a user's file is a name like any other once it is registered.
    loops = tuple(registry.named("loop", name) for name in options.measuring.loops)
    asked = options.settings
    measuring = replace(options.measuring, loops=loops, margin=asked.max_slowdown, margins=asked.budgets)
    options = replace(options, measuring=measuring)
    find = _against_stored if options.baseline else _side_by_side
    measure = find(options, console=console, environment=environment, folder=folder, execute=execute)
    first, page = measure(options.measuring)
    confirmation = None
    if first.suspects:
        console.notice(f"suspected, or too noisy to tell: {', '.join(first.suspects)}; measuring again")
        # Another seed, so that nothing about the order of blocks is repeated; the loops were checked a moment ago.
        again = replace(options.measuring, again=False, verify=False, seed=options.measuring.seed + 1)
        confirmation, _ = measure(again, first.suspects)
    result = judge.judge(first, confirmation=confirmation, fail_on_unclear=options.fail_on_unclear)
    _write(result, file=options.verdict_file, environment=environment)
    return Gated(result=result, page=page)


Measured = tuple[Finding, Path | None]


class Measure(Protocol):
    """Measures head against base."""

    def __call__(self, measuring: run_options.Options, suspects: tuple[str, ...] = (), /) -> Measured:
        """Return what was found: of the suspects, or of all loops when there are none yet."""


def _side_by_side(
    options: Options, *, console: run_options.Console, environment: Mapping[str, str], folder: Path, execute: Execute
) -> Measure:
    """Make both sides ready, and return what measures them in the same rounds."""
    place = recipe.Place(folder=folder, cache=options.measuring.cache, environment=environment)
    prepared = tuple(
        recipe.prepare(recipe.parse(text, name=name), place=place, tell=console.notice)
        for name, text in ((BASE, options.base), (HEAD, options.head))
    )

    def measure(measuring: run_options.Options, suspects: tuple[str, ...] = ()) -> Measured:
        these = replace(measuring, sides=prepared, loops=suspects or measuring.loops)
        stored, where = execute(these, console=console, environment=environment)
        page = _page(stored, folder=where, reports=options.reports)
        return judge.of_sides(stored), page

    return measure


def _against_stored(
    options: Options, *, console: run_options.Console, environment: Mapping[str, str], folder: Path, execute: Execute
) -> Measure:
    """Find the stored run, and return what measures its loops here."""
    base = journal.load(journal.find(options.measuring.results, options.baseline))
    cells = base.header.plan.cells
    registry.register(_files_of(base, folder=folder, console=console))
    wanted = options.measuring.loops
    stored_loops = tuple(dict.fromkeys(cell.loop for cell in cells))
    asked = stored_loops if not wanted or "all" in wanted else wanted
    # A loop that the stored run has and this tree has not cannot be measured; the comparison says that it is gone.
    here = tuple(loop for loop in asked if loop in registry.loop_names() or loop not in stored_loops)
    if not here:
        raise NothingComparable(f"no loop of {options.baseline} is left: {', '.join(asked)}")

    def measure(measuring: run_options.Options, suspects: tuple[str, ...] = ()) -> Measured:
        these = replace(measuring, loops=suspects or here)
        stored, where = execute(these, console=console, environment=environment)
        page = _page(stored, folder=where, reports=options.reports)
        kept = tuple(cell for cell in cells if cell.loop in (suspects or asked))
        only = replace(base, header=replace(base.header, plan=replace(base.header.plan, cells=kept)))
        return judge.of_stored(only, stored, settings=options.settings), page

    return measure


def _page(stored: Run, *, folder: Path, reports: Path | None) -> Path | None:
    """Write the page of a run, if one is wanted."""
    if reports is None:
        return None
    with all_stored(folder):
        return report.write(stored, folder=reports / folder.name, results_folder=folder)


def _files_of(base: Run, *, folder: Path, console: run_options.Console) -> list[str]:
    """Return the files of loops and workloads that a baseline names and that are run: those of this project only."""
    there = [path for path in map(redaction.at_home, base.header.plan.files) if Path(path).exists()]
    own = [path for path in there if Path(path).resolve().is_relative_to(folder.resolve())]
    for path in there:
        if path in own:
            console.notice(f"the baseline names {path}, which is run as it is here")
        else:
            console.notice(f"warning: the baseline names {path}, which lies outside {folder} and is not run")
    return own


def _write(result: GateResult, *, file: Path, environment: Mapping[str, str]) -> None:
    """Write the verdict, and the summary where GitHub says that it wants one."""
    make_folder(file.parent)
    write_whole(file, to_json(result).encode())
    summary = environment.get("GITHUB_STEP_SUMMARY")
    if summary:
        with explained(summary), Path(summary).open("a", encoding="utf-8") as page:
            page.write(to_markdown(result) + os.linesep)
