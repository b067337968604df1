"""What values a journal may hold, beyond their types: journals travel, and those of others are not believed.

`wrong_values` judges one record by `LIMITS`, `Contents` what lines say about one another. Both answer in words; the
journal adds file, line and way out. What is written is held to the same limits, so that whatever was written can be
read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from math import isfinite
from operator import attrgetter
from sys import float_info
from typing import Any, final

from bench.records.busy import BusyProgram
from bench.records.cell import AGAIN, CALIBRATION, Cell, Side
from bench.records.plan import Plan
from bench.records.prepared import PreparedWorkload
from bench.records.stored_run import AcceleratorState, Conditions, DatasetRecord, LeastStep, RunEnd, RunHeader
from bench.records.trial import Ablation, Block, BlockKind, Failure, FailureKind, Retry, Trial
from bench.records.verification import Expectation, Gap, Verification
from bench.records.words import LoopWords

LONGEST_NAME = 300
"""Characters; file systems stop at 255 bytes for a part of a path."""
LONGEST_LABEL = 1_000
LONGEST_TEXT = 200_000
"""Characters of a message, a command line or a fact."""
LONGEST_TRACEBACK = 1_000_000
LONGEST_IMAGES = 16_000_000
"""Characters of base64."""
MOST_ROUNDS = 1_000_000
MOST_ITEMS = 1_000_000
"""Of anything that is listed."""
MOST_STEPS = 10**12
MOST_IMAGES = 100_000
MOST_MARGIN = 100.0
"""A loop that may become a hundred times slower."""
_MOST_BYTES = 2**60
_MOST_OPERATIONS = 10**18
_LONGEST_SECONDS = 1e9
"""Thirty years."""
_SHORTEST_SECONDS = 1e-9
"""The clock counts nanoseconds."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `least` to `most`, both included; always finite. What is absent is for the type to allow."""

    least: float
    most: float

    def wrong(self, value: Any) -> str | None:
        """Say what would be right, if the value is not."""
        if isinstance(value, bool) or (isfinite_number(value) and self.least <= value <= self.most):
            return None
        return f"expected a number from {self.least:g} to {self.most:g}, got {_shown(value)}"


@dataclass(frozen=True, slots=True)
class Text:
    """A text of at most so many characters, and of at least so many."""

    most: int
    least: int = 0

    def wrong(self, value: Any) -> str | None:
        """Say what would be right, if the value is not."""
        if self.least <= len(value) <= self.most:
            return None
        return f"expected {self.least} to {self.most:,} characters, got {len(value):,}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    def wrong(self, value: Any) -> str | None:
        """Say what would be right, if the value is not."""
        return None if value in self.words else f"expected {' or '.join(self.words)}, got {_shown(value)}"


Limit = Number | Text | OneOf

_name, _text = Text(LONGEST_NAME, 1), Text(LONGEST_TEXT)
_seconds, _long_seconds = Number(0.0, _LONGEST_SECONDS), Number(_SHORTEST_SECONDS, _LONGEST_SECONDS)
_round = Number(0, MOST_ROUNDS - 1)
_count, _steps, _bytes = Number(0, MOST_ITEMS), Number(0, MOST_STEPS), Number(0, _MOST_BYTES)
_any_number = Number(-float_info.max, float_info.max)
_track, _device = OneOf(("matched", "guide", "pipeline")), OneOf(("cpu", "gpu"))
_dtype = OneOf(("float32", "mixed_bfloat16", "mixed_float16", "float64"))
_size, _threads = Number(1, 2**31), Number(1, 2**16)


def _each(limit: Limit, names: str) -> dict[str, Limit]:
    """Return one limit for several fields."""
    return dict.fromkeys(names.split(), limit)


LIMITS: dict[type, dict[str, Limit]] = {
    Cell: _each(_name, "loop workload side")
    | _each(_track, "track")
    | _each(_device, "device")
    | _each(_size, "batch_size width")
    | _each(_dtype, "dtype")
    | _each(_threads, "threads"),
    Side: _each(_name, "name") | _each(_text, "description interpreter python_path tree variables facts"),
    Plan: _each(Number(1, MOST_ROUNDS), "rounds")
    | _each(Number(1, MOST_ITEMS), "blocks_per_trial")
    | _each(Number(1, MOST_STEPS), "steps")
    | _each(_long_seconds, "block_seconds timeout time_budget")
    | _each(Number(0, 2**63 - 1), "seed")
    | _each(Number(0, MOST_IMAGES), "images")
    | _each(_count, "cpus")
    | _each(Number(1e-9, MOST_MARGIN), "margin margins precision")
    | _each(OneOf(("interleaved", "sequential")), "schedule")
    | _each(OneOf(("again", "count")), "on_busy")
    | _each(_name, "baseline")
    | _each(_text, "interpreters files"),
    PreparedWorkload: _each(_name, "workload side folder sha256 policy metrics pipeline")
    | _each(_size, "batch_size training_samples pipeline_batch_size")
    | _each(_count, "validation_samples")
    | _each(_text, "fallback"),
    DatasetRecord: _each(_name, "name sha256") | _each(_text, "source fallback"),
    RunHeader: _each(Number(1, MOST_ITEMS), "schema_version")
    | _each(_name, "run_id tool_version started")
    | _each(Text(LONGEST_LABEL), "label")
    | _each(_text, "command environment warnings"),
    LoopWords: _each(_name, "loop workload") | _each(_text, "title change"),
    AcceleratorState: _each(_count, "index")
    | _each(Number(0, 1e6), "megahertz")
    | _each(Number(-274, 1e4), "celsius")
    | _each(_text, "slowed_by"),
    Conditions: _each(_round, "round")
    | _each(Number(0, 1e6), "load_average others")
    | _each(Number(0, 1), "stolen")
    | _each(_seconds, "seconds"),
    BusyProgram: _each(_text, "name") | _each(_count, "processes") | _each(Number(0, 1e6), "cores"),
    LeastStep: _each(_name, "workload track")
    | _each(_size, "batch_size width")
    | _each(_dtype, "dtype")
    | _each(_threads, "threads")
    | _each(Number(1, _MOST_OPERATIONS), "operations")
    | _each(Number(1, _MOST_BYTES), "bytes")
    | _each(Number(1.0, 1e21), "operations_per_second bytes_per_second"),
    RunEnd: _each(_name, "ended"),
    Block: _each(OneOf(tuple(BlockKind)), "kind")
    | _each(Number(1, MOST_STEPS), "steps")
    | _each(_long_seconds, "seconds")
    | _each(_seconds, "started cpu_seconds waited_seconds")
    | _each(_steps, "involuntary_switches compilations"),
    Failure: _each(OneOf(tuple(FailureKind)), "kind")
    | _each(_name, "phase")
    | _each(_text, "message")
    | _each(Text(LONGEST_TRACEBACK), "traceback"),
    Ablation: _each(_name, "left_out") | _each(_seconds, "step_seconds"),
    Retry: _each(_round, "round"),
    Trial: _each(_round, "round")
    | _each(_seconds, "import_seconds build_seconds first_evaluation_seconds evaluation_seconds")
    | _each(_seconds, "pipeline_seconds step_alone_seconds")
    | _each(_bytes, "peak_memory_bytes device_peak_memory_bytes")
    | _each(_steps, "steps steps_per_epoch compiled")
    | _each(Number(0, MOST_STEPS * 2**31), "samples")
    | _each(_any_number, "first_loss last_loss training_metric validation_metric training_metrics validation_metrics")
    | _each(_name, "metric_name loop_sha256 workload_sha256")
    | _each(Text(LONGEST_IMAGES), "images")
    | _each(_text, "versions device_name")
    | _each(_count, "threads cpus")
    | _each(Number(0, 2**32), "process_id"),
    Gap: _each(_text, "what")
    | _each(_any_number, "largest")
    | _each(Number(1e-300, float_info.max), "allowed")
    | _each(Number(1, MOST_STEPS), "step"),
    Verification: _each(_name, "loop workload formula side peer")
    | _each(_device, "device")
    | _each(_any_number, "losses")
    | _each(_text, "problem reference remark"),
    Expectation: _each(_name, "workload")
    | _each(_track, "track")
    | _each(_size, "batch_size width")
    | _each(_dtype, "dtype")
    | _each(Number(1, MOST_STEPS), "steps")
    | _each(_any_number, "metrics"),
}
"""Record -> field -> what it may hold; of lists and dictionaries, what each value in them may. Every field that is
neither a record nor true or false has a limit; a test holds it."""


_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in LIMITS}
"""The fields of each record."""


def isfinite_number(value: Any) -> bool:
    """Return whether a value is a number that a float can hold."""
    try:
        return isfinite(value)
    except (OverflowError, TypeError):
        return False


def wrong_values(record: Any, *, at: str) -> Iterator[str]:
    """Yield what is wrong with a record and those in it, each with the way to the field.

    Args:
        record: Of one of the classes in `LIMITS`.
        at: The way to it, such as "$.trial".
    """
    limits = LIMITS[type(record)]
    for name in _NAMES[type(record)]:
        value, way = getattr(record, name), f"{at}.{name}"
        if value is None or isinstance(value, bool):
            continue
        if type(value) in LIMITS:
            yield from wrong_values(value, at=way)
            continue
        if way.endswith(".blocks") and all(map(_is_sound_block, value)):
            continue
        listed = isinstance(value, tuple | dict)
        if listed and len(value) > MOST_ITEMS:
            yield f"{way}: expected at most {MOST_ITEMS:,} items, got {len(value):,}"
            continue
        if isinstance(value, dict):
            yield from (f"{way}: {wrong}" for key in value if (wrong := _name.wrong(key)))
        for place, item in _items(value):
            if type(item) in LIMITS:
                yield from wrong_values(item, at=f"{way}{place}")
            elif (wrong := limits[name].wrong(item)) is not None:
                yield f"{way}{place}: {wrong}"


_BLOCK_NUMBERS = {name: limit for name, limit in LIMITS[Block].items() if isinstance(limit, Number)}
_numbers_of = attrgetter(*_BLOCK_NUMBERS)
_BOUNDS = tuple((limit.least, limit.most) for limit in _BLOCK_NUMBERS.values())


def _is_sound_block(block: Any) -> bool:
    """Return quickly that nothing is wrong with a block, of which a run has thousands; False has it looked at."""
    if type(block) is not Block or type(block.kind) is not BlockKind:
        return False
    try:
        return all(low <= number <= high for number, (low, high) in zip(_numbers_of(block), _BOUNDS, strict=True))
    except TypeError:
        return False


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    """Return what a field holds, with the place of each where there may be several."""
    if isinstance(value, tuple):
        return ((f"[{place}]", item) for place, item in enumerate(value))
    if isinstance(value, dict):
        return ((f"[{_shown(key)}]", item) for key, item in value.items())
    return (("", value),)


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
            yield f"$.run.run_id: expected the name of a folder, got {_shown(header.run_id)}"
        if not plan.cells:
            yield "$.run.plan.cells: expected at least one, got none"
            return
        if len(set(plan.cells)) < len(plan.cells):
            yield "$.run.plan.cells: expected each once"
        if plan.baseline not in {cell.loop for cell in plan.cells}:
            yield f"$.run.plan.baseline: expected the loop of a cell, got {_shown(plan.baseline)}"
        names = [side.name for side in plan.sides]
        if len(set(names)) < len(names) or {AGAIN, CALIBRATION} & set(names):
            yield "$.run.plan.sides: expected names that differ, and none of them a word of this tool"
        for number, cell in enumerate(plan.cells):
            if cell.side not in ({*names, AGAIN} if names else {None, AGAIN}):
                yield f"$.run.plan.cells[{number}].side: there is no side {_shown(cell.side)} in this plan"
            elif plan.twin_of(cell) not in plan.cells:
                yield f"$.run.plan.cells[{number}]: repeats a cell that is not in this plan"
        if plan.calibration is not None and plan.calibration.side != CALIBRATION:
            yield f"$.run.plan.calibration.side: expected {CALIBRATION}, got {_shown(plan.calibration.side)}"

    def wrong_trial(self, trial: Trial) -> Iterator[str]:
        """Yield what does not fit in one more row; it counts from now on."""
        if trial.cell not in self._cells and trial.cell != self._plan.calibration:
            yield f"$.trial.cell: {_shown(str(trial.cell))} is not in the plan"
        if not self._plan.adaptive and trial.round >= self._plan.most_rounds:
            yield f"$.trial.round: expected one below the planned {self._plan.most_rounds}, got {trial.round}"
        if trial.failure is None and not trial.blocks_of(BlockKind.MEASURED):
            yield "$.trial.blocks: expected a measured one, since nothing failed"
        if (trial.cell, trial.round) in self._rows:
            yield (
                f"$.trial: a second row of {_shown(str(trial.cell))} in round {trial.round} (counted from 0), so two "
                "processes wrote to this run, or a line was copied"
            )
        self._rows.add((trial.cell, trial.round))
        if trial.failure is not None:
            self._failed.add((trial.cell, trial.round))

    def wrong_retry(self, retry: Retry) -> Iterator[str]:
        """Yield what does not fit in setting a failed row aside; another one may follow from now on."""
        row = (retry.cell, retry.round)
        if row not in self._failed:
            yield f"$.retry: {_shown(str(retry.cell))} has no failed row in round {retry.round} (counted from 0)"
        self._failed.discard(row)
        self._rows.discard(row)

    def wrong_verification(self, found: Verification) -> Iterator[str]:
        """Yield what does not fit in what a check found."""
        if (found.loop, found.workload) not in {(cell.loop, cell.workload) for cell in self._cells}:
            yield f"$.verification: {_shown(f'{found.loop} on {found.workload}')} is not in the plan"

    def wrong_expectation(self, curve: Expectation) -> Iterator[str]:
        """Yield what does not fit in a curve that timed trials are held against."""
        if not curve.steps or len(curve.steps) != len(curve.metrics):
            yield (
                f"$.expectation: expected as many metrics as steps, and one at least; got {len(curve.metrics)} metrics "
                f"and {len(curve.steps)} steps"
            )
        if any(later <= earlier for earlier, later in zip(curve.steps, curve.steps[1:], strict=False)):
            yield "$.expectation.steps: expected them to ascend"


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


def _shown(value: Any) -> str:
    """Return a value as it can stand in a message: on one line and not too long."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of very many digits"
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."
