"""Single options that commands share, their types, and what a shell completes; whole groups are in `groups`."""

import os
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from math import isinf
from pathlib import Path
from typing import Any, Literal, TypeVar

import click
from click.shell_completion import CompletionItem

from bench.files import sweep_unfinished
from loops.seal import own

Command = TypeVar("Command", bound=Callable[..., Any])
Format = Literal["table", "json", "csv", "md"]
ResultFormat = Literal["table", "json", "csv", "md", "latex"]
ROUNDS = {"quick": 3, "default": 6, "rigorous": 20}


def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """Return a click option that can be set as `BENCH_<NAME>` too and shows its default."""
    long_name = next(name for name in names if name.startswith("--")).partition("/")[0]
    variable = "BENCH_" + long_name.removeprefix("--").replace("-", "_").upper()
    settings.setdefault("envvar", variable)
    settings.setdefault("show_default", True)
    return click.option(*names, **settings)


def cache_folder() -> Path:
    """Return where decoded data, commits, environments and earlier verifications are kept.

    Raises:
        loops.errors.UntrustedFolder: If somebody else could have written to it.
    """
    folder = own(named_cache_folder())
    for place in (folder / "refs", folder / "installed"):
        sweep_unfinished(place)
    return folder


def named_cache_folder() -> Path:
    """Return the same, whoever may have written to it."""
    import platformdirs  # noqa: PLC0415

    return Path(os.environ.get("BENCH_CACHE_DIR") or platformdirs.user_cache_dir("loopbench"))


def results_option(command: Command) -> Command:
    """Add `--results-dir`."""
    folder = click.Path(path_type=Path, file_okay=False)
    return option("--results-dir", type=folder, default="results", help="Where runs are stored.")(command)


def reports_option(command: Command) -> Command:
    """Add `--reports-dir`."""
    folder = click.Path(path_type=Path, file_okay=False)
    return option("--reports-dir", type=folder, default="reports", help="Where pages are written.")(command)


class Sizes(click.ParamType[tuple[int, ...]]):
    """Whole numbers above zero, separated by commas."""

    name = "N[,N...]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse "32,256"."""
        if isinstance(value, tuple):
            return value
        try:
            sizes = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"'{value}' is not a list of whole numbers such as 32,256", param, ctx)
        if min(sizes) < 1:
            self.fail(f"{min(sizes)} is not above 0", param, ctx)
        return tuple(dict.fromkeys(sizes))


class Percent(click.ParamType[float]):
    """A number of per cent above 0 and below a bound, kept as a fraction."""

    name = "PCT"

    def __init__(self, *, most: float = 100.0) -> None:
        """Refuse what is not below this, in per cent."""
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse "2" or "2%"; a fraction is a default and stays as it is."""
        if isinstance(value, float):
            return value
        try:
            percent = float(str(value).removesuffix("%"))
        except ValueError:
            self.fail(f"'{value}' is not a number of per cent such as 2 or 0.5", param, ctx)
        if not 0.0 < percent < self._most:
            allowed = "above 0 per cent" if isinf(self._most) else f"between 0 and {self._most:g} per cent"
            self.fail(f"{value} is not {allowed}", param, ctx)
        return percent / 100.0


class Assignment(click.ParamType[tuple[str, str]]):
    """BACKEND=INTERPRETER."""

    name = "BACKEND=INTERPRETER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split at the first equals sign."""
        key, equals, assigned = str(value).partition("=")
        if not (key and equals and assigned):
            self.fail(f"'{value}' is not of the form torch=/path/to/python", param, ctx)
        return key, assigned


def format_option(command: Command) -> Command:
    """Add `--format`."""
    choice = click.Choice(["table", "json", "csv", "md"])
    return option("--format", "output_format", type=choice, default="table", help="What is printed on stdout.")(command)


def result_format_option(command: Command) -> Command:
    """Add `--format` where tables of results are printed, which papers show."""
    choice = click.Choice(["table", "json", "csv", "md", "latex"])
    said = "What is printed on stdout; latex: tables with booktabs and siunitx."
    return option("--format", "output_format", type=choice, default="table", help=said)(command)


def margin_option(command: Command) -> Command:
    """Add `--margin`."""
    said = "Smallest difference in per cent that matters."
    return option("--margin", type=Percent(), default=0.02, show_default="2", help=said)(command)


def complete_loops(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer loop names to the shell, files where no name fits."""
    from loops import registry, selection  # noqa: PLC0415 - only when the shell asks

    del ctx, param
    if selection.is_pattern(incomplete):  # what it stands for
        return [CompletionItem(name) for name in registry.loop_names() if fnmatchcase(name, incomplete)]
    return _offered([registry.EVERY, *registry.loop_names()], incomplete=incomplete)


def complete_sides(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the ways to write an environment to the shell."""
    del ctx, param
    return [form for form in ["here", "env=", "ref=", "pip=", "python="] if form.startswith(incomplete)]


def complete_workloads(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer workload names to the shell, files where no name fits."""
    from loops import registry  # noqa: PLC0415 - only when the shell asks

    del ctx, param
    return _offered(registry.workload_names(), incomplete=incomplete)


def _offered(names: Iterable[str], *, incomplete: str) -> list[CompletionItem]:
    """Return the names that begin so, or have the shell offer files."""
    fitting = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return fitting or [CompletionItem(incomplete, type="file")]


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of stored runs to the shell, folders where no name fits."""
    from bench.records import journal  # noqa: PLC0415

    del param
    stored = [folder.name for folder in journal.runs(Path(ctx.params.get("results_dir") or "results"))]
    names = [CompletionItem(name) for name in stored if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="dir")]


def rounds_of(rounds: int | None, *, quick: bool, rigorous: bool) -> int:
    """Return how many rounds were asked for, in whichever way."""
    if (rounds is not None) + quick + rigorous > 1:
        raise click.UsageError("--rounds, --quick and --rigorous say the same thing; give one of them")
    return rounds or ROUNDS["quick" if quick else "rigorous" if rigorous else "default"]
