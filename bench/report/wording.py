"""Words and numbers of one loop, as they stand in rows, sentences, notices and charts alike."""

from collections.abc import Iterable, Mapping, Sequence

from bench import text, units
from bench.analysis.intervals import Interval
from bench.analysis.summary import CellSummary, Group
from bench.analysis.total_time import BreakEvenSteps
from bench.analysis.verdict import Verdict
from bench.records import busy
from bench.records.cell import Setting
from bench.records.trial import Failure
from bench.records.words import LoopWords

Words = Mapping[str, LoopWords]
"""Loop -> what its source said of it, for the workload of one group; loops that say nothing are left out."""

display_name = text.display_name
"""Makes a name harmless, wherever it is to stand."""

BASELINE = "baseline"
"""Stands where a verdict would, in the row that the others are compared with."""

UNAVAILABLE = "unavailable"
"""Stands where a verdict would, for a loop that could not run here or whose turn never came."""

GLYPHS = {
    Verdict.FASTER: "▲",
    Verdict.SLOWER: "▼",
    Verdict.SAME: "≈",
    Verdict.UNCLEAR: "?",
    Verdict.INVALID: "✖",
    Verdict.FAILED: "✖",
    Verdict.NEW: "+",
    Verdict.REMOVED: "-",
}
"""A shape for each verdict, so that none is told by colour alone."""

WIDEST = 10.0
"""Beyond this the number itself says nothing."""

_REASON_LIMIT = 300
_ALTERNATIVES = 4


_ANSWERS = (Verdict.FASTER, Verdict.SLOWER, Verdict.SAME)


def setting_name(setting: Setting, *, without: str | None = None) -> str:
    """Return in words what cells that are ranked together have in common; what nobody chose is left out.

    Args:
        setting: Of a group.
        without: Name of a field that is left out, such as "batch_size" where batch sizes are swept.
    """
    parts = {
        "workload": display_name(setting.workload),
        "track": None if setting.track == "matched" else f"{setting.track} track",
        "device": setting.device.upper(),
        "batch_size": f"batch {units.count(setting.batch_size)}",
        "width": None if setting.width is None else f"width {units.count(setting.width)}",
        "dtype": setting.dtype,
        "threads": None if setting.threads is None else threads_text(setting.threads),
    }
    return ", ".join(part for axis, part in parts.items() if part is not None and axis != without)


def threads_text(threads: int) -> str:
    """Return "1 thread" or "2 threads"."""
    return f"{threads} thread{'' if threads == 1 else 's'}"


def listing(parts: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def alternatives(names: Sequence[str], *, word: str = "or") -> str:
    """Return "a", "a or b" or "a, b or c", and of a long list the first few; or with another word for "or"."""
    shown = list(names[:_ALTERNATIVES])
    if len(names) > _ALTERNATIVES:
        shown.append(f"{len(names) - _ALTERNATIVES} more")
    return f" {word} ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def of_workload(said: Iterable[LoopWords], *, workload: str) -> Words:
    """Return what a run's loops say of themselves when they train one workload."""
    return {words.loop: words for words in said if words.workload == workload}


def called(cell: CellSummary, *, words: Words) -> str:
    """Return a loop's name with what people call it, "tf-fit-stock, plain fit() on TensorFlow", as a sentence ends."""
    name, said = display_name(cell.cell.name), words.get(cell.cell.loop)
    return name if said is None else f"{name}, {display_name(said.title)}"


def called_within(cell: CellSummary, *, words: Words) -> str:
    """Return the same as it stands where a sentence goes on: "tf-fit-stock, plain fit() on TensorFlow,"."""
    return f"{called(cell, words=words)}{',' if cell.cell.loop in words else ''}"


def to_type(loops: Sequence[str], *, words: Words) -> str:
    """Return what to type for each of some loops that says so, or nothing."""
    said = [words[loop] for loop in dict.fromkeys(loops) if loop in words and words[loop].change]
    parts = [
        f"{display_name(one.loop)} ({display_name(one.title)}): {display_name(one.change)}"
        for one in said[:_ALTERNATIVES]
    ]
    return f"What to type in place of plain fit(), for {'; for '.join(parts)}." if parts else ""


def verdict_words(cell: CellSummary) -> tuple[str, str]:
    """Return the glyph and the word that stand for a verdict; no glyph for the baseline, which has none."""
    if cell.verdict is None:
        return "", BASELINE
    return ("-", UNAVAILABLE) if cell.never_ran else (GLYPHS[cell.verdict], str(cell.verdict))


def step_text(cell: CellSummary) -> str:
    """Return milliseconds per step with the digits that its interval supports."""
    return interval_milliseconds(cell.step)


def interval_milliseconds(step: Interval | None) -> str:
    """Return a step time in milliseconds with the digits that its interval supports."""
    if step is None:
        return units.NOT_AVAILABLE
    half_width = None if step.low is None or step.high is None else (step.high - step.low) / 2.0
    return units.milliseconds(step.estimate, half_width=half_width)


def speed_text(cell: CellSummary) -> str:
    """Return the speed-up in words."""
    return units.NOT_AVAILABLE if cell.speed_up is None else ratio_text(cell.speed_up)


def ratio_text(ratio: Interval) -> str:
    """Return a ratio of speeds in words, with the digits that its interval supports."""
    return units.speed(ratio.estimate, low=ratio.low, high=ratio.high)


def ratio_span(ratio: Interval | None) -> str:
    """Return the interval of a ratio of speeds in words."""
    return units.NOT_AVAILABLE if ratio is None else units.speed_span(ratio.estimate, low=ratio.low, high=ratio.high)


def width_text(relative_half_width: float | None) -> str:
    """Return "± 2.1 %", and a factor where per cent would be above a hundred: "a factor of 7.4", "a factor over 11"."""
    if relative_half_width is None:
        return units.NOT_AVAILABLE
    if relative_half_width <= 1.0:
        return f"± {units.percent(relative_half_width)}"
    over = "over" if relative_half_width > WIDEST else "of"
    return f"a factor {over} {1.0 + min(relative_half_width, WIDEST):.2g}"


def share_text(share: float) -> str:
    """Return "2.1 %", or "over 1,000 %", beyond which the number itself says nothing."""
    return f"{'over ' if share > WIDEST else ''}{units.percent(min(share, WIDEST))}"


def drift_text(cell: CellSummary) -> str:
    """Return how much slower a loop's processes were at their end than when measuring began, such as "+0.3 %"."""
    if cell.trace is None:
        return units.NOT_AVAILABLE
    drift = cell.trace.drift - 1.0
    return f"{'-' if drift < 0.0 else '+'}{units.percent(abs(drift))}"


def certainty(groups: Sequence[Group]) -> list[str]:
    """Return how many comparisons with the baseline have an answer, and between which bounds they lie.

    >>> certainty([])
    []
    """
    judged = [cell for group in groups for cell in group.cells if cell.verdict in (*_ANSWERS, Verdict.UNCLEAR)]
    if not judged:
        return []
    sizes = [cell.speed_up.relative_half_width for cell in judged if cell.speed_up is not None]
    known = [size for size in sizes if size is not None]
    certain = sum(cell.verdict in _ANSWERS for cell in judged)
    return [f"Order: certain for {certain} of {len(judged)}.", _size_text(max(known, default=None))]


def _size_text(widest: float | None) -> str:
    """Return within which bounds all speed-ups lie."""
    if widest is None:
        return "Size: not known."
    if widest <= WIDEST:
        return f"Size: within {width_text(widest)}."
    return f"Size: not known within a factor of {1.0 + WIDEST:.2g}."


def break_even_text(cell: CellSummary) -> str:
    """Return "after 145 steps", "until 145 steps", "at once" or "never"; "unclear" where the steady speed is."""
    if cell.break_even is None or not cell.is_ranked:
        return units.NOT_AVAILABLE
    if cell.verdict not in (Verdict.FASTER, Verdict.SLOWER):
        return str(Verdict.UNCLEAR)  # the crossing of two nearly parallel lines may lie anywhere
    return f"{cell.break_even.kind} {break_even_steps(cell, cell.break_even)}".rstrip()


def break_even_steps(cell: CellSummary, found: BreakEvenSteps) -> str:
    """Return "145 steps (120 to 160; 0.2 epochs)": the interval of a crossing, and what it is in epochs."""
    if found.steps is None:
        return ""
    bounded = found.low is not None and found.high is not None
    notes = [f"{units.about(found.low)} to {units.about(found.high)}" if bounded else "not bounded"]
    if cell.work.steps_per_epoch:
        notes.append(f"{units.number(found.steps / cell.work.steps_per_epoch)} epochs")
    return f"{units.about(found.steps)} steps ({'; '.join(notes)})"


def failure_text(cell: CellSummary) -> str:
    """Return why a loop has no rank: how many processes failed, where, and the first one's message."""
    if cell.too_busy:
        return f"too busy to tell: {busy_text(cell)}"
    if cell.verdict is Verdict.INVALID:
        return invalid_text(cell)
    total = cell.failed_trials + cell.finished_trials
    if cell.failure is None:
        return "the run ended before its turn came"
    if cell.never_ran:
        return _one_line(cell.failure.message)
    return f"{cell.failed_trials} of {total} processes failed: {_message(cell.failure)}"


def busy_text(cell: CellSummary) -> str:
    """Return how often other work took the processor away from a loop, and who was busy then."""
    found = cell.oddities.starvation
    if found is None:
        return "no other work took the processor away"
    rounds = f"{len(found.rounds)} of {found.finished} rounds"
    who = busy.told(found.programs)
    if found.is_crowd:
        return f"other work kept all processors busy in {rounds}; busy then: {who}"
    return f"other work took the processor away in {rounds}, {units.percent(found.share)} of the time; busy then: {who}"


def invalid_text(cell: CellSummary) -> str:
    """Return why a loop that was measured is not ranked."""
    if cell.verification is not None and not cell.verification.failed and cell.off_the_curve is not None:
        return f"its timed processes did not learn what they should have: {_one_line(cell.off_the_curve)}"
    if cell.verification is None:
        return "it was not checked against the reference"
    return f"it does not do the same work: {_one_line(cell.verification.reason or '')}"


def verified_text(cell: CellSummary) -> str:
    """Return whether a loop was shown to compute what it claims."""
    if cell.verification is None:
        return "not checked"
    if cell.verification.undecided:
        return "not verified"
    if cell.verification.failed:
        return "no"
    width = "" if cell.cell.width is None else ", at its own width"
    if cell.verification.framework_wide:
        return f"as `fit()`{width}"
    peer = cell.verification.peer
    return f"as {cell.verification.formula}{width}" if peer is None else f"only as {display_name(peer)}"


def _message(failure: Failure) -> str:
    """Return kind, phase and message of a failure."""
    return _one_line(f"{failure.kind} in {failure.phase}: {failure.message}")


def _one_line(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    text = display_name(" ".join(text.split()))
    return text if len(text) <= _REASON_LIMIT else f"{text[:_REASON_LIMIT]}... (all of it in journal.jsonl)"
