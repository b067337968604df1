"""Errors raised from this package.

LoopError                      exit code 2 unless noted
├── UnknownName                a loop or workload that does not exist; suggests the nearest
├── NothingMatches             a pattern such as "tff-*" that fits no loop; suggests the nearest
├── NothingLeft                every loop that was asked for is left out
├── InvalidSource              a user's file that is not there, is not Python or holds no loop
├── InvalidWorkload            what a user's model() or data() returned cannot be trained
├── UnsupportedCell            this loop cannot carry this workload, batch size or track
├── BackendMissing             the framework is not installed in this interpreter
├── DeviceMissing              the asked-for device is not there
├── UntrustedFolder            a cache or a secret that somebody else could have written
├── DataError
│   ├── DataNotFound           no file, or no source answers
│   └── InvalidData            the file is there and is not what it should be
└── ContractBroken             a loop that does not do what `loops.contract` asks (exit code 5)
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar, Self


class LoopError(Exception):
    """Anything that goes wrong in loops, workloads or data and has a one-line explanation."""

    exit_code: ClassVar[int] = 2
    """What the command line exits with when nobody handles the error."""


class UnknownName(LoopError):
    """A loop or workload of this name is not registered."""

    def __init__(self, kind: str, name: str, *, known: Iterable[str]) -> None:
        """Say what was asked for, what is nearest and what exists.

        Args:
            kind: "loop", "workload", ...; the word used in the message.
            name: The name that was asked for.
            known: Every name that exists.
        """
        names = sorted(known)
        nearest = get_close_matches(name, names, n=1)
        hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
        super().__init__(f"there is no {kind} '{name}'.{hint} Known: {', '.join(names)}.")


class NothingMatches(LoopError):
    """A pattern fits the name of no loop."""

    def __init__(self, pattern: str, *, near: Iterable[str]) -> None:
        """Say what was asked for, and which names are nearest.

        Args:
            pattern: As it was written.
            near: Names, best first; may be none.
        """
        names = " or ".join(f"'{name}'" for name in near)
        hint = f" Did you mean one like {names}?" if names else ""
        super().__init__(f"no loop is called like '{pattern}'.{hint} 'bench list' shows them all.")


class NothingLeft(LoopError):
    """Every loop that was asked for is left out; the message names them."""


class InvalidSource(LoopError):
    """A user's file of a loop or a workload that cannot be used; the message names the file and the way out."""

    @classmethod
    def unparsable(cls, path: str, error: SyntaxError) -> Self:
        """Return the error of a file that is not Python."""
        place = path if error.lineno is None else f"{path}, line {error.lineno}"
        return cls(f"{place}: {error.msg}; correct it and run again")


class InvalidWorkload(LoopError):
    """What a user's model or data are cannot be trained; the message names the file, the value and the way out."""


class UnsupportedCell(LoopError):
    """This loop cannot carry this workload, batch size or track."""


class BackendMissing(LoopError):
    """The framework that a loop needs is not installed in the interpreter that runs it."""


class DeviceMissing(LoopError):
    """The device that was asked for is not there, with what the framework sees instead."""


class UntrustedFolder(LoopError):
    """A cache or a secret that somebody else could have written; the message says who and the way out."""


class DataError(LoopError):
    """The training data cannot be used."""


class DataNotFound(DataError):
    """No file at the given path, or no source of the data answers."""


class InvalidData(DataError):
    """The file exists and is not a valid MNIST archive: wrong format, key, shape, dtype or label."""


class ContractBroken(LoopError):
    """A loop stopped early, skipped steps or cannot be waited for."""

    exit_code: ClassVar[int] = 5
