"""What other programs and small files of the system say."""

import subprocess
from collections.abc import Mapping
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
