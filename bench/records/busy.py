"""Who else used the processor while something was measured, and how that is told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.text import display_name

_SEEN = 0.25
"""Cores that may be missing in what programs add up to before it is said that some cannot be seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BusyProgram:
    """A program that had nothing to do with a run and used the processor beside it."""

    name: str
    """As the system lists it; nothing of its arguments."""
    processes: int
    """Of this name."""
    cores: float
    """Processor seconds per second, all of them together."""

    @property
    def told(self) -> str:
        """Name and cores, in words."""
        many = f"{self.processes} processes, " if self.processes > 1 else ""
        return f"{display_name(self.name)} ({many}{cores_told(self.cores)})"


def busiest(programs: Iterable[BusyProgram]) -> tuple[BusyProgram, ...]:
    """Return each program where it was busiest, the busiest first."""
    found: dict[str, BusyProgram] = {}
    for program in programs:
        if program.name not in found or program.cores > found[program.name].cores:
            found[program.name] = program
    return tuple(sorted(found.values(), key=lambda program: (-program.cores, program.name)))


def told(programs: Sequence[BusyProgram], *, others: float | None = None) -> str:
    """Return who was busy, in words.

    Args:
        programs: Those that can be seen.
        others: Cores that all others used, seen or not; None where nobody knows.

    >>> told([BusyProgram(name="make", processes=2, cores=1.5)], others=1.97)
    'make (2 processes, 1.5 cores), programs that have ended or cannot be seen (0.5 cores)'
    """
    parts = [program.told for program in programs]
    rest = 0.0 if others is None else others - sum(program.cores for program in programs)
    if rest > _SEEN:
        parts.append(f"programs that have ended or cannot be seen ({cores_told(rest)})")
    return ", ".join(parts) or "no program that can be seen"


def cores_told(cores: float) -> str:
    """Return "1.0 cores"."""
    return f"{cores:.1f} cores"
