"""Which computer a run was measured on, as far as its passport tells: what makes it another one, and its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

NAME = "machine name"
"""Fact of the passport: what its user calls the machine."""

_DIGITS = 12
_MEBIBYTES_PER_GIBIBYTE = 1024.0
_ACCELERATOR = re.compile(r"gpu \d+ name")


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What makes it another machine: processor, cores, memory, accelerators, operating system."""

    name: str | None
    """What its user calls it; None where nobody named it."""
    processor: str
    """Model, or "unknown"."""
    cores: str
    """That processes may use, of how many; the quota of a container where there is one."""
    memory_gibibytes: int | None
    """Rounded: kernels keep a little more or less of it for themselves."""
    accelerators: tuple[str, ...]
    """Names of GPUs, in the order of their driver."""
    operating_system: str

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits over everything but the name."""
        parts = (self.processor, self.cores, self.memory_gibibytes, *self.accelerators, self.operating_system)
        return sha256("\n".join(map(str, parts)).encode()).hexdigest()[:_DIGITS]

    @property
    def key(self) -> str:
        """What runs of one machine have in common: its name, or its fingerprint where nobody named it."""
        return self.name or self.fingerprint

    @property
    def title(self) -> str:
        """What people are shown."""
        return self.name or f"{self.processor}, {self.cores} cores"


def machine_of(passport: Mapping[str, str]) -> Machine:
    """Return the machine that a passport describes; facts that it lacks are "unknown"."""
    usable = passport.get("cpu cores usable", "unknown")
    logical = passport.get("cpu cores logical", usable)
    quota = passport.get("cgroup cpu quota", "none")
    memory = passport.get("memory total MiB", "")
    return Machine(
        name=passport.get(NAME) or None,
        processor=passport.get("cpu model", "unknown"),
        cores=usable
        + ("" if logical == usable else f" of {logical}")
        + ("" if quota == "none" else f", quota {quota}"),
        memory_gibibytes=round(int(memory) / _MEBIBYTES_PER_GIBIBYTE) if memory.isdigit() else None,
        accelerators=tuple(value for fact, value in sorted(passport.items()) if _ACCELERATOR.fullmatch(fact)),
        operating_system=passport.get("operating system", "unknown"),
    )
