"""What each stored value may be: numbers within bounds, texts of at most so many characters, words of a list."""

from dataclasses import dataclass
from math import isfinite
from sys import float_info
from typing import Any

from bench.records.busy import BusyProgram
from bench.records.cell import Cell, Side
from bench.records.decision import Decision
from bench.records.plan import Plan
from bench.records.prepared import PreparedWorkload
from bench.records.profile import MemoryReading, Operation, Profile, Sampled, Traced
from bench.records.stored_run import (
    AcceleratorState,
    Conditions,
    DatasetRecord,
    Extension,
    LeastStep,
    RunEnd,
    RunHeader,
)
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
FEWEST_LOOKED_AT = 2
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
        return f"expected a number from {self.least:g} to {self.most:g}, got {shown(value)}"


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
        return None if value in self.words else f"expected {' or '.join(self.words)}, got {shown(value)}"


Limit = Number | Text | OneOf

NAME, _text = Text(LONGEST_NAME, 1), Text(LONGEST_TEXT)
_seconds, _long_seconds = Number(0.0, _LONGEST_SECONDS), Number(_SHORTEST_SECONDS, _LONGEST_SECONDS)
_share = Number(0.0, 1.0 + 1e-9)
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
    Cell: _each(NAME, "loop workload side")
    | _each(_track, "track")
    | _each(_device, "device")
    | _each(_size, "batch_size width")
    | _each(_dtype, "dtype")
    | _each(_threads, "threads"),
    Side: _each(NAME, "name") | _each(_text, "description interpreter python_path tree variables facts"),
    Plan: _each(Number(1, MOST_ROUNDS), "rounds")
    | _each(Number(FEWEST_LOOKED_AT, MOST_ROUNDS), "looks")
    | _each(Number(1, MOST_ITEMS), "blocks_per_trial blocks_per_turn")
    | _each(Number(1, MOST_STEPS), "steps")
    | _each(_long_seconds, "block_seconds timeout time_budget")
    | _each(_seconds, "run_in_seconds")
    | _each(Number(0, 2**63 - 1), "seed")
    | _each(Number(0, MOST_IMAGES), "images")
    | _each(_count, "cpus")
    | _each(Number(1e-9, MOST_MARGIN), "margin margins anchor_margin precision")
    | _each(OneOf(("interleaved", "sequential")), "schedule")
    | _each(OneOf(("again", "count")), "on_busy")
    | _each(NAME, "baseline profile")
    | _each(_text, "interpreters files"),
    PreparedWorkload: _each(NAME, "workload side folder sha256 policy metrics pipeline")
    | _each(_size, "batch_size training_samples pipeline_batch_size")
    | _each(_bytes, "validation_samples operations state_bytes sample_bytes")
    | _each(_text, "fallback"),
    DatasetRecord: _each(NAME, "name sha256") | _each(_text, "source fallback"),
    RunHeader: _each(Number(1, MOST_ITEMS), "schema_version")
    | _each(NAME, "run_id tool_version started")
    | _each(Text(LONGEST_LABEL), "label")
    | _each(_text, "command environment warnings"),
    LoopWords: _each(NAME, "loop workload") | _each(_text, "title change caution"),
    AcceleratorState: _each(_count, "index")
    | _each(Number(0, 1e6), "megahertz")
    | _each(Number(-274, 1e4), "celsius")
    | _each(_text, "slowed_by"),
    Conditions: _each(_round, "round")
    | _each(Number(0, 1e6), "load_average others")
    | _each(Number(0, 1), "stolen")
    | _each(_seconds, "seconds"),
    BusyProgram: _each(_text, "name") | _each(_count, "processes") | _each(Number(0, 1e6), "cores"),
    LeastStep: _each(NAME, "workload track")
    | _each(_size, "batch_size width")
    | _each(_dtype, "dtype")
    | _each(_threads, "threads")
    | _each(Number(1, _MOST_OPERATIONS), "operations")
    | _each(Number(1, _MOST_BYTES), "bytes")
    | _each(Number(1.0, 1e21), "operations_per_second bytes_per_second"),
    RunEnd: _each(NAME, "ended"),
    Block: _each(OneOf(tuple(BlockKind)), "kind")
    | _each(Number(1, MOST_STEPS), "steps")
    | _each(_long_seconds, "seconds")
    | _each(_seconds, "started cpu_seconds waited_seconds")
    | _each(_steps, "involuntary_switches compilations"),
    Failure: _each(OneOf(tuple(FailureKind)), "kind")
    | _each(NAME, "phase")
    | _each(_text, "message")
    | _each(Text(LONGEST_TRACEBACK), "traceback"),
    Ablation: _each(NAME, "left_out") | _each(_seconds, "step_seconds block_step_seconds"),
    Operation: _each(_text, "name") | _each(_steps, "calls") | _each(_seconds, "step_seconds") | _each(_share, "share"),
    Traced: _each(Number(1, MOST_STEPS), "steps")
    | _each(_steps, "kinds")
    | _each(_seconds, "step_seconds operation_seconds busy_seconds parts outside_seconds"),
    Sampled: _each(_steps, "samples") | _each(_seconds, "step_seconds") | _each(_share, "shares"),
    MemoryReading: _each(_seconds, "seconds") | _each(_bytes, "bytes") | _each(NAME, "phase"),
    Profile: _each(NAME, "schema backend files")
    | _each(_seconds, "block_step_seconds pipeline_seconds step_alone_seconds")
    | _each(_text, "versions missing"),
    Decision: _each(NAME, "schema runs") | _each(_text, "word sentence base head anchor budgets comment"),
    Retry: _each(_round, "round"),
    Extension: _each(Number(1, MOST_ROUNDS), "rounds") | _each(_text, "command started"),
    Trial: _each(_round, "round")
    | _each(_seconds, "import_seconds build_seconds first_evaluation_seconds evaluation_seconds")
    | _each(_seconds, "pipeline_seconds step_alone_seconds")
    | _each(_bytes, "peak_memory_bytes device_peak_memory_bytes")
    | _each(_steps, "steps steps_per_epoch compiled")
    | _each(Number(0, MOST_STEPS * 2**31), "samples")
    | _each(_any_number, "first_loss last_loss training_metric validation_metric training_metrics validation_metrics")
    | _each(NAME, "metric_name loop_sha256 workload_sha256")
    | _each(Text(LONGEST_IMAGES), "images")
    | _each(_text, "versions device_name guests")
    | _each(_count, "threads cpus")
    | _each(Number(0, 2**32), "process_id"),
    Gap: _each(_text, "what")
    | _each(_any_number, "largest")
    | _each(Number(1e-300, float_info.max), "allowed")
    | _each(Number(1, MOST_STEPS), "step"),
    Verification: _each(NAME, "loop workload formula side peer")
    | _each(_device, "device")
    | _each(_any_number, "losses")
    | _each(_text, "problem reference remark"),
    Expectation: _each(NAME, "workload")
    | _each(_track, "track")
    | _each(_size, "batch_size width")
    | _each(_dtype, "dtype")
    | _each(Number(1, MOST_STEPS), "steps")
    | _each(_any_number, "metrics"),
}
"""Record -> field -> what it may hold; of lists and dictionaries, what each value in them may. Every field that is
neither a record nor true or false has a limit; a test holds it."""


def isfinite_number(value: Any) -> bool:
    """Return whether a value is a number that a float can hold."""
    try:
        return isfinite(value)
    except (OverflowError, TypeError):
        return False


def shown(value: Any) -> str:
    """Return a value as it can stand in a message: on one line and not too long."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of very many digits"
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."
