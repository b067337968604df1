"""The answer, its tables and a picture as a piece of HTML, for a notebook's cell.

No name gets out of its place: text is escaped by pandas and `html.escape`, and a picture is an image of its own.
"""

from base64 import b64encode
from html import escape

from bench.report import plots, tables
from bench.report.model import GroupReport, Report

MOST_GROUPS = 3
"""Of a run of many settings: the page has them all."""


def to_html(report: Report) -> str:
    """Return the answer in a sentence, what to be careful about, and table and plot of each setting."""
    parts = [f"<p><strong>{escape(report.verdict)}</strong></p>"]
    for group in report.groups[:MOST_GROUPS]:
        if len(report.groups) > 1:
            parts.append(f"<h4>{escape(group.name)}</h4>")
        parts += _group(group, source=report.source)
    if (left := len(report.groups) - MOST_GROUPS) > 0:
        parts.append(f"<p>{left} more settings: see .table, or the page that .report() writes.</p>")
    parts += [f"<p>! {escape(notice.text)}</p>" for notice in report.notices if notice.lowers_trust]
    parts.append(f"<p>{escape(report.trust)}</p>")
    return f"<div>{''.join(parts)}</div>"


def _group(group: GroupReport, *, source: str) -> list[str]:
    """Return the table and the plot of a setting."""
    parts = [] if group.to_type is None else [f"<p>{escape(group.to_type)}</p>"]
    parts.append(tables.loops(group).frame.to_html(index=False, escape=True, border=0))
    parts += [f"<p>{escape(row.loop)}: {escape(row.reason)}</p>" for row in group.rows if row.reason]
    drawn = next((plot for plot in plots.draw(group, suffix="1", source=source) if plot.kind == "speed-up"), None)
    if drawn is not None:
        image = b64encode(drawn.svg.encode()).decode()
        parts.append(f'<img alt="{escape(drawn.sentence)}" src="data:image/svg+xml;base64,{image}">')
    return parts
