"""What a signal does to a run: the first one ends measuring, and no later one hides how to go on.

    SIGINT, SIGTERM, SIGHUP    the first raises KeyboardInterrupt, so that what has finished is stored; the next says in
                               one line that this takes a moment; the third ends the harness at once

A signal that was ignored when the harness began, as under `nohup`, is ignored. Inside somebody else's program, as in
a notebook, only SIGINT means a run, and no signal ends the program.
"""

import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import final

from bench.errors import Interrupted

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_AT_ONCE = 3
"""The signal that no longer waits for anything."""


@final
class Ending:
    """Counts the signals of a run."""

    def __init__(self, way_on: str, *, inside: bool = False) -> None:
        """Remember how to go on with the run, in words, and whether it is inside somebody else's program."""
        self._way_on = way_on
        self._inside = inside
        self._closing = False
        self._count = 0

    @property
    def asked_for(self) -> bool:
        """Whether somebody wants the run to end."""
        return self._count > 0

    def close(self) -> None:
        """Let no signal interrupt what comes now; it is counted."""
        self._closing = True

    def heard(self, number: int, frame: FrameType | None) -> None:
        """Do what the next signal does.

        Raises:
            KeyboardInterrupt: At the first one, and inside somebody else's program at the third.
        """
        del number, frame
        self._count += 1
        if self._count >= _AT_ONCE and self._inside:
            raise KeyboardInterrupt
        if self._count >= _AT_ONCE:
            _say(f"ended at once; {self._way_on}")
            os._exit(Interrupted.exit_code)
        if self._count > 1 or self._closing:
            _say(f"storing what has finished, once more ends it at once; {self._way_on}")
            return
        raise KeyboardInterrupt


@contextmanager
def watched(way_on: str, *, inside: bool = False) -> Iterator[Ending]:
    """Have signals end a run in order while the body runs; only the main thread can.

    Args:
        way_on: "go on with: bench run --resume NAME".
        inside: Whether the run is part of somebody else's program, which its other signals are left to.
    """
    ending = Ending(way_on, inside=inside)
    with handled_by(ending.heard, signals=(signal.SIGINT,) if inside else SIGNALS):
        yield ending


@contextmanager
def all_stored(folder: Path) -> Iterator[None]:
    """Say that nothing is lost when a signal ends what is only derived from a stored run.

    Raises:
        Interrupted: In place of KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted while the report was made; all trials are stored, make it with: bench report "
            f"{name_of(folder)}"
        ) from None


def name_of(folder: Path) -> str:
    """Return how a run is named on the command line: by its name where runs usually lie, by its path elsewhere."""
    return folder.name if folder.parent == Path("results") else shlex.quote(str(folder))


@contextmanager
def handled_by(handler: "signal._HANDLER", *, signals: Sequence[signal.Signals] = SIGNALS) -> Iterator[None]:
    """Have this handler get the signals that end a program, unless it began with them ignored."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {one: signal.getsignal(one) for one in signals}
    for one, earlier in before.items():
        if earlier is not signal.SIG_IGN:
            signal.signal(one, handler)
    try:
        yield
    finally:
        for one, earlier in before.items():
            if earlier is not None:
                signal.signal(one, earlier)


def _say(text: str) -> None:
    """Write a line straight to stderr: whatever was being written may be half done."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"\n{text}\n".encode(errors="replace"))
