"""What git does not track and a project makes of its sources: extensions, generated files; made by its own command."""

import fcntl
import hashlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BuildFailed, UsageError

LAST_LINES = 40
"""Of what a command that failed has printed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """A command, and where it is run."""

    command: str
    """As a shell takes it."""
    folder: Path
    """From the top of the files, such as "." or "packages/acme"."""

    def variant(self, *, interpreter: str) -> str:
        """Return a name that changes with whatever makes the result another one."""
        return hashlib.sha256(f"{self.command}\n{self.folder}\n{interpreter}".encode()).hexdigest()[:12]


def once(build: Build, *, tree: Path, environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Run a command in the files of a commit, unless that was done; one that failed is run again.

    Args:
        build: The command.
        tree: The commit's files; in their final place, because builds remember where they are.
        environment: The command's.
        tell: Told what takes long, and the command's output if it fails.

    Raises:
        BuildFailed: If the command does not end with 0.
        UsageError: If its place cannot be written.
    """
    done = tree.with_name(f"{tree.name}.built")
    with _alone(tree.with_name(f"{tree.name}.lock")):
        if not done.exists():
            run(build, top=tree, environment=environment, tell=tell)
            done.touch()


def run(build: Build, *, top: Path, environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Run a command in files.

    Raises:
        BuildFailed: If it does not end with 0; its output is told first.
    """
    tell(f"building: {build.command}")
    done = subprocess.run(  # noqa: S602 - it is the user's own command, written as a shell takes it
        build.command,
        shell=True,
        cwd=top / build.folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        for line in done.stdout.splitlines()[-LAST_LINES:]:
            tell(f"  {line}")
        raise BuildFailed(f"[tool.bench.gate] build ended with exit code {done.returncode}: {build.command}")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process builds the same."""
    try:
        file = lock.open("w")
    except OSError as error:
        raise UsageError(f"cannot write {lock.parent}: {error.strerror}; choose by BENCH_CACHE_DIR") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
