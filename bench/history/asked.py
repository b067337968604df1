"""What `bench sql` prints."""

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import text
from bench.history import index
from bench.report.wording import display_name


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
