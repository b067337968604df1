"""What is said of the least time that a step can take."""

from collections.abc import Sequence

from bench import units
from bench.analysis.summary import CellSummary, Group
from bench.records.stored_run import LeastStep
from bench.report import wording


def limit(cells: Sequence[CellSummary], *, least: LeastStep) -> str | None:
    """Return how far the fastest loop of a group is from the least time that a step can take.

    Args:
        cells: Fastest first, those that are not ranked last.
        least: Of the group.
    """
    leader = next((cell for cell in cells if cell.step is not None and cell.is_ranked), None)
    if leader is None or leader.step is None:
        return None
    above = units.number(leader.step.estimate / least.step_seconds)
    name = wording.display_name(leader.cell.name)
    return f"{name} takes {above} times as long as the least that this processor needs for such a step."


def formula(least: LeastStep) -> str:
    """Return what the least step is made of, with the numbers."""
    threads = "1 thread" if least.threads == 1 else f"{least.threads} threads"
    arithmetic = (
        f"{units.number(least.operations / 1e6)} million operations at "
        f"{units.number(least.operations_per_second / 1e9)} billion per second, as in the fastest of several float32 "
        f"matrix products ({units.milliseconds(least.arithmetic_seconds)} ms)"
    )
    memory = (
        f"{units.number(least.bytes / 1e6)} MB of weights, moments and inputs at "
        f"{units.number(least.bytes_per_second / 1e9)} GB/s, as an array of their size is copied or "
        f"changed where it is ({units.milliseconds(least.memory_seconds)} ms)"
    )
    return (
        f"The least step is {units.milliseconds(least.step_seconds)} ms per step, the larger of {arithmetic} and "
        f"{memory}; both ceilings are the best that was seen before and after this run on {threads}. Handling data, "
        f"activations, metrics and dispatch are taken to cost nothing; inputs that are zero, such as most pixels of a "
        f"digit, are counted as if they were not."
    )


def notices(groups: Sequence[Group]) -> list[str]:
    """Return why a group has no least step where one was measured."""
    return [
        f"No least step is shown: {wording.display_name(name)} took less than what was taken for it, so the machine's "
        f"ceilings were not found, as on one that others use."
        for name in dict.fromkeys(group.below_least for group in groups)
        if name is not None
    ]
