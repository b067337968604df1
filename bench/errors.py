"""Errors raised from this package; the command line turns each into one line and its exit code.

    BenchError                     exit code 2 unless noted
    ├── UsageError                 options that contradict each other or cannot be honoured
    ├── FileTrouble                a file that the system does not let us read or write; names path, reason and way out
    ├── ResultsError               a results folder that cannot be written, or is not there
    │   └── InvalidResult          a stored file with a wrong field; names file, line and field
    ├── NoDevice                   the asked-for device is not there, with what each framework sees
    ├── NothingComparable          no number is left that may be compared or exported (exit code 4)
    ├── TrialsFailed               some cells crashed, timed out or failed; the others are stored (exit code 5)
    ├── BuildFailed                the project's own build command failed for a side (exit code 5)
    └── Interrupted                Ctrl-C; everything finished is stored (exit code 130)

Problems of loops, workloads and data are `loops.errors.LoopError`.
"""

from typing import ClassVar


class BenchError(Exception):
    """Anything the harness can explain in one line."""

    exit_code: ClassVar[int] = 2
    """What the command line exits with."""


class UsageError(BenchError):
    """Options that contradict each other or cannot be honoured."""


class FileTrouble(BenchError):
    """The system does not let us read or write a file; the message names the path, its reason and the way out."""


class ResultsError(BenchError):
    """A results folder that cannot be written, or a run that is not there."""


class InvalidResult(ResultsError):
    """A stored file with a wrong field; the message names file, line and field."""


class NoDevice(BenchError):
    """The asked-for device is not there; the message lists what each framework sees."""


class NothingComparable(BenchError):
    """No number is left that may be compared or exported; the message says why."""

    exit_code: ClassVar[int] = 4


class TrialsFailed(BenchError):
    """Some cells crashed, timed out or failed; everything else is stored."""

    exit_code: ClassVar[int] = 5


class BuildFailed(BenchError):
    """The command by which a project builds itself failed for a side; its output was shown."""

    exit_code: ClassVar[int] = 5


class Interrupted(BenchError):
    """The user pressed Ctrl-C; everything that had finished is stored."""

    exit_code: ClassVar[int] = 130
