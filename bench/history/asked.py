"""What `bench sql` and `bench history` print."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import text
from bench.errors import NothingComparable
from bench.history import index, page, terminal
from bench.history.events import Judged, judge
from bench.history.index import Index
from bench.history.series import Wanted, read_series
from bench.text import display_name

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class History:
    """What `bench history` found."""

    judged: list[Judged]
    page: Path | None
    """None where none was wanted."""

    @property
    def table(self) -> "pd.DataFrame":
        """One row per run of each series: step in seconds, and as a multiple of the kernel's, with its level's."""
        import pandas as pd  # noqa: PLC0415 - loaded where it is used

        columns, rows = terminal.points(self.judged)
        return pd.DataFrame(rows, columns=list(columns))

    @property
    def events(self) -> "pd.DataFrame":
        """One row per change of a loop's step: since when, by how much, and what else changed there."""
        import pandas as pd  # noqa: PLC0415 - loaded where it is used

        series = (terminal.plain(one) for one in self.judged)
        return pd.DataFrame(
            [
                {key: one[key] for key in ("machine", "loop", "setting")} | event
                for one in series
                for event in one["events"]
            ]
        )

    def __repr__(self) -> str:
        """Return what `bench history` prints."""
        return self.text("table", encoding="utf-8")

    def text(self, output_format: str, *, encoding: str | None) -> str:
        """Return it as "table", "json", "csv" or "md"."""
        if output_format == "table":
            return terminal.to_text(self.judged, encoding=encoding)
        renderings = {"json": terminal.to_json, "csv": terminal.to_csv, "md": terminal.to_markdown}
        return renderings[output_format](self.judged)


def history(
    results: Path, wanted: Wanted, *, reports: Path | None, margin: float, tell: Callable[[str], None]
) -> History:
    """Judge the series that are wanted, and write their page.

    Args:
        results: Folder of the runs.
        wanted: Which series.
        reports: Folder of pages; None writes none.
        margin: Smallest change that is told.
        tell: Gets a line where this takes a while.

    Raises:
        NothingComparable: If no run fits.
        ResultsError: If no run is stored.
        UsageError: If what this needs is not installed.
    """
    index.require("duckdb", "ruptures")
    with Index.opened(results, tell=tell) as opened:
        judged = judge(opened, read_series(opened, wanted), margin=margin)
        runs = [] if reports is None else page.rows_of(opened)
    if not judged:
        raise NothingComparable(f"{results}: no stored run has numbers of what was asked for; see 'bench list runs'")
    written = None if reports is None else page.write(judged, runs=runs, reports=reports, margin=margin)
    return History(judged=judged, page=written)


def render(results: Path, query: str, *, output_format: str, tell: Callable[[str], None]) -> str:
    """Return the answer to a query as text.

    Args:
        results: Folder of the runs.
        query: SQL.
        output_format: "table", "json" (a list of objects), "csv" or "md".
        tell: Gets a line where this takes a while.

    Raises:
        UsageError: If the query cannot be understood.
        ResultsError: If no run is stored.
    """
    answer = index.ask(results, query, tell=tell)
    if output_format == "json":
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        return json.dumps(rows, indent=2, default=_plain)
    if output_format == "csv":
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(answer.columns)
        writer.writerows([_plain(value) for value in row] for row in answer.rows)
        return file.getvalue().rstrip("\n")
    shown = [[_shown(value) for value in row] for row in answer.rows]
    render_rows = text.piped if output_format == "md" else text.aligned
    return "\n".join(render_rows(answer.columns, shown)) if answer.columns else ""


def _plain(value: Any) -> Any:
    """Return a value that JSON and CSV know; times in ISO 8601, nothing for null in CSV."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, int | float | bool | str | list | dict) else str(value)


def _shown(value: Any) -> str:
    """Return a value for people: one line, six digits."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else display_name(str(value))
