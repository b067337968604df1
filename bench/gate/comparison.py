"""What a gate is asked for, where it runs, and what there is to measure and to compare."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.analysis import sequential
from bench.errors import UsageError
from bench.files import SOURCE_TREE
from bench.gate import as_stored, stored, told_page
from bench.gate.policy import Policies
from bench.gate.result import Finding, LoopVerdict
from bench.gate.settings import Settings
from bench.machine import passport
from bench.records.cell import Side
from bench.records.stored_run import Run
from bench.runs import consent, session
from bench.runs import options as run_options
from bench.units import Seconds
from loops.data import mnist

THREADS = 1
"""Threads are most of the noise, and at small batches one is no slower."""

ROUNDS = 6
"""Against a stored run."""
MOST_ROUNDS = sequential.LOOKS[-1]

PATIENCE: Seconds = 600.0
"""How long a gate measures at most for each of its loops, where nobody says otherwise."""

RESUME = "bench gate --resume"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `bench gate` was asked for."""

    settings: Settings
    base: str
    """A side as `bench.sides.recipe.parse` takes it, such as "ref=main"."""
    head: str
    from_merge_base: bool
    """Whether the base is the commit where this branch left the one that `base` names."""
    baseline: str | None
    """A stored run to compare with, in place of both sides."""
    resume: str | None
    """An interrupted gate's run to go on with."""
    measuring: run_options.Options
    """Everything else about the run; sides are set here. Without loops, those of the settings are meant."""
    policies: Policies
    reports: Path | None
    """Where the page goes; None writes none."""
    most_rounds: int = MOST_ROUNDS
    """Of sides that are looked at until they are decided."""
    outputs: tuple[Path, ...] = ()
    """Files and folders that a gate writes: no change of the working tree."""


class Execute(Protocol):
    """Measures a run to its end, or what is missing of one."""

    def __call__(
        self,
        measuring: run_options.Options,
        /,
        *,
        console: run_options.Console,
        environment: Mapping[str, str],
        resume: str | None = None,
    ) -> tuple[Run, Path]:
        """Return what was stored, and the folder that it was stored in."""


def consent_refused(question: str) -> None:
    """Refuse what nobody can be asked.

    Raises:
        UsageError: Always.
    """
    raise UsageError(f"{question}; --yes goes on all the same")


def measure_now(
    measuring: run_options.Options,
    /,
    *,
    console: run_options.Console,
    environment: Mapping[str, str],
    resume: str | None = None,
    ask: consent.Ask = consent_refused,
) -> tuple[Run, Path]:
    """Measure a run on this machine to its end: a new one, or an interrupted one."""
    if resume is None:
        opened = session.start(measuring, console=console, environment=environment)
    else:
        opened = session.resume(resume, options=measuring, console=console, environment=environment, ask=ask)
    run = session.execute(opened, console=console, environment=environment, resume_with=RESUME)
    return run, opened.journal.folder


class Admit(Protocol):
    """Refuses a baseline that nothing measured here could be compared with."""

    def __call__(self, base: Run, /, *, measuring: run_options.Options, environment: Mapping[str, str]) -> None:
        """Raise `NothingComparable` if machine or data are others."""


def admit_here(base: Run, /, *, measuring: run_options.Options, environment: Mapping[str, str]) -> None:
    """Refuse a baseline that nothing measured here could be compared with.

    Raises:
        NothingComparable: If machine or data are others.
    """
    found = (
        None
        if as_stored.brings_its_own(base)
        else mnist.resolve(measuring.dataset, file=measuring.data, cache=measuring.cache)
    )
    stored.admit(
        base,
        environment=passport.passport(environment=environment, source_tree=SOURCE_TREE),
        data_sha256=None if found is None else found.sha256,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """Where a gate runs."""

    console: run_options.Console
    """For notices and progress."""
    environment: Mapping[str, str]
    """The parent's."""
    folder: Path
    """The project that is gated; `ref=` means its repository."""
    execute: Execute = field(default=measure_now)
    """Measures the runs."""
    admit: Admit = field(default=admit_here)
    """Looks at a baseline before that."""


Measured = tuple[Finding, told_page.Stored]


class Measure(Protocol):
    """Measures head against base."""

    def __call__(self, measuring: run_options.Options, suspects: tuple[str, ...] = (), /) -> Measured:
        """Return what was found: of the suspects, or of all loops when there are none yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What is to be measured, and what is known already."""

    measure: Measure | None
    """None where there is nothing to measure."""
    in_fresh_rounds: bool
    """Whether what is suspected is measured again; sides are looked at until they are decided."""
    base: str
    head: str
    removed: tuple[LoopVerdict, ...] = ()
    same: str | None = None
    base_commit: str | None = None
    anchor: Side | None = None


def measure_one(measuring: run_options.Options, *, around: Surroundings, resume: str | None) -> told_page.Stored:
    """Measure one run, or what is missing of it, and store it."""
    return around.execute(measuring, console=around.console, environment=around.environment, resume=resume)
