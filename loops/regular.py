"""Reads a user's file, if it is one: a pipe would be waited for, and a device has no end."""

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path, *, largest: int) -> bytes:
    """Return what a regular file holds.

    Args:
        path: Where it is; links are followed.
        largest: Most bytes that such a file can have.

    Raises:
        OSError: If it cannot be read, is no regular file or is larger; `strerror` says it in words.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        state = os.fstat(file.fileno())
        if stat.S_ISDIR(state.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"Larger than {largest:,} bytes", str(path))
    return content
