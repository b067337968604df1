"""What was asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from bench import redaction
from bench.records.cell import AGAIN, Cell, Setting, Side
from bench.records.prepared import PreparedWorkload
from bench.units import Seconds

FEWEST_MORE_ROUNDS, MORE_ROUNDS = 2, 3
"""Starved rounds are measured again at most so often, or in one round more for so many that were planned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What was asked for.

    One flat record, because it is one line of the journal, which a reader without this class can make sense of.
    """

    cells: tuple[Cell, ...]
    rounds: int
    """With a precision or looks, the fewest; with a time budget, the most that are begun unless a precision asks for
    more."""
    looks: tuple[int, ...] = ()
    """Rounds of a comparison after which it is looked at, and no more of it is measured once it is decided; ascending.
    Empty measures a number of rounds and decides in the end. Only where sides are compared."""
    blocks_per_trial: int
    block_seconds: Seconds
    """Aim for the wall time of one block; the steps per block are sized from warm steps."""
    run_in_seconds: Seconds = 0.0
    """Aim for the time that a process trains at the beginning of each turn, uncounted, since it has waited for it."""
    blocks_per_turn: int = 1
    """How many blocks a process measures in a turn, one right after the other; fewer where they are long."""
    steps: int | None = None
    """Measured steps per trial when the user fixed them; overrides `block_seconds`."""
    schedule: Literal["interleaved", "sequential"]
    seed: int
    """Of the order of cells and blocks, of the initial weights and of the batch order."""
    timeout: Seconds
    """Longest wait for one phase of one trial."""
    baseline: str
    """The loop that speed-ups refer to; where sides are compared, the first of them is the baseline of each loop."""
    sides: tuple[Side, ...] = ()
    """Environments to compare, baseline first; empty when loops are compared."""
    interpreters: dict[str, str] = field(default_factory=dict)
    """Backend -> Python interpreter, where it is not the one that runs the harness."""
    files: tuple[str, ...] = ()
    """Paths of the user's files that hold loops and workloads of this run."""
    prepared: tuple[PreparedWorkload, ...] = ()
    """What the users' workloads of this run start from; ours make it from the seed."""
    breakdown: bool = False
    """Whether each process finds out in the end where the time of a step goes."""
    profile: tuple[str, ...] = ()
    """Loops that are profiled after the last round, each in processes of its own that are not ranked."""
    images: int = 0
    """How many images a generator draws after the last step of the first round."""
    verify: bool = True
    """Whether loops are checked against the reference, and those that fail are not ranked."""
    margin: float = 0.02
    """Smallest relative difference that matters."""
    margins: dict[str, float] = field(default_factory=dict)
    """Loop -> its own margin, where it is not that."""
    anchor_margin: float | None = None
    """How much slower than the third side the second may be; None where there is none. The third is no base of the
    page: it is what many small changes are held against together."""
    precision: float | None = None
    """Rounds are added until every interval is at most this wide to either side, as a fraction."""
    time_budget: Seconds | None = None
    """No round is begun that would probably end later than this after the first."""
    on_busy: Literal["again", "count"] = "again"
    """Whether a round in which others took the processor away is left out and measured again, or counts like others."""
    cpus: tuple[int, ...] = ()
    """Logical CPUs that trials stay on from their first step on; empty means any."""
    calibration: Cell | None = None
    """Measured once in each round beside the cells, so that runs can be compared: it says how fast the machine was.
    It is not one of `cells`; None where it was not asked for."""

    @property
    def files_here(self) -> tuple[str, ...]:
        """Paths of the same files as they are on this machine: a journal says "~" where a home folder was."""
        return tuple(map(redaction.at_home, self.files))

    @property
    def adaptive(self) -> bool:
        """Whether precision, time or what is seen decides how many rounds there are."""
        return self.precision is not None or self.time_budget is not None or bool(self.looks)

    @property
    def most_rounds(self) -> int:
        """How many rounds are begun at most, but for a precision: a third more, in place of starved ones."""
        wanted = self.looks[-1] if self.looks else self.rounds
        more = max(FEWEST_MORE_ROUNDS, wanted // MORE_ROUNDS) if self.on_busy == "again" else 0
        return wanted + more

    def side_of(self, cell: Cell) -> Side | None:
        """Return the environment that a cell is measured in; None for the harness' own."""
        return next((side for side in self.sides if side.name == self.twin_of(cell).side), None)

    def twin_of(self, cell: Cell) -> Cell:
        """Return the cell that a repetition repeats, and any other cell as it is."""
        if cell.side != AGAIN:
            return cell
        return replace(cell, side=self.sides[0].name if self.sides else None)

    def margin_of(self, cell: Cell) -> float:
        """Return the smallest relative difference that matters for a cell's loop."""
        return self.margins.get(cell.loop, self.margin)

    def group_of(self, cell: Cell) -> tuple[Setting, str | None]:
        """Return what cells have in common that may be ranked together: all but the loop, or all but the side."""
        return cell.setting, cell.loop if self.sides else None

    def groups(self, cells: Iterable[Cell]) -> list[list[Cell]]:
        """Return the given cells group by group, each in the order in which they came."""
        groups: dict[tuple[Setting, str | None], list[Cell]] = {}
        for cell in cells:
            groups.setdefault(self.group_of(cell), []).append(cell)
        return list(groups.values())
