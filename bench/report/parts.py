"""Where the time of a step goes: parts with their shares, as rows, as bars and in one sentence.

Parts come from leaving them out (`bench.analysis.breakdown`). What a framework has compiled as one thing is divided
further by what its profiler has seen of it, where there is a profile, and says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import units
from bench.analysis.breakdown import DATA, FIT_STEP, REST, STEP, Breakdown
from bench.records.profile import Traced
from bench.report import wording
from bench.units import Seconds

_BAR = 40
"""Characters of a bar on a terminal."""
_FILLS = "█▓▒░▚▞▤▥"
_ASCII_FILLS = "#=+-:.*~"
_NAMES = {
    "forward": "forward pass",
    "backward": "backward pass",
    "optimizer": "optimizer",
    "metric": "metric",
    DATA: "fetching batches",
}
_WORTH_A_WORD = 0.1
"""Share of a step below which `fit()` itself is not worth a clause of its own."""
_MOSTLY_IDLE = 0.4
"""Share of a compiled step without any operation that is worth one."""
_MOSTLY_BUSY = 0.5
"""Share of a step in which an accelerator computes, below which the step is what its host makes of it."""
UNDER = "under"
"""Begins the time of a part that cannot be told from nothing."""
_IN_STEP = "other operations"
DISPATCH = "dispatch and waiting in the step"
FIT_ITSELF = "fit() itself"
AROUND = "the loop around the step"
PYTHON = "Python in the step"
WHOLE = "the compiled step"


@dataclass(frozen=True, kw_only=True, slots=True)
class PartRow:
    """A part of a step, for display."""

    name: str
    seconds: Seconds
    """Of a step; below zero where leaving it out saved nothing."""
    share: float
    """Of the step, from 0."""
    milliseconds: str
    """"0.21", or "under 0.02" where it cannot be told from nothing."""
    by_trace: bool
    """Whether the framework's profiler told it apart, and not leaving it out."""

    @property
    def text(self) -> str:
        """In words: "backward pass 0.21 ms (34 %)"; no share of what cannot be told from nothing."""
        share = f" ({units.percent(self.share)})" if self.is_told else ""
        return f"{self.name} {self.milliseconds} ms{share}"

    @property
    def is_told(self) -> bool:
        """Whether it can be told from nothing."""
        return not self.milliseconds.startswith(UNDER)


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakdownRow:
    """Where the time of a loop's step goes."""

    loop: str
    """Display name."""
    step: str
    """Milliseconds, as it is ranked by."""
    parts: tuple[PartRow, ...]
    """In the order of a step; empty where nothing could be left out."""
    sentence: str
    agreement: str
    """The whole step in the process that leaves parts out, as a share of the one that is ranked; empty without."""
    fetching: str
    """Milliseconds that fetching a batch takes alone, and a step on one batch again and again; empty without."""


def row(found: Breakdown, *, loop: str, step: str, traced: Traced | None = None) -> BreakdownRow:
    """Return one loop's parts for display.

    Args:
        found: What leaving parts out has told.
        loop: Display name.
        step: Milliseconds as they are ranked by.
        traced: What the framework's profiler saw of the same loop, if it was asked.
    """
    parts = tuple(rows(found, traced=traced))
    alone = [
        f"{what} {units.milliseconds(value)} ms"
        for what, value in (("fetching a batch", found.pipeline), ("a step on one batch", found.step_alone))
        if value is not None
    ]
    return BreakdownRow(
        loop=loop,
        step=step,
        parts=parts,
        sentence=sentence(parts, traced=traced),
        agreement="" if found.agreement is None else units.percent(found.agreement),
        fetching=wording.listing(alone) if alone else "",
    )


def rows(found: Breakdown, *, traced: Traced | None = None) -> Iterator[PartRow]:
    """Yield the parts of a step in the order in which it does them."""
    total = sum(found.parts.values())
    if total <= 0.0:
        return
    inner = [name for name in ("forward", "backward", "optimizer", "metric") if name in found.parts]
    for name in (DATA, *inner):
        if name in found.parts:
            yield _left_out(found, name, called=_NAMES[name], total=total)
    whole = next((name for name in (STEP, FIT_STEP) if name in found.parts), None)
    if whole is not None:
        if inner:
            yield _left_out(found, whole, called=PYTHON, total=total)
        elif traced is None or not traced.operations:
            yield _left_out(found, whole, called=WHOLE, total=total)
        else:
            yield from _divided(found.parts[whole], traced=traced, total=total)
    if REST in found.parts:
        called = {STEP: AROUND, FIT_STEP: FIT_ITSELF, None: "Python and the rest"}[whole]
        yield _left_out(found, REST, called=called, total=total)


def _left_out(found: Breakdown, name: str, *, called: str, total: Seconds) -> PartRow:
    """Return a part that was left out, or the rest."""
    seconds, bounds = found.parts[name], found.bounds.get(name)
    half_width = None if bounds is None else (bounds.high - bounds.low) / 2.0
    if seconds <= 0.0 or (bounds is not None and bounds.low <= 0.0):
        most = max(abs(seconds), 0.0 if bounds is None else bounds.high)
        milliseconds = f"{UNDER} {units.milliseconds(most)}"
    else:
        milliseconds = units.milliseconds(seconds, half_width=half_width)
    share = max(0.0, seconds / total)
    return PartRow(name=called, seconds=seconds, share=share, milliseconds=milliseconds, by_trace=False)


def _divided(seconds: Seconds, *, traced: Traced, total: Seconds) -> Iterator[PartRow]:
    """Yield what a compiled step is made of, as the trace divides it: operations by part, and no operation at all."""
    inside = traced.step_seconds - (traced.outside_seconds or 0.0)
    busy = min(1.0, traced.busy_seconds / inside) if inside > 0.0 else 1.0
    parts = traced.parts or {"other": traced.operation_seconds}
    of_operations = sum(parts.values()) or 1.0
    order = [*(name for name in _NAMES if name in parts), *(name for name in parts if name not in _NAMES)]
    divided = [
        (_NAMES.get(name, _IN_STEP if name == "other" else name), seconds * busy * parts[name] / of_operations)
        for name in order
    ]
    for name, value in (*divided, (DISPATCH, seconds * (1.0 - busy))):
        called = "operations" if name == _IN_STEP and not set(parts) & set(_NAMES) else name
        yield PartRow(
            name=called,
            seconds=value,
            share=max(0.0, value / total),
            milliseconds=units.number(value * 1e3, half_width=seconds * 1e3 / 100.0),
            by_trace=True,
        )


def sentence(parts: Sequence[PartRow], *, traced: Traced | None = None) -> str:
    """Return in one sentence where the time goes, and what that means."""
    if not parts:
        return "Nothing of this step could be left out, so it is not known where its time goes."
    told = [part for part in parts if part.is_told]
    if not told:
        return (
            "No part of this step can be told from nothing: its blocks differ too much. Measure on a quieter machine."
        )
    dearest = max(told, key=lambda part: part.share)
    clauses = [f"{units.percent(dearest.share)} of the step is {_in_words(dearest, parts=parts)}"]
    clauses += [_consequence(part) for part in told if part is not dearest and _is_worth_a_word(part)]
    total = sum(part.seconds for part in parts)
    if traced is not None and _is_waited_for(traced, total=total):
        clauses.append(
            f"the GPU computes for {units.milliseconds(traced.busy_seconds)} of {units.milliseconds(total)} ms, and "
            "waits for Python to launch the next operation otherwise: one program of many operations, as a CUDA graph "
            "or a compiled step is, launches them at once"
        )
    elif traced is not None and traced.operations and dearest.name not in (FIT_ITSELF, DISPATCH, AROUND, PYTHON):
        first = traced.operations[0]
        clauses.append(f"the dearest operation is {first.name}, {units.percent(first.share)} of all operations' time")
    return f"{'; '.join(clauses)}."


def _is_waited_for(traced: Traced, *, total: Seconds) -> bool:
    """Whether an accelerator has nothing to do for most of a step that was not traced, which takes longer."""
    return traced.on_device and traced.busy_seconds < _MOSTLY_BUSY * total


def _in_words(part: PartRow, *, parts: Sequence[PartRow]) -> str:
    """Return a part as a sentence goes on with it."""
    eager = any(one.name == PYTHON for one in parts) or not any(one.by_trace or one.name == WHOLE for one in parts)
    if part.name in (_NAMES["forward"], _NAMES["backward"], _NAMES["optimizer"]) and eager:
        return f"the {part.name} in single operations, each called from Python ({part.milliseconds} ms)"
    if part.name in (FIT_ITSELF, DISPATCH, AROUND, PYTHON):
        return _consequence(part).partition(" is ")[2] + f" ({part.milliseconds} ms)"
    article = "" if part.name.endswith(("operations", "batches", "step", "device")) else "the "
    return f"{article}{part.name} ({part.milliseconds} ms)"


def _is_worth_a_word(part: PartRow) -> bool:
    """Whether a part is named beside the dearest one."""
    least = {FIT_ITSELF: _WORTH_A_WORD, AROUND: _WORTH_A_WORD, DISPATCH: _MOSTLY_IDLE, PYTHON: _WORTH_A_WORD}
    return part.share >= least.get(part.name, 1.1) and part.seconds > 0.0


def _consequence(part: PartRow) -> str:
    """Return a part that computes nothing, with what hides it."""
    what = {
        FIT_ITSELF: "fit() itself, with its callbacks: many steps per call hide it",
        AROUND: "Python between two steps: many steps per call hide it",
        PYTHON: "Python between the operations of a step: a compiled step has none",
        DISPATCH: "dispatch in the step, while no operation runs: larger batches or many steps per call hide it",
    }[part.name]
    return f"{part.milliseconds} ms is {what}"


def bars(found: BreakdownRow, *, encoding: str) -> Iterator[str]:
    """Yield lines for a terminal: a stacked bar, and what its pieces are."""
    fills = _FILLS if encoding.lower().startswith("utf") else _ASCII_FILLS
    total = sum(part.share for part in found.parts) or 1.0
    bar = "".join(
        fill * round(_BAR * part.share / total) for fill, part in zip(_cycled(fills), found.parts, strict=False)
    )
    if bar:
        yield bar
    for fill, part in zip(_cycled(fills), found.parts, strict=False):
        yield f"{fill} {part.text}{', by the trace' if part.by_trace else ''}"


def _cycled(fills: str) -> Iterator[str]:
    """Yield fills without end."""
    while True:
        yield from fills
