"""What a program asks for by keywords, said in the words of the command line, so that both mean and refuse the same.

words_of        loops and keywords -> what would be typed
of_a_program    raises what goes wrong as an error of `bench.errors`, and leaves nothing behind
measured        what would be typed, parsed and measured
handed_in       a model and arrays in memory -> a workload's file that can be typed
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import main as commands
from bench.cli import measure
from bench.cli.groups import Measuring, Running, filled
from bench.cli.options import cache_folder
from bench.errors import Interrupted, TrialsFailed, UsageError
from bench.files import make_folder
from loops import registry, user_file
from loops.drain import MOST_BYTES, is_pipeline
from loops.errors import LoopError
from loops.samples import Samples

if TYPE_CHECKING:
    from bench.records.stored_run import Run
    from bench.runs.console import Terminal
    from bench.runs.options import Options

Names = str | Path | Iterable[str | Path] | None
"""One loop or workload, or several; None leaves it to the command."""

_PAIR = 2
"""Parts of (x, y)."""
_NEGATED = {"verify": "--no-verify"}
"""Keywords that are true unless they are said to be false -> the flag that says so."""
_NEVER_SAID = (
    *("no_verify", "no_report", "reports_dir", "format", "loop", "show_values"),
    *("on", "machines", "where", "wait_for_node", "send"),
)
"""Options that a program says in another way, or has no use for."""


def words_of(command: str, *, before: Sequence[str] = (), loops: Names, options: Mapping[str, Any]) -> list[str]:
    """Return what would be typed.

    Args:
        command: "run" or "ab".
        before: What stands before the loops: the sides of "ab".
        loops: Names, files or patterns.
        options: By the names of the options, with underscores. True is a flag, a sequence several values, a mapping
            several of the form KEY=VALUE; None leaves an option alone.

    Raises:
        UsageError: If there is no such option.
    """
    known = _options(command)
    words = [command]
    for name, value in options.items():
        if value is None:
            continue
        if name in _NEGATED:
            words += [] if value else [_NEGATED[name]]
        elif name in known:
            words += _said(known[name], value)
        else:
            near = get_close_matches(name, [*known, *_NEGATED], n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise UsageError(f"bench.{command}() has no option '{name}'.{hint}")
    named = [*before, *listed(loops)]
    return [*words, *(["--"] if any(name.startswith("-") for name in named) else []), *named]


def _options(command: str) -> dict[str, click.Option]:
    """Return the options of a command by the names that a program gives them."""
    return {
        name: option
        for option in commands.main.commands[command].params
        if isinstance(option, click.Option)
        for name in [option.opts[0].removeprefix("--").replace("-", "_")]
        if name not in _NEVER_SAID
    }


def _said(option: click.Option, value: Any) -> Iterator[str]:
    """Yield the words of one option."""
    long_name = option.opts[0]
    if option.is_flag:
        yield from [long_name] if value else option.secondary_opts
    elif isinstance(value, Mapping):
        yield from (word for key, one in value.items() for word in (long_name, f"{key}={one}"))
    elif option.multiple:
        yield from (word for one in listed(value) for word in (long_name, one))
    elif isinstance(value, Iterable) and not isinstance(value, str):
        yield from (long_name, ",".join(map(str, value)))
    else:
        yield from (long_name, str(value))


def listed(names: Names) -> list[str]:
    """Return one name, or several, as a list."""
    if names is None:
        return []
    return [str(names)] if isinstance(names, str | Path) else [str(name) for name in names]


@contextmanager
def of_a_program() -> Iterator[None]:
    """Raise what goes wrong as an error of `bench.errors`, or KeyboardInterrupt, and leave nothing behind.

    Files of users are read as they are now, which a notebook edits between two runs, and forgotten afterwards.
    """
    before = os.environ.pop(registry.FILES_VARIABLE, None)
    user_file.read.cache_clear()
    registry.look_again()
    try:
        yield
    except click.ClickException as error:
        raise UsageError(error.format_message()) from error
    except LoopError as error:
        raise UsageError(str(error)) from error
    except Interrupted as error:
        raise KeyboardInterrupt(str(error)) from error
    finally:
        os.environ.pop(registry.FILES_VARIABLE, None)
        if before is not None:
            os.environ[registry.FILES_VARIABLE] = before


def measured(words: Sequence[str]) -> tuple["Run", Path]:
    """Measure what would be typed, say on stderr which loops failed, and return the run with its folder.

    Args:
        words: As `words_of` returned them.

    Raises:
        click.ClickException: If the command line would be refused.
        BenchError: As `bench.runs.session` raises them.
        Interrupted: On Ctrl-C; what had finished is stored.
    """
    from bench.runs import outcome  # noqa: PLC0415
    from bench.runs.console import console_here  # noqa: PLC0415

    command, *arguments = words
    # A command makes its option of help once, with the names that its first parent gives.
    above = click.Context(commands.main, info_name="bench", **commands.main.context_settings)
    context = commands.main.commands[command].make_context(command, arguments, parent=above)
    values = context.params
    results, console = values["results_dir"], console_here()
    yes = False
    resume: str | None = None
    if command == "run":
        running = filled(Running, values)
        with context.scope(cleanup=False):
            options = measure.options_of_run(running, results=results, command=words)
        resume, yes = running.resume, running.yes
    else:
        options = measure.options_of(filled(Measuring, values), results=results, command=words)
        options = _with_sides(options, values=values, console=console)
    run, folder = measure.measured(options, resume=resume, ask=_asker(yes=yes), console=console, inside=True)
    try:
        outcome.check(run)
    except TrialsFailed as error:
        console.notice(f"warning: {error}")
    return run, folder


def handed_in(
    model: Any,
    training: tuple[Any, Any, Any],
    validation: Any,
    *,
    batch_size: int | None,
    name: str | None,
    data_limit: int | None,
) -> Path:
    """Write a model and arrays down, and return the file of the workload that they are.

    Args:
        model: Compiled, or a function that returns one.
        training: x, y and weights, as `fit()` takes them.
        validation: (x, y) or (x, y, weights), or a pipeline; None for none.
        batch_size: As for `loops.handed_in.hand_in`.
        name: Likewise.
        data_limit: Mebibytes that a pipeline may hold; None for the usual ones.

    Raises:
        loops.errors.InvalidWorkload: If it cannot be trained, or cannot be handed to another process.
    """
    from loops.handed_in import hand_in  # noqa: PLC0415 - NumPy is loaded where it is used

    inputs, targets, weights = training
    cache = cache_folder()
    make_folder(cache)
    return hand_in(
        model,
        Samples(inputs=inputs, targets=targets, weights=weights),
        _validation(validation),
        batch_size=batch_size,
        name=name,
        cache=cache,
        most_bytes=MOST_BYTES if data_limit is None else data_limit << 20,
    )


def _validation(given: Any) -> Samples | None:
    """Return what `validation_data` of `fit()` holds.

    Raises:
        UsageError: If it is nothing of that kind.
    """
    if given is None or is_pipeline(given):
        return None if given is None else Samples(inputs=given, targets=None)
    if isinstance(given, tuple | list) and len(given) in (_PAIR, _PAIR + 1):
        x, y, weights = (*given, None)[: _PAIR + 1]
        return Samples(inputs=x, targets=y, weights=weights)
    raise UsageError("bench.measure: validation_data is neither (x, y) nor (x, y, sample_weight) nor a pipeline")


def loops_for(frameworks: Collection[str]) -> tuple[str, ...]:
    """Return the loops that can train a compiled model here, those of its own framework first."""
    from bench.runs import own_models  # noqa: PLC0415

    return own_models.of_frameworks(frameworks)


def _with_sides(options: "Options", *, values: Mapping[str, Any], console: "Terminal") -> "Options":
    """Return options with both sides made ready."""
    from bench.runs.compared import sides_of  # noqa: PLC0415

    return replace(
        options, sides=sides_of(values["sides"], show_values=False, cache=options.cache, tell=console.notice)
    )


def _asker(*, yes: bool) -> Callable[[str], None]:
    """Return what stands for a person who is asked: in a program nobody is, so the answer is given beforehand."""

    def ask(question: str) -> None:
        if not yes:
            raise UsageError(f"{question}; look at them first, then give yes=True")

    return ask
