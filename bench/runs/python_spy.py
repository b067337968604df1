"""Look at a running process from outside with py-spy: what its threads are doing in Python, and as a flame graph.

    Spy      looks for so long while the process goes on; what it wrote is asked for afterwards
    absent   why there is no py-spy, with the command that installs it

py-spy is a program of its own, which reads the memory of another process; where that is forbidden, it says so.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import which
from time import monotonic
from typing import Literal, final

from bench.units import Seconds

PROGRAM = "py-spy"
INSTALL = "pip install 'loopbench[profile]'"
RATE = 100
"""Looks per second, each of which stops the process for a moment: how much that costs is told."""
PATIENCE: Seconds = 20.0
"""For its beginning and for what it writes in the end."""
REFUSED = "permission denied"
"""Of what py-spy says where it may not look; on Linux as well as on macOS."""

Format = Literal["raw", "flamegraph"]


def absent(environment: Mapping[str, str]) -> str | None:
    """Return why there is no py-spy, with the command that installs it; None where there is one."""
    if _program(environment) is not None:
        return None
    return f"no flame graph and nothing about Python: {PROGRAM} is not installed; try: {INSTALL}"


def _program(environment: Mapping[str, str]) -> str | None:
    """Return the path of py-spy: beside this interpreter, or where a shell would find it."""
    beside = str(Path(sys.executable).parent)
    return which(PROGRAM, path=os.pathsep.join([beside, environment.get("PATH", "")]))


@final
class Spy:
    """Looks at one process."""

    def __init__(
        self, process_id: int, *, file: Path, kind: Format, seconds: Seconds, environment: Mapping[str, str]
    ) -> None:
        """Begin to look.

        Args:
            process_id: Whom to look at.
            file: Where to write what was seen.
            kind: "raw" for one stack a line, every thread by its name, those that wait as well; "flamegraph" for a
                picture of those that do something.
            seconds: How long.
            environment: Of the harness.
        """
        program = _program(environment)
        assert program is not None  # `absent` was asked
        options = ["--idle", "--threads"] if kind == "raw" else []
        self._file, self._deadline = file, monotonic() + seconds + PATIENCE
        self._process = subprocess.Popen(
            [
                *(PROGRAM, "record", "--pid", str(process_id), "--format", kind, "--output", file.name),
                *("--rate", str(RATE), "--duration", str(max(1, round(seconds))), *options),
            ],
            executable=program,
            cwd=file.parent,  # the picture has the command as its title, where a path is nobody's business
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )

    @property
    def looks(self) -> bool:
        """Whether it is still at work, and in time."""
        return self._process.poll() is None and monotonic() < self._deadline

    def problem(self) -> str | None:
        """Wait until it is done, and return why it saw nothing; None where the file is there."""
        try:
            _, said = self._process.communicate(timeout=max(0.0, self._deadline - monotonic()))
        except subprocess.TimeoutExpired:
            self.end()
            return f"{PROGRAM} did not end in time"
        if self._process.returncode == 0 and self._file.is_file() and self._file.stat().st_size > 0:
            return None
        text = " ".join(said.decode(errors="replace").split())
        if REFUSED in text.lower():
            return (
                f"{PROGRAM} may not look at another process here (permission denied): allow ptrace, as root or, in a "
                "container, by --cap-add SYS_PTRACE"
            )
        return f"{PROGRAM} saw nothing: {text[:200] or f'it ended with code {self._process.returncode}'}"

    def end(self) -> None:
        """Make sure that it is gone."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
