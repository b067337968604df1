"""The page of many machines: what to use where, then pictures, then every number."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from bench.analysis.many_machines import Column, Matrix
from bench.files import PAGE, make_folder, pages_of, write_whole
from bench.report import machines_picture, matrix, plain_page, wording
from bench.report.matrix import Matrices
from bench.text import display_name

HOW_TO_READ = (
    *matrix.READING,
    "Pictures: a row for each machine, right is faster, the bar is the interval; all of a section have one scale.",
    "Intervals hold 95 % for all loops of a machine together; ranks and marks follow from them.",
    "Mean and interval over machines take each machine for one draw from machines like these (random effects).",
    "The last column holds what one more such machine would say, nineteen times in twenty.",
)


def write(matrices: Matrices, *, folder: Path, reports: Path) -> Path:
    """Write the page, and return its path.

    Args:
        matrices: At least one.
        folder: Where it goes, directly below ``reports``.
        reports: Folder of pages, to which of those of the runs it leads.

    Raises:
        FileTrouble: If it cannot be written.
    """
    make_folder(folder)
    addresses = {run: f"../{quote(run)}/{PAGE}" for run in pages_of(reports)}
    page = folder / PAGE
    write_whole(page, to_html(matrices, addresses=addresses).encode())
    return page


def to_html(matrices: Matrices, *, addresses: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        matrices: What to show, in order.
        addresses: Run -> address of its page, where it has one.
    """
    several = len(matrices) > 1
    return plain_page.render(
        "matrix.html.j2",
        title="Loops on many machines",
        headlines=[
            f"{matrix.title(one)}: {matrix.headline(one)}" if several else matrix.headline(one) for one in matrices
        ],
        sections=[_section(one, addresses=addresses) for one in matrices],
        reading=HOW_TO_READ,
    )


def _section(found: Matrix, *, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return what the template shows of one matrix."""
    header, rows = matrix.table(found)
    short = machines_picture.letters(len(found.columns))
    return {
        "title": matrix.title(found),
        "baseline": display_name(found.baseline),
        "sentences": list(matrix.sentences(found)),
        "figures": [
            {"loop": display_name(loop), "svg": Markup(svg)}  # noqa: S704 - written and escaped here
            for loop, svg in machines_picture.draw(found).items()
        ],
        "header": [header[0], *(f"{letter} {name}" for letter, name in zip(short, header[1:], strict=True))],
        "rows": rows,
        "summary": matrix.summary(found),
        "machines": [
            _machine(column, letter=letter, name=name, addresses=addresses)
            for letter, name, column in zip(short, header[1:], found.columns, strict=True)
        ],
        "remarks": list(matrix.remarks(found)),
    }


def _machine(column: Column, *, letter: str, name: str, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of the list of machines."""
    machine, run = column.machine, column.run.header
    memory = "n/a" if machine.memory_gibibytes is None else f"{machine.memory_gibibytes} GiB"
    return {
        "letter": letter,
        "name": name,
        "run": display_name(run.run_id),
        "address": addresses.get(run.run_id),
        "facts": [
            display_name(fact)
            for fact in (
                machine.processor,
                machine.cores,
                memory,
                wording.listing(machine.accelerators) if machine.accelerators else "none",
                machine.operating_system,
                run.started[:16].replace("T", " "),
            )
        ],
    }
