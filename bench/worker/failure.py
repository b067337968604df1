"""What ends a process, sorted and in one line, for the harness."""

import ast
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import final

from bench.records.trial import FailureKind
from bench.worker import origin
from bench.worker.messages import Failed, UnexpectedMessage
from bench.worker.wire import Channel, ChannelClosed
from loops.errors import BackendMissing, ContractBroken, DeviceMissing, UnsupportedCell

FRAMEWORKS = {"tensorflow", "torch", "jax"}

FILES_VARIABLE = "BENCH_FILES"
"""As in `loops.registry`; written out, because the loops of an older commit may know no such files."""


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""What makes a terminal write bold, which Keras puts into its messages."""


class NotFinite(Exception):
    """The loss became NaN or infinite."""


class NotRepeatable(UnsupportedCell):
    """Nothing can be held against this model, in whatever framework: it is another one each time."""


@final
class Progress:
    """How far the process is, for the report of its failure."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self.phase = "start"


def report_failures(channel: Channel) -> Progress:
    """Send whatever ends this process to the harness, through `sys.excepthook`: the one place that sees everything."""
    progress = Progress()

    def report(error_type: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(error_type, error, trace)
        if issubclass(error_type, ChannelClosed):
            return
        lacking, foreign = origin.lacking(error), _foreign(error)
        kind = FailureKind.OUTSIDE_COMMIT if lacking else _failure_kind(error_type)
        said = told(_cause_of(error) if kind is FailureKind.RAISED else error)
        message = f"{said}: {lacking}" if lacking else said
        if kind is FailureKind.RAISED and foreign is not None:
            kind, message = FailureKind.UNAVAILABLE, f"{message}: {foreign}"
        channel.send(
            Failed(
                failure=kind,
                phase=progress.phase,
                message=message,
                traceback="".join(traceback.format_exception(error_type, error, trace)),
            )
        )

    sys.excepthook = report
    return progress


def told(error: BaseException) -> str:
    """Return an exception in one line, with the last place in a user's file that led to it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    # TensorFlow rewrites what is raised in a graph: a traceback in words, and what was raised at its end.
    first = lines[-1] if lines[0] == "in user code:" else _line_of_the_cause(lines)
    named = first if first.startswith(f"{type(error).__name__}: ") else f"{type(error).__name__}: {first}"
    place = _place(error)
    return named.removesuffix(": ") + (f" ({place})" if place else "")


def _cause_of(error: BaseException) -> BaseException:
    """Return what was raised in a user's file, where nothing about the error itself leads there.

    Keras cannot raise each class of exception again with its own words added, and JAX's are such: what comes out then
    is an `AttributeError` of Keras' doing, or that a model could not be built.
    """
    return next((one for one in _chain(error) if _nearest(one) is not None), error)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and, back to the first, what was being handled as each was raised, be it hidden or not."""
    before: BaseException | None = error
    while before is not None:
        yield before
        before = before.__cause__ or before.__context__


def _line_of_the_cause(lines: list[str]) -> str:
    """Return the line that says what is wrong; Keras puts one before it that says in which layer, and more after it.

    >>> _line_of_the_cause(["Exception encountered when calling Dense.call().", "no match", "Arguments received by"])
    'in Dense.call(): no match'
    >>> _line_of_the_cause(["Graph execution error:", "Detected at", "17 is not in [0, 10)", "[[{{node a}}]]"])
    '17 is not in [0, 10)'
    """
    if lines[0] == "Graph execution error:":  # of TensorFlow: a traceback, what was raised, and at which node
        node = next((number for number, line in enumerate(lines) if line.startswith("[[{{node")), len(lines))
        return lines[node - 1]
    beginning = "Exception encountered when calling "
    if not lines[0].startswith(beginning) or len(lines) == 1:
        return lines[0]
    layer = lines[0].removeprefix(beginning).removesuffix(".")
    said = [_COLOURS.sub("", line) for line in lines[1:]]
    end = next((number for number, line in enumerate(said) if line.startswith("Arguments received by")), len(said))
    return f"in {layer}: {' '.join(said[:end])}" if end else lines[0]


def _foreign(error: BaseException) -> str | None:
    """Return that a user's file calls another framework than the one of this process, which raised the error.

    A file that only imports it, for its data say, may be wrong by itself.
    """
    here, nearest = os.environ.get("KERAS_BACKEND"), _nearest(_cause_of(error))
    if here not in FRAMEWORKS or nearest is None:
        return None
    imported = imported_by(Path(nearest[0])) & FRAMEWORKS
    called = imported & (_raised_in(error) | _named_in(error))
    if not called or here in imported:
        return None
    return f"the file calls {' and '.join(sorted(called))} itself, which has no use for tensors of {here}"


def _raised_in(error: BaseException) -> set[str]:
    """Return the packages whose frames an error and those before it went through, and that of its class."""
    found: set[str] = set()
    for one in _chain(error):
        found.add(type(one).__module__.partition(".")[0])
        found.update(*(Path(frame.filename).parts for frame in traceback.extract_tb(one.__traceback__)))
    return found


def _named_in(error: BaseException) -> set[str]:
    """Return the packages of what methods of a user's file name that led to an error: TensorFlow hides its own frames.

    Of methods, as a model's training step is one: a function that makes data may be wrong by itself.
    """
    files = json.loads(os.environ.get(FILES_VARIABLE, "[]"))
    frames = [frame for one in _chain(error) for frame, _ in traceback.walk_tb(one.__traceback__)]
    meant = [
        (frame.f_globals | frame.f_locals).get(name)
        for frame in frames
        if frame.f_code.co_filename in files and "self" in frame.f_locals
        for name in frame.f_code.co_names
    ]
    # A module has a name, what it defines says where that is.
    return {str(getattr(one, "__module__", None) or getattr(one, "__name__", "")).partition(".")[0] for one in meant}


def imported_by(path: Path) -> set[str]:
    """Return the packages that a file imports anywhere; nothing of one that cannot be read."""
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (OSError, SyntaxError, ValueError):
        return set()
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {module.partition(".")[0] for module in modules}


def _place(error: BaseException) -> str | None:
    """Return "my_loop.py, line 12"."""
    nearest = _nearest(error)
    return None if nearest is None else f"{os.path.relpath(nearest[0])}, line {nearest[1]}"


def _nearest(error: BaseException) -> tuple[str, str] | None:
    """Return file and line of the frame in a user's file nearest to the error, or of what a framework tells in words.

    None where no user's file led to it.
    """
    files = json.loads(os.environ.get(FILES_VARIABLE, "[]"))
    frames = [(frame.filename, str(frame.lineno)) for frame in traceback.extract_tb(error.__traceback__)]
    told_frames = re.findall(r'File "([^"]+)", line (\d+)', str(error))
    places = [(path, line) for path, line in (*told_frames, *frames) if path in files]
    return places[-1] if places else None


def _failure_kind(error_type: type[BaseException]) -> FailureKind:
    """Sort an exception; frameworks' own out-of-memory errors go by name, since none of them is imported here."""
    by_type = {
        BackendMissing: FailureKind.UNAVAILABLE,
        DeviceMissing: FailureKind.UNAVAILABLE,
        UnsupportedCell: FailureKind.UNAVAILABLE,
        ContractBroken: FailureKind.BROKEN_CONTRACT,
        UnexpectedMessage: FailureKind.BROKEN_CONTRACT,
        NotFinite: FailureKind.NOT_FINITE,
        MemoryError: FailureKind.OUT_OF_MEMORY,
        origin.OutsideCommit: FailureKind.OUTSIDE_COMMIT,
    }
    if error_type.__name__ in {"OutOfMemoryError", "ResourceExhaustedError"}:
        return FailureKind.OUT_OF_MEMORY
    return next((kind for known, kind in by_type.items() if issubclass(error_type, known)), FailureKind.RAISED)
