"""What other programs and small files of the system say, and how a program of ours is started."""

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_COMMAND_TIMEOUT_SECONDS = 10


def output_of(*command: str, environment: Mapping[str, str]) -> str | None:
    """Return what a program prints; None where it is missing, fails or does not end in time."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            errors="replace",
            timeout=_COMMAND_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def text_of(file: Path) -> str:
    """Return what a file holds; nothing where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


@contextmanager
def heeding_interrupts() -> Iterator[None]:
    """Have what is started in here take SIGINT, though this process may ignore it, as after `bench gate &` in a script.

    This process goes on ignoring it: a handler that does nothing stands in, and no program inherits a handler. Outside
    the main thread nothing changes, for only the main thread may set handlers.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if not ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
