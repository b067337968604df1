"""One `bench gate`, settings to verdict: measure base and head together, confirm what is suspected, write it down."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench import gate, report, run, sides, store
from bench.errors import ResultsError
from bench.gate import BASE, HEAD, GateResult, Settings
from bench.records import Run

THREADS = 1
"""Threads are most of the noise, and at small batches one is no slower."""

ROUNDS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `bench gate` was asked for."""

    settings: Settings
    base: str
    """A side as `bench.sides.parse` takes it, such as "ref=main"."""
    head: str
    measuring: run.Options
    """Everything else about the run; sides and repetition are set here."""
    fail_on_unclear: bool
    verdict_file: Path
    reports: Path | None
    """Where the page goes; None writes none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated:
    """What a gate came to."""

    result: GateResult
    page: Path | None


def check(options: Options, *, console: run.Console, environment: Mapping[str, str], folder: Path) -> Gated:
    """Measure both sides, measure suspects again, and write the verdict.

    Args:
        options: What was asked for.
        console: For notices and progress.
        environment: The parent's.
        folder: The project that is gated; `ref=` means its repository.

    Raises:
        BenchError: As `bench.run.execute` does, or if a side cannot be made ready.
    """
    place = sides.Place(folder=folder, cache=options.measuring.cache, environment=environment)
    texts = ((BASE, options.base), (HEAD, options.head))
    prepared = tuple(
        sides.prepare(sides.parse(text, name=name), place=place, tell=console.notice) for name, text in texts
    )
    measuring = replace(options.measuring, sides=prepared, again=True)
    first, page = _measure(measuring, options=options, console=console, environment=environment)
    suspected = gate.suspects(first, settings=options.settings)
    confirmation = None
    if suspected:
        console.notice(f"suspected: {', '.join(suspected)}; measuring again to confirm")
        # Another seed, so that nothing about the order of blocks is repeated.
        again = replace(measuring, loops=suspected, again=False, seed=measuring.seed + 1)
        confirmation, _ = _measure(again, options=options, console=console, environment=environment)
    result = gate.judge(
        first, settings=options.settings, confirmation=confirmation, fail_on_unclear=options.fail_on_unclear
    )
    _write(result, file=options.verdict_file, environment=environment)
    return Gated(result=result, page=page)


def _measure(
    measuring: run.Options, *, options: Options, console: run.Console, environment: Mapping[str, str]
) -> tuple[Run, Path | None]:
    """Measure one run, store it, and write its page."""
    opened = run.start(measuring, console=console, environment=environment)
    stored = run.execute(opened, console=console, environment=environment)
    if options.reports is None:
        return stored, None
    folder = opened.journal.folder
    return stored, report.write(stored, folder=options.reports / folder.name, results_folder=folder)


def _write(result: GateResult, *, file: Path, environment: Mapping[str, str]) -> None:
    """Write the verdict, and the summary where GitHub says that it wants one."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        store.replace(file, gate.to_json(result).encode())
        summary = environment.get("GITHUB_STEP_SUMMARY")
        if summary:
            with Path(summary).open("a", encoding="utf-8") as page:
                page.write(gate.to_markdown(result) + os.linesep)
    except OSError as error:
        raise ResultsError(f"{error.filename}: cannot write the verdict ({error.strerror})") from error
