"""What values a journal may hold, beyond their types: journals travel, and those of others are not believed.

`wrong_values` judges one record by `LIMITS`, `Contents` what lines say about one another. Both answer in words; the
journal adds file, line and way out. What is written is held to the same limits, so that whatever was written can be
read.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from math import isfinite
from operator import attrgetter
from typing import Any, final

from bench.records.cell import AGAIN, CALIBRATION, Cell
from bench.records.limits import LIMITS, LONGEST_TEXT, LONGEST_TRACEBACK, MOST_ITEMS, NAME, Number, shown
from bench.records.plan import Plan
from bench.records.stored_run import Extension, RunHeader
from bench.records.trial import Block, BlockKind, Failure, FailureKind, Retry, Trial
from bench.records.verification import Expectation, Verification

_FIELDS: dict[type, tuple[tuple[str, Any], ...]] = {
    kind: tuple((field.name, limits.get(field.name)) for field in fields(kind)) for kind, limits in LIMITS.items()
}
"""The fields of each record, with the limits of each; None for those that hold records or yes and no."""


def wrong_values(record: Any, *, at: str) -> Iterator[str]:
    """Yield what is wrong with a record and those in it, each with the way to the field.

    Args:
        record: Of one of the classes in `LIMITS`.
        at: The way to it, such as "$.trial".
    """
    for name, limit in _FIELDS[type(record)]:
        value = getattr(record, name)
        if value is None or isinstance(value, bool):
            continue
        if type(value) in LIMITS:
            yield from wrong_values(value, at=f"{at}.{name}")
        elif isinstance(value, tuple | dict):
            yield from _wrong_items(value, limit=limit, at=f"{at}.{name}")
        elif (wrong := limit.wrong(value)) is not None:
            yield f"{at}.{name}: {wrong}"


def _wrong_items(value: tuple[Any, ...] | dict[Any, Any], *, limit: Any, at: str) -> Iterator[str]:
    """Yield what is wrong with a field that holds several."""
    if all(map(_is_sound_block, value)):
        return
    if len(value) > MOST_ITEMS:
        yield f"{at}: expected at most {MOST_ITEMS:,} items, got {len(value):,}"
        return
    if isinstance(value, dict):
        yield from (f"{at}: {wrong}" for key in value if (wrong := NAME.wrong(key)))
        items = ((f"{at}[{shown(key)}]", item) for key, item in value.items())
    else:
        items = ((f"{at}[{place}]", item) for place, item in enumerate(value))
    for way, item in items:
        if type(item) in LIMITS:
            yield from wrong_values(item, at=way)
        elif (wrong := limit.wrong(item)) is not None:
            yield f"{way}: {wrong}"


_BLOCK_NUMBERS = {name: limit for name, limit in LIMITS[Block].items() if isinstance(limit, Number)}
_numbers_of = attrgetter(*_BLOCK_NUMBERS)
_LEAST = tuple(limit.least for limit in _BLOCK_NUMBERS.values())
_MOST = tuple(limit.most for limit in _BLOCK_NUMBERS.values())


def _is_sound_block(block: Any) -> bool:
    """Return quickly that nothing is wrong with a block, of which a run has thousands; False has it looked at."""
    if type(block) is not Block or type(block.kind) is not BlockKind:
        return False
    try:
        for number, low, high in zip(_numbers_of(block), _LEAST, _MOST, strict=True):
            if number is not None and not low <= number <= high:  # what a system does not say is absent
                return False
    except TypeError:
        return False
    return True


@final
class Contents:
    """What a journal holds so far, so that each further line can be held against it."""

    def __init__(self, header: RunHeader) -> None:
        """Begin with its first line."""
        self._plan = header.plan
        self._cells = set(header.plan.cells)
        self._rows: set[tuple[Cell, int]] = set()
        self._failed: set[tuple[Cell, int]] = set()

    @staticmethod
    def wrong_header(header: RunHeader) -> Iterator[str]:
        """Yield what does not fit together in the first line."""
        plan = header.plan
        if "/" in header.run_id or header.run_id.startswith("."):
            yield f"$.run.run_id: expected the name of a folder, got {shown(header.run_id)}"
        if not plan.cells:
            yield "$.run.plan.cells: expected at least one, got none"
            return
        if len(set(plan.cells)) < len(plan.cells):
            yield "$.run.plan.cells: expected each once"
        if plan.baseline not in {cell.loop for cell in plan.cells}:
            yield f"$.run.plan.baseline: expected the loop of a cell, got {shown(plan.baseline)}"
        names = [side.name for side in plan.sides]
        if len(set(names)) < len(names) or {AGAIN, CALIBRATION} & set(names):
            yield "$.run.plan.sides: expected names that differ, and none of them a word of this tool"
        yield from _wrong_looks(plan)
        for number, cell in enumerate(plan.cells):
            if cell.side not in ({*names, AGAIN} if names else {None, AGAIN}):
                yield f"$.run.plan.cells[{number}].side: there is no side {shown(cell.side)} in this plan"
            elif plan.twin_of(cell) not in plan.cells:
                yield f"$.run.plan.cells[{number}]: repeats a cell that is not in this plan"
        if plan.calibration is not None and plan.calibration.side != CALIBRATION:
            yield f"$.run.plan.calibration.side: expected {CALIBRATION}, got {shown(plan.calibration.side)}"

    def wrong_trial(self, trial: Trial) -> Iterator[str]:
        """Yield what does not fit in one more row; it counts from now on."""
        if trial.cell not in self._cells and trial.cell != self._plan.calibration:
            yield f"$.trial.cell: {shown(str(trial.cell))} is not in the plan"
        if not self._plan.adaptive and trial.round >= self._plan.most_rounds:
            yield f"$.trial.round: expected one below the planned {self._plan.most_rounds}, got {trial.round}"
        if trial.failure is None and not trial.blocks_of(BlockKind.MEASURED):
            yield "$.trial.blocks: expected a measured one, since nothing failed"
        if (trial.cell, trial.round) in self._rows:
            yield (
                f"$.trial: a second row of {shown(str(trial.cell))} in round {trial.round} (counted from 0), so two "
                "processes wrote to this run, or a line was copied"
            )
        self._rows.add((trial.cell, trial.round))
        if trial.failure is not None:
            self._failed.add((trial.cell, trial.round))

    def wrong_retry(self, retry: Retry) -> Iterator[str]:
        """Yield what does not fit in setting a failed row aside; another one may follow from now on."""
        row = (retry.cell, retry.round)
        if row not in self._failed:
            yield f"$.retry: {shown(str(retry.cell))} has no failed row in round {retry.round} (counted from 0)"
        self._failed.discard(row)
        self._rows.discard(row)

    def wrong_extension(self, extension: Extension) -> Iterator[str]:
        """Yield what does not fit in asking for more rounds; they may follow from now on."""
        if self._plan.adaptive:
            yield "$.extension: the plan has no number of rounds to change"
        elif extension.rounds <= self._plan.rounds:
            yield f"$.extension.rounds: expected more than {self._plan.rounds}, got {extension.rounds}"
        self._plan = replace(self._plan, rounds=max(self._plan.rounds, extension.rounds))

    def wrong_verification(self, found: Verification) -> Iterator[str]:
        """Yield what does not fit in what a check found."""
        if (found.loop, found.workload) not in {(cell.loop, cell.workload) for cell in self._cells}:
            yield f"$.verification: {shown(f'{found.loop} on {found.workload}')} is not in the plan"

    def wrong_expectation(self, curve: Expectation) -> Iterator[str]:
        """Yield what does not fit in a curve that timed trials are held against."""
        if not curve.steps or len(curve.steps) != len(curve.metrics):
            yield (
                f"$.expectation: expected as many metrics as steps, and one at least; got {len(curve.metrics)} metrics "
                f"and {len(curve.steps)} steps"
            )
        if any(later <= earlier for earlier, later in zip(curve.steps, curve.steps[1:], strict=False)):
            yield "$.expectation.steps: expected them to ascend"


def _wrong_looks(plan: Plan) -> Iterator[str]:
    """Yield what does not fit together in how a plan looks at its sides."""
    if list(plan.looks) != sorted(set(plan.looks)):
        yield "$.run.plan.looks: expected each to be later than the one before"
    anchors = 0 if plan.anchor_margin is None else 1
    if plan.looks and len(plan.sides) != 2 + anchors:
        yield "$.run.plan.sides: expected two that are looked at, and the anchor where there is a margin for one"


def storable_trial(trial: Trial) -> Trial:
    """Return a row that can be read back: long texts are cut, and values that cannot be are a failure that names them.

    >>> storable_trial(Trial(cell=Cell(loop="mine", workload="w", track="matched", device="cpu", batch_size=1), round=0,
    ...                      last_loss=float("nan"))).failure.message
    'reported what cannot be: $.trial.last_loss: expected a number from -1.79769e+308 to 1.79769e+308, got nan'
    """
    if trial.failure is not None:
        failure = trial.failure
        trial = replace(
            trial,
            failure=replace(
                failure,
                message=_cut(failure.message, most=LONGEST_TEXT),
                traceback=failure.traceback and _cut(failure.traceback, most=LONGEST_TRACEBACK),
            ),
        )
    wrong = next(wrong_values(trial, at="$.trial"), None)
    if wrong is None:
        return trial
    failure = Failure(
        kind=FailureKind.BROKEN_CONTRACT,
        phase="finish",
        message=_cut(f"reported what cannot be: {wrong}", most=LONGEST_TEXT),
    )
    return Trial(
        cell=trial.cell,
        round=trial.round,
        failure=failure,
        process_id=trial.process_id,
        loop_sha256=trial.loop_sha256,
        workload_sha256=trial.workload_sha256,
    )


def storable_verification(found: Verification) -> Verification:
    """Return the same with what is no number as a problem in words, since files of ours hold none but numbers."""
    lost = [gap for gap in found.gaps if not isfinite(gap.largest)]
    problem = found.problem
    if problem is None and lost:
        step = "" if lost[0].step is None else f" at step {lost[0].step}"
        problem = f"{lost[0].what}: not a number, or infinite{step}"
    finite = next((count for count, loss in enumerate(found.losses) if not isfinite(loss)), len(found.losses))
    return replace(
        found,
        gaps=tuple(gap for gap in found.gaps if isfinite(gap.largest)),
        losses=found.losses[:finite],
        problem=problem and _cut(problem, most=LONGEST_TEXT),
    )


def storable_expectation(curve: Expectation) -> Expectation | None:
    """Return the part of a curve that is made of numbers; None where it begins with none."""
    finite = next((count for count, value in enumerate(curve.metrics) if not isfinite(value)), len(curve.metrics))
    return replace(curve, steps=curve.steps[:finite], metrics=curve.metrics[:finite]) if finite else None


def _cut(text: str, *, most: int) -> str:
    """Return a text that is short enough, its end kept, where errors are named."""
    return text if len(text) <= most else f"...{text[-(most - 3) :]}"
