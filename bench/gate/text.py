"""What a gate says: a verdict file, a job summary, a terminal, an annotation."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from bench import text, units
from bench.analysis.verdict import Verdict
from bench.gate.judge import DECISIVE, is_refused
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
    loud = [row for row in result.loops if row.verdict not in quiet]
    folded = [row for row in result.loops if row.verdict in quiet]
    lines = [f"### {text.plain(headline(result))}", ""]
    lines += _markdown_table(loud)
    if folded:
        count = f"{len(folded)} {'loop' if len(folded) == 1 else 'loops'} without a clear change"
        lines += [f"<details><summary>{count}</summary>", "", *_markdown_table(folded), "</details>", ""]
    lines += [f"- {text.plain(remark)}" for remark in _remarks(result)]
    if result.base:
        lines += ["", f"Base: {text.plain(result.base)}. Head: {text.plain(result.head)}. {_measured(result)}"]
    return "\n".join(lines) + "\n"


def to_comment(result: GateResult) -> str:
    """Return the same as a comment on a pull request, with a mark that nobody sees, by which the next one finds it."""
    return f"{MARK}\n{to_markdown(result)}"


def to_text(result: GateResult) -> str:
    """Return the same for a terminal."""
    sentences = [f"  {row.loop}: {row.reason}" for row in result.loops]
    measured = [_measured(result)] if result.base else []
    return text.lines_of("\n".join([headline(result), *sentences, *_remarks(result), *measured]))


def headline(result: GateResult) -> str:
    """Return the outcome in one sentence."""
    decisive = DECISIVE.get(result.outcome, ())
    named = [row.loop for row in result.loops if row.verdict in decisive and row.accepted is None]
    more = len(named) - MOST_NAMED
    names = ", ".join(named[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    match result.outcome:
        case Outcome.PASSED:
            first = (
                "No slowdown beyond what is accepted." if any(row.accepted for row in result.loops) else "No slowdown."
            )
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
            first = "No slowdown; the base is out of date, as something is faster."
        case Outcome.ERROR | Outcome.INTERRUPTED | Outcome.FAULT:
            first = f"No verdict: {result.reason}"
    return " ".join([first, *_beside(result)])


def _regression(result: GateResult, *, names: str) -> str:
    """Return what is confirmed: slower steps, and what else has grown."""
    grown = [(row.loop, one.quantity) for row in result.loops for one in row.growth if one.exceeded]
    slower = [f"Slower, and confirmed by fresh rounds: {names}."] if names else []
    return " ".join(
        [*slower, *(f"More {quantity}, and confirmed by fresh rounds: {loop}." for loop, quantity in grown)]
    )


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


def _measured(result: GateResult) -> str:
    """Return how much was measured, and how quiet it was."""
    noise = units.NOT_AVAILABLE if result.noise is None else units.percent(result.noise)
    quiet = "" if result.noise is None else f" Identical loops came out {noise} apart."
    fresh = f", {result.confirmation_rounds} more to confirm" if result.confirmation_rounds else ""
    refused = ""
    if any(is_refused(row.budget, noise=result.noise) for row in result.loops):
        refused = (
            " Budgets below that are refused: no smaller slowdown is told from noise. More rounds, one thread or a"
            f" quieter machine lower it; a budget above {noise} holds here."
        )
    return f"{result.rounds} rounds, both sides in each{fresh}.{quiet}{refused}"


def _markdown_table(rows: Sequence[LoopVerdict]) -> list[str]:
    """Return a table of loops, or nothing."""
    cells = [(row.loop, row.verdict, units.percent(row.budget), row.reason) for row in rows]
    return [*piped(("Loop", "Verdict", "Budget", "Why"), cells), ""] if cells else []
