"""What a process printed, as it is kept: cut where it is long, without secrets."""

import os
from pathlib import Path

from bench import redaction

LONGEST_LOG_BYTES = 1 << 20
"""Of a log that is kept; of a longer one the first and the last half of so much."""


def tidy(log: Path) -> None:
    """Cut a log and take out its secrets; a log that is gone, or cannot be written, stays as it is.

    The process that wrote it has ended. A second time changes nothing.
    """
    try:
        content = _ends(log)
    except OSError:
        return
    text = content.decode(errors="surrogateescape")
    kept = redaction.redacted(text)
    if kept == text and len(content) == log.stat().st_size:
        return
    unfinished = log.with_name(f".{log.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(kept.encode(errors="surrogateescape"))
        unfinished.replace(log)
    except OSError:
        unfinished.unlink(missing_ok=True)
        with log.open("r+b") as file:  # on a full disk a log is shortened rather than left with what is secret
            file.truncate(0)


def _ends(log: Path) -> bytes:
    """Read a log, or the beginning and the end of it."""
    with log.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= LONGEST_LOG_BYTES + 200:  # what was cut before, and the line that says so
            return file.read()
        first = file.read(LONGEST_LOG_BYTES // 2)
        file.seek(-(LONGEST_LOG_BYTES // 2), os.SEEK_END)
        last = file.read()
    # Whole lines, so that no secret is cut in two and passes.
    first, last = first[: first.rfind(b"\n") + 1 or None], last[last.find(b"\n") + 1 :]
    left_out = size - len(first) - len(last)
    return first + f"\n--- {left_out:,} bytes are left out here ---\n".encode() + last
