"""What a framework sees on this machine: `python -m bench.worker.sight BACKEND RESULTS`, in a process of its own.

The harness itself never imports a framework, so it asks here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.machine import kept
from bench.units import Seconds
from bench.worker import frameworks

PATIENCE: Seconds = 120.0
"""Importing a framework for the first time on a cold disk takes up to a minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What one framework sees."""

    backend: str
    devices: tuple[str, ...] = ()
    """Accelerators by name, "cpu" last; empty when the framework cannot be used."""
    versions: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    """Why it cannot be used."""

    @property
    def sees_gpu(self) -> bool:
        """Whether there is anything but a CPU."""
        return any(device != "cpu" for device in self.devices)

    def __str__(self) -> str:
        """Say it in words."""
        if self.reason:
            return f"{self.backend}: {self.reason}"
        return f"{self.backend} {self.versions.get(self.backend, '')} sees {', '.join(self.devices)}"


def look(backend: str, *, interpreter: str, environment: Mapping[str, str]) -> Sight:
    """Ask one framework, in the interpreter and the environment that would run its trials.

    Raises:
        FileNotFoundError: If the interpreter does not exist.
    """
    read, write = os.pipe()
    with os.fdopen(read, "rb") as results:
        try:
            asked = kept.run(
                [interpreter, "-m", "bench.worker.sight", backend, str(write)],
                environment=environment,
                pass_fds=(write,),
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return Sight(backend=backend, reason=f"no answer within {PATIENCE:g} s")
        finally:
            os.close(write)
        answer = results.read()
    if answer:
        found = json.loads(answer)
        return Sight(
            backend=backend, devices=tuple(found["devices"]), versions=found["versions"], reason=found["reason"]
        )
    lines = asked.stderr.decode(errors="replace").strip().splitlines()
    return Sight(backend=backend, reason=lines[-1] if lines else f"exited with code {asked.returncode}")


def main() -> None:
    """Answer for one backend."""
    name, results = sys.argv[1], int(sys.argv[2])
    reason = frameworks.missing(name)
    devices, versions = [], {}
    if reason is None:
        backend = frameworks.load(name)
        devices, versions = backend.devices(), backend.versions()
    os.write(results, json.dumps({"devices": devices, "versions": versions, "reason": reason}).encode())


if __name__ == "__main__":
    main()
