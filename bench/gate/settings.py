"""What a project asks of its gate: `[tool.bench.gate]` of pyproject.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.analysis import verdict
from bench.errors import UsageError
from loops.regular import read_regular

_LARGEST_BYTES = 4 << 20

_KEYS = {"loops", "workload", "max-slowdown", "budgets", "rounds", "threads"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a project asks of its gate."""

    loops: tuple[str, ...] = ()
    workload: str | None = None
    max_slowdown: float = verdict.MARGIN
    """Slower by more than this fails; 0.02 is 2 %."""
    budgets: Mapping[str, float] = field(default_factory=dict)
    """The same for single loops."""
    rounds: int | None = None
    threads: int | None = None

    def budget(self, loop: str) -> float:
        """Return how much slower a loop may be."""
        return self.budgets.get(loop, self.max_slowdown)


def read_settings(folder: Path) -> Settings:
    """Read `[tool.bench.gate]` of the pyproject.toml in a folder; without one, the defaults.

    Raises:
        UsageError: If the file or a value cannot be used; names file, key and value.
    """
    path = folder / "pyproject.toml"
    table = _table_of(path)
    if table is None:
        return Settings()
    where = f"{path.name}: [tool.bench.gate]"
    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise UsageError(f"{where} has no '{unknown[0]}'; it knows {', '.join(sorted(_KEYS))}")
    budgets = table.get("budgets", {})
    if not isinstance(budgets, dict):
        raise UsageError(f"{where} budgets: expected a table such as {{tf-function = 5}}, got {budgets!r}")
    loops = table.get("loops", [])
    if not (isinstance(loops, list) and all(isinstance(loop, str) for loop in loops)):
        raise UsageError(f"{where} loops: expected a list of names, got {loops!r}")
    workload = table.get("workload")
    if not isinstance(workload, str | None):
        raise UsageError(f"{where} workload: expected a name, got {workload!r}")
    return Settings(
        loops=tuple(loops),
        workload=workload,
        max_slowdown=_percent(table.get("max-slowdown", 100 * verdict.MARGIN), where=f"{where} max-slowdown"),
        budgets={loop: _percent(value, where=f"{where} budgets.{loop}") for loop, value in budgets.items()},
        rounds=_count(table.get("rounds"), where=f"{where} rounds"),
        threads=_count(table.get("threads"), where=f"{where} threads"),
    )


def _table_of(path: Path) -> dict[str, Any] | None:
    """Return `[tool.bench.gate]` of a file, empty where it has none; None where there is no file.

    Raises:
        UsageError: If it cannot be read.
    """
    try:
        table = tomllib.loads(read_regular(path, largest=_LARGEST_BYTES).decode("utf-8"))
    except FileNotFoundError:
        return None
    except RecursionError as error:
        raise UsageError(f"{path.name}: is nested too deeply to be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name}: {error}") from error
    except OSError as error:
        raise UsageError(f"{path.name}: cannot be read ({error.strerror}); mend it or move it away") from error
    for key in ("tool", "bench", "gate"):
        table = table.get(key, {})
        if not isinstance(table, dict):
            raise UsageError(f"{path.name}: {key}: expected a table, as in [tool.bench.gate], got {str(table)[:60]}")
    return table


def _percent(value: Any, *, where: str) -> float:
    """Read a number of per cent from a settings file."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 100.0:  # noqa: PLR2004
        raise UsageError(f"{where}: expected a number of per cent between 0 and 100, got {value!r}")
    return value / 100.0


def _count(value: Any, *, where: str) -> int | None:
    """Read a whole number above zero from a settings file, or nothing."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise UsageError(f"{where}: expected a whole number above zero, got {value!r}")
    return value
