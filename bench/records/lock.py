"""One writer per run: a lock that the kernel lets go of when its holder dies, and that says who holds it."""

import errno
import fcntl
import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, final

from bench.errors import ResultsError
from bench.files import explained

LOCK = ".lock"
"""Beside the journal; holds the process, the machine and the time, and is gone when the run is closed."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""What file systems answer that know no locks. The rows of a second writer are then refused one by one."""


@final
class RunLock:
    """The right to write to a run's folder."""

    def __init__(self, folder: Path, *, now: Callable[[], str]) -> None:
        """Take it.

        Args:
            folder: The run's.
            now: Returns the time of day as it is stored.

        Raises:
            ResultsError: If another process holds it; names that process and since when it does.
            FileTrouble: If the folder cannot be written.
        """
        self._path = folder / LOCK
        self._descriptor = -1
        while self._descriptor < 0:
            self._descriptor = self._open()
        holder = {"process": os.getpid(), "machine": socket.gethostname(), "since": now()}
        with explained(self._path):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(holder).encode() + b"\n", 0)

    def release(self) -> None:
        """Let go of it; allowed more than once."""
        if self._descriptor >= 0:
            with suppress(OSError):
                self._path.unlink()  # while it is held: whoever waits finds the name gone and starts anew
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        """Let go of it where nobody did."""
        self.release()

    def _open(self) -> int:
        """Return the locked file, or -1 where its last holder has removed it meanwhile."""
        with explained(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            with explained(self._path, doing="locked"):
                self._lock(descriptor)
            same = os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            same = False
        except BaseException:
            os.close(descriptor)
            raise
        if not same:
            os.close(descriptor)
            return -1
        return descriptor

    def _lock(self, descriptor: int) -> None:
        """Ask the kernel for the lock.

        Raises:
            ResultsError: If another process holds it.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ResultsError(
                f"{self._path.parent}: {_named(os.pread(descriptor, 4096, 0))} is writing to this run; "
                "wait until it is done, or end it, and try again"
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise


def _named(content: bytes) -> str:
    """Return who holds a lock, as far as its file says so."""
    try:
        holder: dict[str, Any] = json.loads(content)
        return f"process {holder['process']} on {holder['machine']}, since {holder['since']},"
    except (ValueError, KeyError, TypeError):
        return "another process"
