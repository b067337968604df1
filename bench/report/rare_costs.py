"""What is said of rare slow steps: which part of the step time they are, and what happened in them."""

from collections.abc import Sequence

from bench import units
from bench.analysis.rare import Cause, RareCosts
from bench.analysis.summary import CellSummary, Group
from bench.report import wording

WORTH_TELLING = 0.05
"""Of the step time: what rare steps of 5 % cost."""

FEW_ENDS = 6
"""As many as a run has rounds: from fewer ends of epochs, it is said from how many their cost is known."""

_NAMED = 5
_TUNING = (
    " Ends of epochs on TensorFlow that pass without the processor may wait for what tunes `tf.data`: try without, by "
    "`options = tf.data.Options()`, `options.autotune.enabled = False`, `dataset.with_options(options)`."
)


def notices(groups: Sequence[Group]) -> list[str]:
    """Return one sentence for all loops of whose step time a part worth telling comes rarely."""
    cells = [cell for group in groups for cell in group.cells if _share(cell.oddities.rare) >= WORTH_TELLING]
    if not cells:
        return []
    cells.sort(key=lambda cell: -_share(cell.oddities.rare))
    told = "; ".join(_told(cell) for cell in cells[:_NAMED])
    more = f"; and {len(cells) - _NAMED} more" if len(cells) > _NAMED else ""
    told = f"Rare slow steps are a part of the step time, which is total time over total steps: {told}{more}."
    return [f"{told}{_TUNING if any(map(_waits_for_tuning, cells[:_NAMED])) else ''}"]


def unmet(groups: Sequence[Group]) -> list[str]:
    """Return one sentence for all loops of which no process trained to the end of an epoch."""
    cells = [cell for group in groups for cell in group.cells if _ends_unmet(cell)]
    if not cells:
        return []
    names = list(dict.fromkeys(wording.display_name(cell.cell.name) for cell in cells))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    epochs = sorted({cell.work.steps_per_epoch for cell in cells if cell.work.steps_per_epoch})
    longest = units.count(epochs[-1])
    length = longest if len(epochs) == 1 else f"{units.count(epochs[0])} to {longest}"
    named = f"{', '.join(names[:_NAMED])}{more}"
    unmet = (
        f"No process of {named} trained to the end of an epoch ({length} steps): what an end costs is not in its step"
    )
    return [f"{unmet}. `--steps {epochs[-1]}` has each process measure one."]


def _ends_unmet(cell: CellSummary) -> bool:
    """Whether a loop was measured, has epochs and came to the end of none."""
    rare = cell.oddities.rare
    return rare is not None and rare.ends == 0 and cell.work.steps_per_epoch is not None


def _waits_for_tuning(cell: CellSummary) -> bool:
    """Whether its rare steps are ends of epochs that wait for tf.data."""
    rare = cell.oddities.rare
    return rare is not None and rare.waits_for_tuning and _main(rare) is Cause.EPOCH_END


def _main(rare: RareCosts) -> Cause | None:
    """Return the cause that costs most."""
    return max(rare.shares, key=rare.shares.__getitem__, default=None)


def _share(rare: RareCosts | None) -> float:
    """Return the part of the step time that comes rarely."""
    return 0.0 if rare is None else rare.share


def _told(cell: CellSummary) -> str:
    """Return "tf-fit-stock 24 % (end of an epoch)", and how many ends that is from where they are few."""
    rare = cell.oddities.rare
    assert rare is not None  # or there would be no share
    main = _main(rare)
    cause = "" if main is None else f" ({main}{_seen(rare) if main is Cause.EPOCH_END else ''})"
    return f"{wording.display_name(cell.cell.name)} {units.percent(_share(rare))}{cause}"


def _seen(rare: RareCosts) -> str:
    """Return ", 1 end met by 1 process", where what an end costs is known from few."""
    if rare.ends >= FEW_ENDS:
        return ""
    ends = "1 end" if rare.ends == 1 else f"{rare.ends} ends"
    processes = "1 process" if rare.ends_in == 1 else f"{rare.ends_in} processes"
    return f", {ends} met by {processes}"
