"""Options that several commands share, as typed groups: a command is handed one object and reads its fields.

A field's annotation carries the option that fills it, under the field's own name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Concatenate, Literal, ParamSpec, TypeVar, get_type_hints, overload

import click

from bench.cli.options import (
    Assignment,
    Percent,
    ResultFormat,
    Sizes,
    complete_loops,
    complete_workloads,
    margin_option,
    option,
    reports_option,
    result_format_option,
    results_option,
)

First = TypeVar("First")
Second = TypeVar("Second")
Rest = ParamSpec("Rest")
Returned = TypeVar("Returned")


@dataclass(frozen=True, kw_only=True)
class Choosing:
    """What is left out of the loops, however those are named."""

    exclude: Annotated[
        tuple[str, ...],
        option(
            "--exclude",
            multiple=True,
            metavar="LOOP|PATTERN",
            shell_complete=complete_loops,
            help="Leave out this loop, or those that a pattern such as 'torch-*' fits; may be repeated.",
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class Preparing(Choosing):
    """How workloads of users are made ready, of the loops that are left."""

    arrays: Annotated[
        Path | None,
        option(
            "--arrays",
            type=click.Path(path_type=Path),
            help="Of a saved model, MODEL.keras: an .npz with x, y, x_val, ...",
        ),
    ]
    data_limit: Annotated[
        int,
        option(
            "--data-limit",
            type=click.IntRange(min=1),
            default=2048,
            metavar="MIB",
            help="Most that a pipeline of yours may hold: it is drained into memory once.",
        ),
    ]
    dtype: Annotated[
        str | None,
        option(
            "--dtype",
            "dtype",
            type=click.Choice(["float32", "mixed_bfloat16", "mixed_float16", "float64"]),
            help="Keras' dtype policy for a workload of your own. [default: what the model says]",
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class Conditions(Preparing):
    """How a command measures, whatever it compares."""

    device: Annotated[
        Literal["auto", "cpu", "gpu"],
        option(
            "--device",
            type=click.Choice(["auto", "cpu", "gpu"]),
            default="auto",
            help="auto: the GPU when the frameworks see one.",
        ),
    ]
    precision: Annotated[
        float | None,
        option("--precision", type=Percent(), help="Add rounds until every interval is within ± so many per cent."),
    ]
    """A fraction."""
    time_budget: Annotated[
        float | None,
        option(
            "--time-budget",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SEC",
            help="Go on for about this long, instead of a number of rounds; a gate at most so long. "
            "[default of a gate: 600 a loop]",
        ),
    ]
    wait: Annotated[
        float,
        option(
            "--wait",
            type=click.FloatRange(min=0),
            default=30.0,
            metavar="SEC",
            help="Wait up to this long until no other program uses the processors; 0 does not look.",
        ),
    ]
    on_busy: Annotated[
        Literal["again", "count"],
        option(
            "--on-busy",
            type=click.Choice(["again", "count"]),
            default="again",
            help="A round in which others took the processor away: measured again and left out, or counted.",
        ),
    ]
    steps: Annotated[
        int | None,
        option("--steps", type=click.IntRange(min=1), help="Measured steps per process. [default: sized by time]"),
    ]
    timeout: Annotated[
        float,
        option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=300.0,
            metavar="SEC",
            help="Longest wait for one phase of one process.",
        ),
    ]
    pin: Annotated[
        bool,
        option(
            "--pin/--no-pin",
            default=True,
            help="With --threads below the number of CPUs, keep each process on as many: far less noise.",
        ),
    ]
    seed: Annotated[
        int,
        option("--seed", type=click.IntRange(min=0), default=0, help="Of initial weights, batch order and schedule."),
    ]
    dataset: Annotated[
        Literal["auto", "mnist", "synthetic"],
        option(
            "--dataset",
            type=click.Choice(["auto", "mnist", "synthetic"]),
            default="auto",
            help="auto: MNIST, or synthetic digits when it cannot be had.",
        ),
    ]
    data: Annotated[Path | None, option("--data", type=click.Path(path_type=Path), help="An mnist.npz to use.")]
    no_verify: Annotated[
        bool, option("--no-verify", is_flag=True, help="Do not check first that the loops do the same work.")
    ]


@dataclass(frozen=True, kw_only=True)
class Measuring(Conditions):
    """What is measured, how often and under which name."""

    loops: Annotated[
        tuple[str, ...], click.argument("loops", nargs=-1, metavar="[LOOP]...", shell_complete=complete_loops)
    ]
    more_loops: Annotated[
        tuple[str, ...],
        option(
            "--loop",
            "more_loops",
            multiple=True,
            metavar="LOOP",
            shell_complete=complete_loops,
            help="One more beside those LOOPs, such as a file of your own, my_loop.py; may be repeated.",
        ),
    ]
    workloads: Annotated[
        tuple[str, ...],
        option(
            "--workload",
            "workloads",
            multiple=True,
            metavar="WORKLOAD",
            shell_complete=complete_workloads,
            help="What is trained, by name or as a file of your own; may be repeated; see 'bench list workloads'. "
            "[default: mnist-mlp]",
        ),
    ]
    track: Annotated[
        Literal["matched", "guide", "pipeline"] | None,
        option(
            "--track",
            type=click.Choice(["matched", "guide", "pipeline"]),
            help="Same arrays from memory for every loop; each framework's own pipeline on raw pixels; or the pipeline "
            "that data() in a file of yours returns. "
            "[default: matched; guide with --all-guides]",
        ),
    ]
    batch_sizes: Annotated[
        tuple[int, ...] | None,
        option("--batch-size", "batch_sizes", type=Sizes(), help="Samples per step. [default: the workload's]"),
    ]
    widths: Annotated[
        tuple[int, ...] | None,
        option("--width", "widths", type=Sizes(), help="Units of each hidden layer. [default: the workload's]"),
    ]
    rounds: Annotated[
        int | None, option("--rounds", "-n", type=click.IntRange(min=1), help="Fresh processes per loop. [default: 6]")
    ]
    quick: Annotated[bool, option("--quick", is_flag=True, help="3 rounds.")]
    rigorous: Annotated[bool, option("--rigorous", is_flag=True, help="20 rounds.")]
    margin: Annotated[float, margin_option]
    """A fraction."""
    again: Annotated[
        bool, option("--aa", "again", is_flag=True, help="Measure the baseline twice, to see what noise alone does.")
    ]
    threads: Annotated[
        int | None,
        option("--threads", type=click.IntRange(min=1), help="CPU threads per process. [default: the framework's]"),
    ]
    baseline: Annotated[
        str | None,
        option(
            "--baseline",
            envvar=None,  # BENCH_BASELINE is a stored run, of `bench gate`
            metavar="LOOP",
            shell_complete=complete_loops,
            help="Compare the others with this one. [default: tf-eager or the first; plain fit() for a model of yours]",
        ),
    ]
    label: Annotated[str | None, option("--name", "label", help="Your words for this run.")]
    machine: Annotated[
        str | None,
        option(
            "--machine", metavar="NAME", help="What this machine is called, for 'bench history'. [default: what it is]"
        ),
    ]
    interpreters: Annotated[
        tuple[tuple[str, str], ...],
        option(
            "--python",
            "interpreters",
            type=Assignment(),
            multiple=True,
            help="Interpreter that has this framework.",
        ),
    ]
    """Backend and interpreter."""
    schedule: Annotated[
        Literal["interleaved", "sequential"] | None,
        option(
            "--schedule",
            type=click.Choice(["interleaved", "sequential"]),
            help="sequential: one process alive at a time, without pauses. [default: interleaved; sequential on the "
            "tracks guide and pipeline]",
        ),
    ]
    calibrate: Annotated[
        bool,
        option(
            "--calibrate/--no-calibrate",
            default=True,
            help="Measure the machine's speed in each round, for 'bench compare'; costs a few seconds a round.",
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class Running(Measuring):
    """What only loops in one environment are asked for."""

    all_guides: Annotated[
        bool,
        option("--all-guides", is_flag=True, help="Every training that the guides teach; see 'bench list guides'."),
    ]
    breakdown: Annotated[
        bool,
        option(
            "--breakdown",
            is_flag=True,
            help="Find out where the time of a step goes, in a second process beside each.",
        ),
    ]
    profile: Annotated[
        bool,
        option("--profile", is_flag=True, help="Profile each loop in the end, apart from what is ranked."),
    ]
    samples: Annotated[
        bool, option("--samples", is_flag=True, help="Have generators draw images after training, outside the clock.")
    ]
    resume: Annotated[
        str | None,
        option(
            "--resume", metavar="RUN", help="Go on with an interrupted run; with --rounds, extend one that is done."
        ),
    ]
    retry_failed: Annotated[
        bool,
        option(
            "--retry-failed",
            is_flag=True,
            help="With --resume: try again what failed, such as a process that was killed.",
        ),
    ]
    yes: Annotated[
        bool, option("--yes", is_flag=True, help="With --resume: run what the run names without being asked.")
    ]


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Where runs and their pages go."""

    no_report: Annotated[bool, option("--no-report", is_flag=True, help="Store the numbers, write no page.")]
    results_dir: Annotated[Path, results_option]
    reports_dir: Annotated[Path, reports_option]

    @property
    def reports(self) -> Path | None:
        """Where pages are written; None where none is wanted."""
        return None if self.no_report else self.reports_dir


@dataclass(frozen=True, kw_only=True)
class Output(Pages):
    """And what is printed."""

    output_format: Annotated[ResultFormat, result_format_option]


SECTIONS: Mapping[str, tuple[str, ...]] = {
    "What is measured": (
        *("loops", "more_loops", "exclude", "workloads", "all_guides", "arrays", "data_limit", "dtype"),
        *("track", "device", "batch_sizes", "widths", "dataset", "data"),
    ),
    "How much, and what counts": (
        *("rounds", "quick", "rigorous", "precision", "time_budget", "steps", "margin", "baseline", "again"),
        *("breakdown", "profile", "samples", "no_verify", "calibrate"),
    ),
    "Under which conditions": (
        *("threads", "pin", "wait", "on_busy", "schedule", "timeout", "seed", "interpreters", "label", "machine"),
    ),
    "Going on": ("resume", "retry_failed", "yes"),
    "What comes out": ("no_report", "results_dir", "reports_dir", "output_format"),
}
"""Headings of a long help page, and what stands below them, in this order."""

IN_HELP = tuple(chain.from_iterable(SECTIONS.values()))
"""The order in which a command's help lists what it takes, whichever groups they come from."""


@overload
def takes(
    first: type[First], /
) -> Callable[[Callable[Concatenate[First, Rest], Returned]], Callable[Rest, Returned]]: ...


@overload
def takes(
    first: type[First], second: type[Second], /
) -> Callable[[Callable[Concatenate[First, Second, Rest], Returned]], Callable[Rest, Returned]]: ...


def takes(*groups: type[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of groups, behind its own, and hand them over as one object each, in this order."""
    hints = [get_type_hints(group, include_extras=True) for group in groups]
    decorators = {name: hint.__metadata__[0] for of_group in hints for name, hint in of_group.items()}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def called(**values: Any) -> Any:
            made = [filled(group, values) for group in groups]
            own = {name: value for name, value in values.items() if name not in decorators}
            return command(*made, **own)

        given: Callable[..., Any] = called
        for name in sorted(decorators, key=IN_HELP.index, reverse=True):  # what is given last is listed first
            given = decorators[name](given)
        return given

    return decorate


def filled(group: type[First], values: Mapping[str, Any]) -> First:
    """Return a group made of the values that were parsed for its options, among others."""
    return group(**{name: values[name] for name in get_type_hints(group)})
