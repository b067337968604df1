"""What a project asks of its gate: `[tool.bench.gate]` of pyproject.toml, looked for upwards.

Numbers of per cent in the file are fractions here, and paths in it are relative to it.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import msgspec

from bench.analysis import verdict
from bench.errors import UsageError
from bench.units import Seconds
from loops import registry, selection, user_file
from loops.errors import LoopError, UnknownName
from loops.regular import read_regular

FEWEST_ROUNDS = 2
"""For a variance; the command line asks for as many."""

FILE = "pyproject.toml"
POLICIES = ("on_unclear", "on_new", "on_removed", "on_faster")
_LARGEST_BYTES = 4 << 20
Policy = Literal["pass", "fail"]
Percent = Annotated[float, msgspec.Meta(gt=0.0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class _Accepted(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """An entry of `[[tool.bench.gate.accept]]`."""

    loop: str
    up_to: Percent
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    until: date | None = None
    until_commit: str | None = None


class _Gate(msgspec.Struct, rename="kebab", forbid_unknown_fields=True, frozen=True):
    """`[tool.bench.gate]`."""

    loops: tuple[str, ...] = ()
    workload: str | None = None
    max_slowdown: Percent = 100.0 * verdict.MARGIN
    budgets: dict[str, Percent] = {}
    max_memory_growth: Percent | None = None
    max_first_step_slowdown: Percent | None = None
    rounds: Annotated[int, msgspec.Meta(ge=FEWEST_ROUNDS)] | None = None
    threads: Count | None = None
    time_budget: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    anchor: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    anchor_budget: Percent | None = None
    build: str | None = None
    accept: tuple[_Accepted, ...] = ()
    on_unclear: Policy | None = None
    on_new: Policy | None = None
    on_removed: Policy | None = None
    on_faster: Policy | None = None


class _Bench(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`[tool.bench]`, which holds nothing else."""

    gate: _Gate | None = None


class _Tool(msgspec.Struct, frozen=True):
    """`[tool]`, where other tools have their tables as well."""

    bench: _Bench = _Bench()


class _Document(msgspec.Struct, frozen=True):
    """A pyproject.toml."""

    tool: _Tool = _Tool()


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """A slowdown that is known and accepted for a time."""

    loop: str
    up_to: float
    """No slowdown above this is accepted; 0.4 is 40 %."""
    reason: str
    until: date | None = None
    """The last day."""
    until_commit: str | None = None
    """It ends once the base has this commit."""

    def __str__(self) -> str:
        """Say it in one sentence."""
        ends = [str(self.until)] if self.until is not None else []
        ends += [f"the base has {self.until_commit}"] if self.until_commit is not None else []
        return f"up to {100.0 * self.up_to:g} % accepted until {' or '.join(ends)}: {self.reason}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:  # one field for each that may be written
    """What a project asks of its gate."""

    file: Path | None = None
    """Where it was read; None where there is nothing."""
    loops: tuple[str, ...] = ()
    """Names and absolute paths."""
    workload: str | None = None
    max_slowdown: float = verdict.MARGIN
    """Slower by more than this fails; 0.02 is 2 %."""
    budgets: Mapping[str, float] = field(default_factory=dict)
    """The same for single loops; by name once they are `resolved`."""
    max_memory_growth: float | None = None
    """The same for the peak memory of a process; None asks for nothing."""
    max_first_step_slowdown: float | None = None
    rounds: int | None = None
    """Most rounds."""
    threads: int | None = None
    time_budget: Seconds | None = None
    """Of all loops together; None leaves it to their number."""
    anchor: str | None = None
    """A commit, such as the last release, that is measured in the same rounds as base and head."""
    anchor_budget: float | None = None
    """How much slower than that commit a loop may be; there is one if and only if there is an anchor."""
    build: str | None = None
    """A command that makes what git does not track, run by a shell in the files of each side."""
    accept: tuple[Accepted, ...] = ()
    on_unclear: Policy | None = None
    on_new: Policy | None = None
    on_removed: Policy | None = None
    on_faster: Policy | None = None

    def budget(self, loop: str) -> float:
        """Return how much slower a loop may be."""
        return self.budgets.get(loop, self.max_slowdown)


def find(folder: Path) -> Path | None:
    """Return the nearest pyproject.toml with a table for the gate, from a folder up to the top of its repository."""
    folder = folder.resolve()
    above = list(_up_to_the_top(folder))
    for place in above if above and (above[-1] / ".git").exists() else [folder]:
        file = place / FILE
        if os.path.lexists(file) and "bench" in _tables(file):
            return file
    return None


def read_settings(folder: Path) -> Settings:
    """Read the settings that hold in a folder; without any, the defaults.

    Raises:
        UsageError: If the file or a value cannot be used; names file, key and value.
    """
    file = find(folder)
    return Settings() if file is None else read_file(file)


def read_file(file: Path) -> Settings:
    """Read the settings in a file.

    Raises:
        UsageError: If the file or a value cannot be used; names file, key and value.
    """
    tables = _tables(file)
    try:
        tool = msgspec.convert({"tool": tables}, _Document, strict=True).tool
    except msgspec.ValidationError as error:
        raise UsageError(f"{FILE}: {_explained(str(error), document={'tool': tables})}") from error
    table = tool.bench.gate or _Gate()
    for name, value in _percents(table):
        if not isfinite(value):
            raise UsageError(f"{FILE}: [tool.bench.gate] {name}: expected a number of per cent above 0, got {value}")
    if (table.anchor is None) != (table.anchor_budget is None):
        given, missing = ("anchor", "anchor-budget = 4") if table.anchor else ("anchor-budget", 'anchor = "v1.2"')
        raise UsageError(f"{FILE}: [tool.bench.gate] {given} has no effect alone; write {missing} as well")
    if table.time_budget is not None and not isfinite(table.time_budget):
        raise UsageError(f"{FILE}: [tool.bench.gate] time-budget: expected seconds, got {table.time_budget}")
    for one in table.accept:
        if one.until is None and one.until_commit is None:
            raise UsageError(
                f"{FILE}: [[tool.bench.gate.accept]] {one.loop}: say when it ends: until = 2026-12-31, or until-commit"
            )
    taken = ("rounds", "threads", "time_budget", "anchor", "build", *POLICIES)
    return Settings(
        **{name: getattr(table, name) for name in taken},
        file=file,
        workload=None if table.workload is None else _placed(table.workload, file=file),
        loops=tuple(_placed(loop, file=file) for loop in table.loops),
        max_slowdown=table.max_slowdown / 100.0,
        budgets={_placed(loop, file=file): value / 100.0 for loop, value in table.budgets.items()},
        max_memory_growth=_fraction(table.max_memory_growth),
        max_first_step_slowdown=_fraction(table.max_first_step_slowdown),
        anchor_budget=_fraction(table.anchor_budget),
        accept=tuple(
            Accepted(
                loop=_placed(one.loop, file=file),
                up_to=one.up_to / 100.0,
                reason=one.reason,
                until=one.until,
                until_commit=one.until_commit,
            )
            for one in table.accept
        ),
    )


def resolved(settings: Settings) -> Settings:
    """Return the settings with loops by name, in budgets and accepted slowdowns as well; files are registered.

    A listed file that is not there keeps its place in the list: it may be the base's alone. A pattern stands for the
    loops that it fits; where a loop has a budget under its own name as well, that one holds.

    Raises:
        UsageError: If a budget or an accepted slowdown is for a loop that there is not.
        loops.errors.LoopError: If a file cannot be used.
    """
    names: dict[str, tuple[str, ...]] = {}
    for loop in settings.loops:
        names[loop] = (loop,) if is_gone(loop) or loop == registry.EVERY else selection.meant(loop)
    known = {*registry.loop_names(), *names, *(Path(loop).stem for loop in names if is_gone(loop))}

    def names_of(written: str, *, where: str) -> tuple[str, ...]:
        if written in names or written in known:
            return names.get(written, (written,))
        try:
            return selection.meant(written) if _is_looked_up(written) else _unknown(written, known)
        except LoopError as error:
            raise UsageError(f"{FILE}: [tool.bench.gate] {where}: {error}") from error

    patterns_first = sorted(settings.budgets.items(), key=lambda budget: not selection.is_pattern(budget[0]))
    return replace(
        settings,
        loops=tuple(dict.fromkeys(name for several in names.values() for name in several)),
        budgets={name: value for loop, value in patterns_first for name in names_of(loop, where="budgets")},
        accept=tuple(replace(one, loop=name) for one in settings.accept for name in names_of(one.loop, where="accept")),
    )


def _is_looked_up(written: str) -> bool:
    """Whether what is written is no name: a file or a pattern."""
    return written.endswith(user_file.SUFFIX) or selection.is_pattern(written)


def is_gone(loop: str) -> bool:
    """Whether a loop is listed by a path where there is no file."""
    return loop.endswith(user_file.SUFFIX) and not Path(loop).exists()


def _unknown(name: str, known: Iterable[str]) -> NoReturn:
    """Refuse a name."""
    raise UnknownName("loop", name, known=known)


def _up_to_the_top(folder: Path) -> Iterator[Path]:
    """Yield a folder and those above it, up to the top of a repository or of the file system."""
    for place in (folder, *folder.parents):
        yield place
        if (place / ".git").exists():
            return


def _tables(file: Path) -> dict[str, Any]:
    """Return the tables of a pyproject.toml that are ours, or might be meant to be.

    Raises:
        UsageError: If it is no TOML or cannot be read.
    """
    try:
        tool = tomllib.loads(read_regular(file, largest=_LARGEST_BYTES).decode("utf-8")).get("tool", {})
    except RecursionError as error:
        raise UsageError(f"{FILE}: is nested too deeply to be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{FILE}: {error}") from error
    except OSError as error:
        raise UsageError(f"{FILE}: cannot be read ({error.strerror}); mend it or move it away") from error
    if not isinstance(tool, dict):
        raise UsageError(f"{FILE}: tool: expected a table, got {tool!r}")
    if "gate" in _table(tool.get("loopbench")):
        raise UsageError(f"{FILE}: [tool.loopbench.gate] is not read; write [tool.bench.gate]")
    return {"bench": tool["bench"]} if "bench" in tool else {}


def _table(value: Any) -> dict[str, Any]:
    """Return what should be a table, an empty one if it is none."""
    return value if isinstance(value, dict) else {}


def _explained(said: str, *, document: Mapping[str, Any]) -> str:
    """Return what msgspec found wrong in the words of the file: the table, the key, and what it should be."""
    problem, _, path = said.partition(" - at `$")
    keys = path.removesuffix("`").removeprefix(".").split(".")
    unknown = re.search(r"unknown field `(.*)`", problem)
    if unknown is not None:
        # The longest table comes first: an entry of `accept` has another one's keys.
        tables: dict[str, type[msgspec.Struct]] = {"accept": _Accepted, "gate": _Gate, "bench": _Bench}
        table = next(one for name, one in tables.items() if any(key.startswith(name) for key in keys))
        allowed = [found.encode_name for found in msgspec.structs.fields(table)]
        nearest = get_close_matches(unknown[1], allowed, n=1)
        hint = f". Did you mean '{nearest[0]}'?" if nearest else ";"
        return f"[{'.'.join(keys)}] has no '{unknown[1]}'{hint} It knows {', '.join(sorted(allowed))}"
    value: Any = document
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    got = "" if value is None else f" (it is {value!r})"
    where = f"[tool.bench.gate] {'.'.join(keys[3:])}" if keys[:3] == ["tool", "bench", "gate"] else ".".join(keys)
    return f"{where.strip()}: {problem[:1].lower()}{problem[1:]}{got}"


def _percents(table: _Gate) -> Iterator[tuple[str, float]]:
    """Yield every number of per cent with its key."""
    yield "max-slowdown", table.max_slowdown
    for loop, value in table.budgets.items():
        yield f"budgets.{loop}", value
    for one in table.accept:
        yield f"accept of {one.loop}", one.up_to
    for name in ("max_memory_growth", "max_first_step_slowdown", "anchor_budget"):
        value = getattr(table, name)
        if value is not None:
            yield name.replace("_", "-"), value


def _fraction(percent: float | None) -> float | None:
    """Return a number of per cent as a fraction."""
    return None if percent is None else percent / 100.0


def _placed(name: str, *, file: Path) -> str:
    """Return a loop or a workload as it is written, a path as an absolute one."""
    return str((file.parent / name).resolve()) if name.endswith(user_file.SUFFIX) else name
