"""Write the tables of measured numbers in README.md and docs/ from the stored reference runs.

    python tools/write_docs.py            writes them
    python tools/write_docs.py --check    writes nothing; names the files that differ, exit code 1

A table stands between `<!-- numbers: NAME -->` and `<!-- end -->`; NAME is a function below and the run in
results/reference that it reads.
"""

import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench import units
from bench.analysis import summary
from bench.analysis.summary import CellSummary
from bench.records import journal, loading
from bench.records.stored_run import Run
from bench.report import advice, rows, wording

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "docs/results.md")
BLOCK = re.compile(r"(<!-- numbers: (?P<name>\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def default(run: Run) -> str:
    """The loops of one group, fastest first, against its baseline."""
    [group] = summary.summarise(run)
    lines = []
    for cell, rank in zip(group.cells, rows.ranks(group.cells), strict=True):
        row = rows.main_row(cell, rank=rank)
        against = ("", "") if cell.speed_up is None else (row.speed_up, row.interval)
        name = f"`{row.loop}`"
        lines.append((rank, name, row.verdict_text, *against, row.step, row.samples_per_second, row.first_step))
    heads = ("#", "loop", "verdict", "speed-up", "95 % interval", "ms/step", "samples/s", "first step s")
    return table(heads, lines, align="rllllrrr")


def fastest(run: Run) -> str:
    """How far from the least step, and against the baseline; the least step in a sentence before it."""
    [group] = summary.summarise(run)
    assert group.least_step is not None
    lines = []
    for cell in group.cells:
        row = rows.main_row(cell, rank="")
        against = ("", "") if cell.speed_up is None else (row.speed_up, row.interval)
        lines.append((f"`{row.loop}`", *against, row.step, times(cell, least=group.least_step.step_seconds)))
    heads = ("loop", f"against `{group.baseline}`", "95 % interval", "ms/step", "times the least step")
    where = {1: "one core", 2: "both cores"}[group.least_step.threads]
    sentence = (
        "The least step is what its operations take at the speed of a large matrix product, measured in the\n"
        f"same run: {units.milliseconds(group.least_step.step_seconds)} ms on {where}."
    )
    return f"{sentence}\n\n{table(heads, lines, align='lrrrr')}"


def times(cell: CellSummary, *, least: units.Seconds) -> str:
    """How many times the least step a step takes, with the digits that the interval of the step supports."""
    step = cell.step
    if step is None:
        return units.NOT_AVAILABLE
    half_width = None if step.low is None or step.high is None else (step.high - step.low) / 2.0 / least
    return units.number(step.estimate / least, half_width=half_width)


def sweep(run: Run) -> str:
    """Milliseconds per step by batch size, and what `fit()` costs over the fastest loop by hand of its framework."""
    groups = summary.summarise(run)
    by_size = {group.setting.batch_size: {cell.cell.loop: cell for cell in group.cells} for group in groups}
    costs = {
        (size, found.loop): f" ({difference(found.ratio.estimate)})"
        for size, one in zip(by_size, advice.build(run, groups), strict=True)
        for found in one.conveniences
    }
    first = groups[0].cells
    lines = [
        (
            f"`{name}`",
            *(f"{wording.step_text(cells[name])}{costs.get((size, name), '')}" for size, cells in by_size.items()),
        )
        for name in (cell.cell.loop for cell in first)
    ]
    heads = ("loop", *(f"batch {units.count(size)}" for size in by_size))
    return table(heads, lines, align="l" + "r" * len(by_size))


def compute(run: Run) -> str:
    """Place and milliseconds per step of each loop by workload and batch size, the fastest set in bold."""
    columns = {}
    for group in summary.summarise(run):
        places = {}
        for cell, rank in zip(group.cells, rows.ranks(group.cells), strict=True):
            mark = "**" if rank in ("1", "1=") else ""
            places[cell.cell.loop] = f"{mark}{rank} · {wording.step_text(cell)}{mark}"
        columns[f"{group.setting.workload}, {group.setting.batch_size}"] = places
    lines = [
        (f"`{name}`", *(cells.get(name, "") for cells in columns.values()))
        for name in dict.fromkeys(cell.loop for cell in run.header.plan.cells)
    ]
    return table(("loop", *columns), lines, align="l" + "r" * len(columns))


def gpu(run: Run) -> str:
    """Milliseconds per step of each process: two say more than an interval of two."""
    [group] = summary.summarise(run)
    rounds = sorted({number for cell in group.cells for number in cell.process_steps})
    lines = [
        (f"`{cell.cell.loop}`", *(units.milliseconds(cell.process_steps[number]) for number in rounds))
        for cell in group.cells
    ]
    return table(("loop", *(f"round {number + 1}" for number in rounds)), lines, align="l" + "r" * len(rounds))


def difference(ratio: float) -> str:
    """How much more or less time something takes."""
    return f"{units.percent(abs(ratio - 1.0))} {'more' if ratio > 1.0 else 'less'}"


TABLES: dict[str, Callable[[Run], str]] = {
    "default": default,
    "fastest": fastest,
    "sweep": sweep,
    "compute": compute,
    "gpu": gpu,
}


def table(heads: Iterable[str], lines: Iterable[Sequence[str]], *, align: str) -> str:
    """A Markdown table."""
    marks = "|".join("--:" if side == "r" else ":--" for side in align)
    first, *rest = ("|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in (heads, *lines))
    return "\n".join((first, f"|{marks}|", *rest))


def numbers(name: str) -> str:
    """One block's content."""
    return TABLES[name](loading.load(journal.find(ROOT / "results" / "reference", name)))


def written(text: str) -> str:
    """A document with all its tables written again."""
    return BLOCK.sub(lambda block: f"{block[1]}{numbers(block['name'])}\n{block[3]}", text)


def differing() -> list[Path]:
    """The documents whose tables are not those of the stored runs."""
    return [path for path in documents() if path.read_text() != written(path.read_text())]


def documents() -> list[Path]:
    """The files that numbers stand in."""
    return [ROOT / name for name in DOCUMENTS]


def main() -> int:
    """Write or check."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file differs")
    check = parser.parse_args().check
    found = differing()
    for path in found:
        print(f"{path.relative_to(ROOT)}: {'not what the stored runs say' if check else 'written'}")
        if not check:
            path.write_text(written(path.read_text()))
    return 1 if found and check else 0


if __name__ == "__main__":
    sys.exit(main())
