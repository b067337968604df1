"""One thing to be measured, and the environment that it is measured in.

Only the standard library is imported here, because the worker needs these records too.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One thing to be measured. Cells that differ in more than the loop are never ranked together."""

    loop: str
    """Registered name, such as "tf-function"."""
    workload: str
    """Registered name, such as "mnist-mlp"."""
    track: str
    """"matched" or "guide"."""
    device: str
    """"cpu" or "gpu"."""
    batch_size: int
    """Samples per step."""
    width: int | None = None
    """Units of each hidden layer; None leaves the workload's own."""
    threads: int | None = None
    """CPU threads the framework may use; None leaves the framework's own default."""
    side: str | None = None
    """Name of the `Side` that it is measured in, where a run compares environments; "again" for a second measurement
    of the same thing in the same rounds; "calibration" for the kernel that measures the machine."""

    @property
    def name(self) -> str:
        """What it is called among the cells that it is compared with."""
        return self.loop if self.side is None else f"{self.loop} [{self.side}]"

    def __str__(self) -> str:
        """Return a short name that is unique within a run and safe in a file name."""
        width = "" if self.width is None else f"-w{self.width}"
        threads = "" if self.threads is None else f"-t{self.threads}"
        side = "" if self.side is None else f"-{self.side}"
        return f"{self.loop}-{self.workload}-{self.track}-{self.device}-b{self.batch_size}{width}{threads}{side}"


AGAIN = "again"
"""The side of a cell that repeats another one, to see how much identical things differ."""

CALIBRATION = "calibration"
"""The side of the cell that measures the machine, which tells its trials from those of the same loop, if that is
measured as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the environments that a run compares: what is changed for its processes."""

    name: str
    """Short, safe in a file name: "A", "B", "base", "head"."""
    description: str
    """As the user wrote it, such as "ref=main" or "env=OMP_NUM_THREADS=1"."""
    interpreter: str | None = None
    """Python to run with; None leaves the harness' own."""
    python_path: tuple[str, ...] = ()
    """Folders put before everything else on PYTHONPATH."""
    variables: dict[str, str] = field(default_factory=dict)
    """Environment variables that are set."""
    tree: str | None = None
    """Where the files of the commit lie; None where it is no commit."""
    facts: dict[str, str] = field(default_factory=dict)
    """What identifies it: commit, installed version, interpreter version."""

    @property
    def changes_nothing(self) -> bool:
        """Whether it is the environment of the harness under another name: "here"."""
        return self.interpreter is None and not self.variables and "commit" not in self.facts

    def __str__(self) -> str:
        """Say which one it is."""
        return f"side {self.name} ({self.description})"
