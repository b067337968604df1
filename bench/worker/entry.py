"""One trial in one process: `python -m bench.worker.entry COMMANDS RESULTS` with two descriptors."""

import os
import signal
import sys
from pathlib import Path

from bench.worker import origin
from bench.worker.runner import Trial
from bench.worker.wire import Channel


def die_with_parent() -> None:
    """Ask Linux to end this process when the harness is killed, even inside a step that never returns."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - Linux only

        set_parent_death_signal = 1
        ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL)


def heed_interrupts() -> None:
    """Take SIGINT as a process does by itself, also where the harness was started to ignore it, as scripts do with `&`.

    What a process ignores, those that it starts ignore too: a loop whose own helpers wait for SIGINT would hang here.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def look_here_last() -> None:
    """Have modules beside the user found, behind all others: none of them can hide one that is needed."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def leave() -> None:
    """End the process at once: tearing TensorFlow down takes up to a second and can crash, and everything is sent."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def main() -> None:
    """Run one trial."""
    die_with_parent()
    heed_interrupts()
    look_here_last()
    origin.keep_to_commit()
    Trial(Channel(commands=int(sys.argv[1]), results=int(sys.argv[2]))).run()
    leave()


if __name__ == "__main__":
    main()
