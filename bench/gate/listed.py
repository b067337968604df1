"""Which loops the base lists: one that is renamed or taken off the list in the head must not vanish in silence."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.analysis.verdict import Verdict
from bench.errors import BenchError
from bench.gate.result import LoopVerdict
from bench.gate.settings import Settings, read_file
from loops import registry, selection, user_file
from loops.errors import LoopError, NothingMatches


def of_base(tree: Path, *, repository: Path, settings: Settings) -> Settings | None:
    """Return what the base's own pyproject.toml asks for; None where it has none, or one that cannot be read now.

    Args:
        tree: The base's files.
        repository: Top folder of the working tree.
        settings: Of the head; the base's stand at the same place.
    """
    if settings.file is None or not settings.file.is_relative_to(repository.resolve()):
        return None
    file = tree / settings.file.relative_to(repository.resolve())
    try:
        return read_file(file) if file.exists() else None
    except BenchError:
        return None  # written for another version of the tool


def removed(base: Settings, *, head: Settings, workload: str) -> Iterator[LoopVerdict]:
    """Yield a row for each loop that the base lists and the head does not.

    Args:
        base: Of the base.
        head: Of the head, resolved.
        workload: What is trained.
    """
    if registry.EVERY in (*base.loops, *head.loops):
        return
    here = {loop for loop in head.loops if not _is_file(loop)}
    for name in dict.fromkeys(name for loop in base.loops for name in names_of(loop)):
        if name not in here:
            yield gone(
                name, workload=workload, budget=head.budget(name), reason="listed by the base and not by the head"
            )


def deleted(head: Settings, *, base: Settings | None, workload: str) -> Iterator[LoopVerdict]:
    """Yield a row for each loop that both list, by a file that the head has no more.

    Args:
        head: Resolved.
        base: Of the base, or of nothing.
        workload: What is trained.
    """
    known = {name_of(loop) for loop in (base.loops if base is not None else ())}
    for loop in head.loops:
        if _is_file(loop) and (name := Path(loop).stem) in known:
            yield gone(name, workload=workload, budget=head.budget(name), reason=f"listed, and {loop} is not there")


def gone(loop: str, *, workload: str, budget: float, reason: str) -> LoopVerdict:
    """Return the row of a loop that the head lacks."""
    return LoopVerdict(
        loop=loop,
        workload=workload,
        verdict=Verdict.REMOVED.value,
        slowdown=None,
        low=None,
        high=None,
        budget=budget,
        confirmed=None,
        base_step_seconds=None,
        head_step_seconds=None,
        reason=reason,
    )


def unique(rows: Iterable[LoopVerdict]) -> tuple[LoopVerdict, ...]:
    """Return the rows, the first of each loop."""
    return tuple({row.loop: row for row in reversed(list(rows))}.values())[::-1]


def name_of(loop: str) -> str:
    """Return what a listed loop is called: as its file says, or like the file where that cannot be read."""
    if not _is_file(loop):
        return loop
    try:
        return user_file.read(loop).name
    except LoopError:
        return Path(loop).stem


def names_of(loop: str) -> tuple[str, ...]:
    """Return what a listed loop stands for: all that are called so today, where it is a pattern."""
    if not selection.is_pattern(loop):
        return (name_of(loop),)
    try:
        return selection.meant(loop)
    except NothingMatches:
        return ()


def _is_file(loop: str) -> bool:
    """Whether a loop is listed by its path."""
    return loop.endswith(user_file.SUFFIX)
