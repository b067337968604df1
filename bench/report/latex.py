"""The table of each setting in LaTeX, for a paper: rules of `booktabs`, numbers aligned by `siunitx`.

What people, loops and workloads are called is escaped (`bench.text.tex`); numbers have the digits that their intervals
support, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench import units
from bench.analysis.intervals import Interval
from bench.analysis.summary import CellSummary
from bench.report import wording
from bench.report.model import GroupReport, Report
from bench.report.rows import Row
from bench.text import tex

PREAMBLE = "% \\usepackage{booktabs}\n% \\usepackage{siunitx}\n"
"""What the document has to load."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """One column: its header, in LaTeX, and what stands below."""

    header: str
    cells: tuple[str, ...]
    number: bool = True

    @property
    def kind(self) -> str:
        """How the cells are aligned: numbers at their points, at the width of the widest."""
        parts = [cell.partition(".") for cell in self.cells if _is_number(cell)]
        if not self.number or not parts:
            return "l"
        whole, decimals = (max(len(part[place]) for part in parts) for place in (0, 2))
        return f"S[table-format={whole}.{decimals}]"

    def shown(self, place: int) -> str:
        """Return a cell; what is no number is braced, so that `siunitx` leaves it alone."""
        cell = self.cells[place]
        return cell if not self.number or _is_number(cell) else f"{{{tex(cell)}}}"


def to_latex(report: Report) -> str:
    """Return a table for each setting."""
    tables = [_table(group, report=report, number=number) for number, group in enumerate(report.groups, start=1)]
    return PREAMBLE + "\n".join(tables)


def _table(group: GroupReport, *, report: Report, number: int) -> str:
    """Return one table with its caption."""
    columns = _columns(group.rows, cells=group.cells)
    lines = [" & ".join(column.shown(place) for column in columns) + r" \\" for place in range(len(group.rows))]
    label = "".join(letter for letter in report.run_id if letter.isascii() and (letter.isalnum() or letter == "-"))
    return "\n".join(
        (
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{_caption(group, report=report)}}}",
            rf"  \label{{tab:{label}-{number}}}",
            rf"  \begin{{tabular}}{{{''.join(column.kind for column in columns)}}}",
            r"    \toprule",
            "    " + " & ".join(f"{{{column.header}}}" for column in columns) + r" \\",
            r"    \midrule",
            *(f"    {line}" for line in lines),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        )
    )


def _columns(rows: Sequence[Row], *, cells: Sequence[CellSummary]) -> list[_Column]:
    """Return the columns of one setting, fastest loop first."""
    ratios = [cell.speed_up for cell in cells]
    baseline = [row.verdict == wording.BASELINE for row in rows]
    return [
        _Column(header=r"\#", cells=tuple(tex(row.rank) for row in rows), number=False),
        _Column(header="Loop", cells=tuple(rf"\texttt{{{tex(row.loop)}}}" for row in rows), number=False),
        _Column(header="Verdict", cells=tuple(tex(row.verdict) for row in rows), number=False),
        _Column(
            header="Speed-up",
            cells=tuple("1" if one else _ratio(ratio) for one, ratio in zip(baseline, ratios, strict=True)),
        ),
        _Column(header=r"95\,\% interval", cells=tuple(map(_interval, ratios)), number=False),
        _Column(header="ms/step", cells=tuple(_plain(row.step) for row in rows)),
        _Column(header="samples/s", cells=tuple(_plain(row.samples_per_second) for row in rows)),
        _Column(header="first step, s", cells=tuple(_plain(row.first_step) for row in rows)),
    ]


def _caption(group: GroupReport, *, report: Report) -> str:
    """Return what was measured, against what, where and when."""
    sentences = (
        f"Training step of {group.name}",
        f"The speed-up is the step time of {group.baseline_name} over the loop's, the geometric mean over rounds",
        f"Differences below {units.percent(group.margin)} do not count",
        report.source,
    )
    return " ".join(f"{tex(sentence)}." for sentence in sentences)


def _ratio(ratio: Interval | None) -> str:
    """Return a ratio with the digits that its interval supports."""
    if ratio is None:
        return ""
    half_width = None if ratio.low is None or ratio.high is None else (ratio.high - ratio.low) / 2.0
    return _plain(units.number(ratio.estimate, half_width=half_width))


def _interval(ratio: Interval | None) -> str:
    """Return the interval of a ratio."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return ""
    low, _, high = units.span(ratio.low, ratio.high, estimate=ratio.estimate).partition(" to ")
    return f"{_plain(low)} to {_plain(high)}"


def _plain(number: str) -> str:
    """Return a number without separators between thousands, which `siunitx` puts in itself; nothing for none."""
    return "" if number == units.NOT_AVAILABLE else number.replace(",", "")


def _is_number(text: str) -> bool:
    """Whether `siunitx` can read it."""
    return text.replace(".", "", 1).isdecimal()
