"""One thing to be measured, the setting that it shares with what it is ranked with, and the environment it is in.

Only the standard library is imported here, because the worker needs these records too.
"""

from dataclasses import dataclass, field, fields
from typing import TypeVar

Kind = TypeVar("Kind", bound="Training")


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """What is trained, wherever it runs."""

    workload: str
    """Registered name, such as "mnist-mlp"."""
    track: str
    """"matched", "guide" or "pipeline"."""
    batch_size: int
    """Samples per step."""
    width: int | None = None
    """Units of each hidden layer; None leaves the workload's own."""
    dtype: str | None = None
    """Keras' dtype policy, such as "mixed_bfloat16"; None leaves it to the model."""

    @property
    def training(self) -> "Training":
        """What it has in common with all that train the same."""
        return self._only(Training)

    def _only(self, kind: type[Kind]) -> Kind:
        """Return the fields of a class that this one inherits from, as a record of that class alone."""
        return kind(**{field.name: getattr(self, field.name) for field in fields(kind)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting(Training):
    """Everything that has to be alike in cells that are ranked together.

    The only place where that is spelled out: what groups, plans, tables and sweeps compare are whole settings.
    """

    device: str
    """"cpu" or "gpu"."""
    threads: int | None = None
    """CPU threads the framework may use; None leaves the framework's own default."""

    @property
    def setting(self) -> "Setting":
        """What it has in common with all that may be ranked with it."""
        return self._only(Setting)

    @property
    def slug(self) -> str:
        """Short and safe in a file name: what nobody chose is left out."""
        width = "" if self.width is None else f"-w{self.width}"
        threads = "" if self.threads is None else f"-t{self.threads}"
        dtype = "" if self.dtype is None else f"-{self.dtype}"
        return f"{self.workload}-{self.track}-{self.device}-b{self.batch_size}{width}{dtype}{threads}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell(Setting):
    """One thing to be measured: a loop in a setting."""

    loop: str
    """Registered name, such as "tf-function"."""
    side: str | None = None
    """Name of the `Side` that it is measured in, where a run compares environments; "again" for a second measurement
    of the same thing in the same rounds; "calibration" for the kernel that measures the machine."""

    @property
    def name(self) -> str:
        """What it is called among the cells that it is compared with."""
        return self.loop if self.side is None else f"{self.loop} [{self.side}]"

    def __str__(self) -> str:
        """Return a short name that is unique within a run and safe in a file name."""
        return f"{self.loop}-{self.slug}{'' if self.side is None else f'-{self.side}'}"


BASE, HEAD, ANCHOR = "base", "head", "anchor"
"""The sides of a gate."""

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
