"""Tables for a paper: numbers that line up, and names that are text and nothing else."""

import re

import pytest

from bench import report as reporting
from bench.records.trial import FailureKind
from bench.report import latex
from bench.report.model import build


def rows(text):
    """Return the cells of each row of the first table, the header first."""
    body = text.split(r"\toprule")[1].split(r"\bottomrule")[0]
    lines = [line.strip().removesuffix(r"\\").strip() for line in body.splitlines()]
    return [re.split(r"(?<!\\) & ", line) for line in lines if line and not line.startswith("\\midrule")]


def test_each_loop_is_a_row_whose_numbers_are_those_of_the_table(report):
    """Thousands are not separated, which `siunitx` does itself; the baseline's speed-up is 1."""
    header, *loops = rows(reporting.render(report, format="latex"))

    assert ["ms/step", "samples/s"] == [name.strip("{}") for name in header[5:7]]
    (group,) = report.groups
    assert [row.step.replace(",", "") for row in group.rows] == [cells[5] for cells in loops]
    assert [rf"\texttt{{{row.loop}}}" for row in group.rows] == [cells[1] for cells in loops]
    assert "1" == loops[-1][3]
    assert re.fullmatch(r"2\d\.\d to 2\d\.\d", loops[0][4])


def test_columns_of_numbers_have_room_for_the_widest(report):
    """Whole digits and decimals, of which each column says how many."""
    text = latex.to_latex(report)

    kinds = re.search(r"\\begin\{tabular\}\{(.*)\}", text)[1]
    formats = re.findall(r"S\[table-format=(\d+)\.(\d+)\]", kinds)
    numbers = [[cells[place] for cells in rows(text)[1:]] for place in (3, 5, 6, 7)]
    assert formats == [
        (
            str(max(len(cell.partition(".")[0]) for cell in column)),
            str(max(len(cell.partition(".")[2]) for cell in column)),
        )
        for column in numbers
    ]


def test_the_caption_says_what_where_by_what_and_when(report):
    """A table in a paper stands alone."""
    caption = re.search(r"\\caption\{(.*)\}", latex.to_latex(report))[1]

    assert "mnist-mlp, CPU, batch 32" in caption
    assert "step time of tf-eager over the loop's" in caption
    assert "TensorFlow 2.21.0" in caption
    assert report.run_id in caption


@pytest.mark.parametrize("name", [r"\input{/etc/passwd}", "a_b & c%d", "$x^2$ #1", "~{}"])
def test_no_name_is_a_command(make_run, name):
    """It neither ends a cell nor begins a command, nor mathematics."""
    text = latex.to_latex(build(make_run(steps={name: 1e-3, "tf-eager": 2e-3})))

    (_, first, second) = rows(text)
    assert 8 == len(first) == len(second)
    shown = next(cells[1] for cells in (first, second) if "tf-eager" not in cells[1])
    bare = shown.removeprefix(r"\texttt{").removesuffix("}")
    assert not re.search(r"(?<!\\)[&%$#_]", bare)
    assert "\\input" not in text


def test_a_loop_that_failed_has_empty_cells(make_run, make_failure):
    """Never a zero, nor a word among numbers that `siunitx` cannot read."""
    failure = make_failure(kind=FailureKind.RAISED)
    text = latex.to_latex(build(make_run(failures={"tf-fit": failure})))

    failed = next(cells for cells in rows(text) if "tf-fit" in cells[1])
    assert "failed" == failed[2]
    assert {"", "{}"} >= set(failed[3:5])


def test_each_setting_has_a_table_of_its_own(make_run, make_cell):
    """Never ranked together."""
    cells = [make_cell(loop, batch_size=size) for size in (32, 256) for loop in ("tf-eager", "tf-fit")]

    text = latex.to_latex(build(make_run(cells=cells)))

    assert 2 == text.count(r"\begin{table}") == len(set(re.findall(r"\\label\{.*\}", text)))
