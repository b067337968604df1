"""Standard output and error of a command: full, closed or cut off by their reader, and still no traceback."""

import errno
import io
import os
import sys
from typing import Any, TextIO, cast, final

from bench.errors import FileTrouble
from bench.files import way_out

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def guard() -> None:
    """Put streams in place of the standard ones that say in one line when they cannot be written.

    A reader that has had enough, as in `bench report | head`, changes nothing: the command goes on to its own exit
    code. What is written to standard error and cannot be is lost. Descriptors that the caller has closed are taken by
    `/dev/null`, so that no file of ours gets their numbers; standard output then cannot be written, as it says.
    """
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        _occupy(descriptor)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _guarded(_STDOUT, old=sys.stdout, heard=True)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _guarded(_STDERR, old=sys.stderr, heard=False)


def _occupy(descriptor: int) -> None:
    """Put `/dev/null` where a descriptor is closed: one that cannot be written, but for standard error."""
    try:
        os.fstat(descriptor)
    except OSError:
        found = os.open(os.devnull, os.O_WRONLY if descriptor == _STDERR else os.O_RDONLY)
        if found != descriptor:
            os.dup2(found, descriptor)
            os.close(found)
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - the system's own signature


def _guarded(descriptor: int, *, old: TextIO | None, heard: bool) -> TextIO:
    """Return a stream like the old one, or like one that Python would have made."""
    if old is not None:
        old.flush()
    errors = getattr(old, "errors", None) or "strict"
    raw = _Descriptor(descriptor, heard=heard)
    return cast(
        "TextIO",
        io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=getattr(old, "encoding", None) or "utf-8",
            # What a character set lacks is shown by its number; it ends no command.
            errors="backslashreplace" if errors == "strict" else errors,
            line_buffering=not heard or raw.isatty(),
        ),
    )


@final
class _Descriptor(io.FileIO):
    """A descriptor that fails once, in one line or without a word, and takes everything from then on."""

    def __init__(self, descriptor: int, *, heard: bool) -> None:
        """Write to it; `heard` has a failure raised."""
        super().__init__(descriptor, "w", closefd=False)
        self._heard = heard
        self._lost = False

    def write(self, data: Any, /) -> int:
        """Write, and return how many bytes were taken.

        Raises:
            FileTrouble: The first time that it cannot be done, unless it is the reader who has gone.
        """
        if not self._lost:
            try:
                return super().write(data)
            except OSError as error:
                self._lost = True
                if self._heard and error.errno != errno.EPIPE:
                    closed = "it was closed; leave it open or send it to /dev/null"
                    raise FileTrouble(
                        f"standard output: cannot be written ({error.strerror}); "
                        f"{closed if error.errno == errno.EBADF else way_out(error)}"
                    ) from error
        return len(memoryview(data).cast("B"))
