"""`bench publish`: a static site for any web server, of runs, histories and the pages of runs."""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from bench.errors import FileTrouble, ResultsError
from bench.files import PAGE, make_folder, pages_of, write_whole
from bench.history import FOLDER, index, page
from bench.history.events import judge
from bench.history.index import Index
from bench.history.series import Wanted, read_series
from bench.records import decisions, loading


def publish(
    results: Path, site: Path, *, reports: Path, render: int, margin: float, tell: Callable[[str], None]
) -> Path:
    """Write the whole site, and return its first page, which is written last.

    Pages of runs that are in ``reports`` are copied, unless the same are there already. What is in the folder and not
    ours stays.

    Args:
        results: Folder of the runs.
        site: Where it goes; made if it is not there.
        reports: Folder of pages.
        render: Of the newest runs without a page, so many get one; each takes seconds.
        margin: Smallest change that is told.
        tell: Gets a line where this takes a while.

    Raises:
        ResultsError: If no run is stored, or the site cannot be written.
        UsageError: If what this needs is not installed.
    """
    index.require("duckdb", "ruptures")
    with Index.opened(results, tell=tell) as opened:
        runs = page.rows_of(opened)
        judged = judge(opened, read_series(opened, Wanted()), margin=margin)
    if not runs:
        raise ResultsError(f"{results}: no run is stored; see 'bench list runs'")
    try:
        make_folder(site)
        _copy_pages([run.run for run in runs], reports=reports, site=site)
        have = pages_of(site)
        for run in [run.run for run in runs if run.run not in have][:render]:
            _render(results / run, site=site, tell=tell)
        page.write(judged, runs=runs, reports=site, margin=margin)
        addresses = {run: f"{quote(run)}/index.html" for run in pages_of(site)}
        text = page.runs_page(runs, addresses=addresses, back=f"{FOLDER}/{PAGE}", title="Runs")
        write_whole(site / PAGE, text.encode())
    except OSError as error:
        raise ResultsError(f"{error.filename}: cannot write the site ({error.strerror})") from error
    return site / PAGE


def _copy_pages(runs: list[str], *, reports: Path, site: Path) -> None:
    """Copy the pages of runs that are newer than what the site has of them."""
    there = pages_of(reports)
    for run in runs:
        source, target = reports / run / PAGE, site / run / PAGE
        if run in there and not (target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns):
            shutil.copytree(reports / run, site / run, dirs_exist_ok=True)


def _render(folder: Path, *, site: Path, tell: Callable[[str], None]) -> None:
    """Write the page of a run; one that cannot be read is told and passed over."""
    from bench import report  # noqa: PLC0415 - pandas and matplotlib take a second

    try:
        run = loading.load(folder)
        built = report.build(run, decision=decisions.load(folder))
    except (FileTrouble, ResultsError) as error:
        tell(f"no page of {folder.name}: {error}")
        return
    # Its raw data are not part of the site.
    report.write(run, folder=site / folder.name, results_folder=folder / "not-published", report=built)
    tell(f"wrote the page of {folder.name}")
