"""What a gate says: a verdict file, a job summary, a terminal, an annotation."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from bench import text, units
from bench.analysis.verdict import Verdict
from bench.gate.judge import DECISIVE
from bench.gate.result import GateResult, LoopVerdict, Outcome
from bench.text import piped

MOST_NAMED = 5
MARK = "<!-- bench gate -->"
"""First line of a comment on a pull request."""


def to_json(result: GateResult) -> str:
    """Return `bench-verdict.json`."""
    return json.dumps(asdict(result), indent=2) + "\n"


def to_markdown(result: GateResult) -> str:
    """Return a summary for a job page or a pull request: outcome first, loops that changed next, the rest folded."""
    quiet = (Verdict.SAME, Verdict.UNCLEAR)
    loud = [row for row in result.loops if row.verdict not in quiet or _has_crept(row)]
    folded = [row for row in result.loops if row not in loud]
    lines = [f"### {text.plain(headline(result))}", ""]
    lines += _markdown_table(loud)
    if folded:
        count = f"{len(folded)} {'loop' if len(folded) == 1 else 'loops'} without a clear change"
        lines += [f"<details><summary>{count}</summary>", "", *_markdown_table(folded), "</details>", ""]
    lines += [f"- {text.plain(remark)}" for remark in _remarks(result)]
    if result.base:
        lines += ["", f"{_sides(result)} {_measured(result)}"]
    return "\n".join(lines) + "\n"


def to_comment(result: GateResult) -> str:
    """Return the same as a comment on a pull request, with a mark that nobody sees, by which the next one finds it."""
    return f"{MARK}\n{to_markdown(result)}"


def to_text(result: GateResult) -> str:
    """Return the same for a terminal."""
    sentences = [sentence for row in result.loops for sentence in _sentences(row, result=result)]
    measured = [_measured(result)] if result.base else []
    return text.lines_of("\n".join([headline(result), *sentences, *_remarks(result), *measured]))


def _sentences(row: LoopVerdict, *, result: GateResult) -> Iterator[str]:
    """Yield what a terminal says of a loop."""
    yield f"  {row.loop}: {row.reason}"
    if row.anchor is not None:
        yield f"  {row.loop}, against the anchor {result.anchor}: {row.anchor.verdict}, {row.anchor.reason}"


def headline(result: GateResult) -> str:
    """Return the outcome in one sentence."""
    decisive = DECISIVE.get(result.outcome, ())
    rows = [row for row in result.loops if row.verdict in decisive and row.accepted is None]
    if result.outcome is Outcome.UNCLEAR:
        rows = [row for row in result.loops if Verdict.UNCLEAR in (row.verdict, row.anchor and row.anchor.verdict)]
    named = [row.loop for row in rows]
    more = len(named) - MOST_NAMED
    names = ", ".join(named[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    match result.outcome:
        case Outcome.PASSED:
            accepted = any(row.accepted for row in result.loops)
            first = f"No slowdown beyond {'what is accepted' if accepted else 'the budget'}."
        case Outcome.REGRESSION:
            first = _regression(result, names=names)
        case Outcome.UNCLEAR:
            first = f"No slowdown is confirmed, and none can be ruled out for {names}."
        case Outcome.NOT_COMPARABLE:
            first = "Not comparable." if result.loops else f"Nothing could be compared: {result.reason}"
        case Outcome.FAILED:
            first = f"Failed: {names or result.reason}."
        case Outcome.NOTHING:
            first = f"Nothing to compare{f': {result.reason}' if result.reason else ' yet'}."
        case Outcome.OUTDATED:
            first = "No slowdown beyond the budget; the base is out of date, as something is faster."
        case Outcome.ERROR | Outcome.INTERRUPTED | Outcome.FAULT:
            first = f"No verdict: {result.reason}"
    return " ".join([first, *_beside(result)])


def _regression(result: GateResult, *, names: str) -> str:
    """Return what is confirmed: slower steps, against the base or in all since the anchor, and what else has grown."""
    how = "confirmed by fresh rounds" if result.confirmation_rounds else "confirmed"
    grown = [(row.loop, one.quantity) for row in result.loops for one in row.growth if one.exceeded]
    crept = [row.loop for row in result.loops if _has_crept(row)]
    slower = [f"Slower, and {how}: {names}."] if names else []
    slower += [f"Slower than the anchor {result.anchor}, in all: {', '.join(crept)}."] if crept else []
    return " ".join([*slower, *(f"More {quantity}, and {how}: {loop}." for loop, quantity in grown)])


def _has_crept(row: LoopVerdict) -> bool:
    """Whether a loop is slower than the anchor, which nobody has accepted."""
    return row.anchor is not None and row.anchor.verdict == Verdict.SLOWER and row.anchor.accepted is None


def _beside(result: GateResult) -> Iterator[str]:
    """Yield what a headline has to say of loops that it did not name yet."""
    words = (Verdict.REMOVED, "Removed"), (Verdict.NEW, "New"), (Verdict.FASTER, "Faster")
    for word, title in words:
        named = [row.loop for row in result.loops if row.verdict == word]
        if named:
            yield f"{title}: {', '.join(named)}."


def _remarks(result: GateResult) -> list[str]:
    """Return what else has grown, and what a reader should know of the numbers."""
    grown = [f"{row.loop}: {one.reason}" for row in result.loops for one in row.growth]
    return [*grown, *result.notes]


def annotation(result: GateResult) -> str | None:
    """Return the one line that makes GitHub mark the job, or None when there is nothing to mark."""
    if result.exit_code == 0:
        return None
    told = text.display_name(headline(result)).replace("%", "%25")  # GitHub reads codes after a per cent sign
    return f"::error title=bench gate::{told} See the job summary."


def _sides(result: GateResult) -> str:
    """Return what was compared."""
    anchor = "" if result.anchor is None else f" Anchor: {text.plain(result.anchor)}."
    return f"Base: {text.plain(result.base)}. Head: {text.plain(result.head)}.{anchor}"


def _measured(result: GateResult) -> str:
    """Return how much was measured, and whether equal things came out equal."""
    fresh = f", {result.confirmation_rounds} more to confirm" if result.confirmation_rounds else ""
    apart = "" if result.noise is None else f" Identical code came out {units.percent(result.noise)} apart here"
    pooled = result.identical
    if pooled is None:
        return f"{result.rounds} rounds, both sides in each{fresh}.{apart}{'.' if apart else ''}"
    span = ""
    if pooled.low is not None and pooled.high is not None:
        span = f" ({_signed(pooled.low)} to {_signed(pooled.high)})"
    runs = f"{pooled.runs} {'run' if pooled.runs == 1 else 'runs'} of this machine"
    both = f"{apart}, and {_signed(pooled.apart)}{span} over {runs}" if apart else ""
    return f"{result.rounds} rounds, both sides in each{fresh}.{both}{'.' if both else ''}"


def _signed(change: float) -> str:
    """Return a change in per cent with its sign."""
    return f"{'-' if change < 0 else '+'}{units.percent(abs(change))}"


def _markdown_table(rows: Sequence[LoopVerdict]) -> list[str]:
    """Return a table of loops, or nothing; what small changes came to since the anchor stands in rows of its own."""
    cells = []
    for row in rows:
        cells.append((row.loop, row.verdict, units.percent(row.budget), row.reason))
        if row.anchor is not None:
            since = row.anchor
            cells.append((f"{row.loop}, since the anchor", since.verdict, units.percent(since.budget), since.reason))
    return [*piped(("Loop", "Verdict", "Budget", "Why"), cells), ""] if cells else []
