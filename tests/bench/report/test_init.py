"""The report's public surface, and that terminal, Markdown and page say what `report.json` says, row by row."""

import html
import io
import json
import random
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from rich.console import Console

from bench import report as reporting
from bench.records.trial import FailureKind
from bench.report import page, pictures, plots, terminal
from bench.report.model import build

FIELDS = ("loop", "verdict", "speed_up", "step")

VERDICTS = "faster|slower|same|unclear|invalid|failed|unavailable|baseline"

TERMINAL_ROW = re.compile(
    rf"(?P<rank>\d+=?|-|n/a) +(?P<loop>\S+) +(?:\S )?(?P<verdict>{VERDICTS}) +"
    r"(?P<speed_up>n/a|[\d.,]+x(?: faster| slower)?) +(?P<interval>.+?) +(?P<step>n/a|[\d.,]+)$"
)


def test_the_public_names_are_these():
    """Nothing else is promised."""
    assert ["Change", "DataFile", "Report", "build", "render", "write"] == sorted(reporting.__all__)


@pytest.mark.parametrize(
    ("output_format", "beginning"),
    [
        ("table", "tf-function is the fastest loop: 21.7x faster than tf-eager"),
        ("json", '{\n  "schema": "bench-report/2",\n'),
        ("csv", "run_id,workload,track,batch_size,width,dtype,device,threads,rank,loop,"),
        ("md", "### Training-loop speed: mnist-mlp\n"),
    ],
)
def test_every_format_is_text_that_ends_with_one_line_break(report, output_format, beginning):
    """The four formats of the command line."""
    text = reporting.render(report, format=output_format)

    assert text.startswith(beginning)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_writing_makes_a_folder_with_page_model_markdown_and_plots(make_run, tmp_path):
    """Everything that the page links to, and nothing half-written."""
    results = tmp_path / "results" / "a run"
    results.mkdir(parents=True)
    (results / "journal.jsonl").touch()
    (results / "logs").mkdir()

    page = reporting.write(make_run(), folder=tmp_path / "reports" / "a run", results_folder=results)

    assert tmp_path / "reports" / "a run" / "index.html" == page
    assert [
        "break-even-1.png",
        "break-even-1.svg",
        "index.html",
        "report.json",
        "report.md",
        "speed-up-1.png",
        "speed-up-1.svg",
        "step-time-1.png",
        "step-time-1.svg",
        "trace-1.png",
        "trace-1.svg",
    ] == sorted(path.name for path in page.parent.iterdir())
    assert '<a href="../../results/a%20run/journal.jsonl">journal.jsonl</a>' in page.read_text(encoding="utf-8")
    assert [{"name": "journal.jsonl", "address": "../../results/a%20run/journal.jsonl"}] == json.loads(
        (page.parent / "report.json").read_text(encoding="utf-8")
    )["files"]


def test_writing_twice_gives_the_same_bytes(make_run, make_failure, tmp_path):
    """A page in version control changes only when its numbers do."""
    run = make_run(failures={"tf-fit": make_failure()})

    contents = []
    for name in ("first", "second"):
        folder = reporting.write(run, folder=tmp_path / name, results_folder=tmp_path / "missing").parent
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})

    assert contents[0] == contents[1]


def test_no_path_of_this_machine_is_written(make_run, tmp_path):
    """A report can be published as it is."""
    results = tmp_path / "results"
    results.mkdir()
    (results / "trials.csv").touch()

    page = reporting.write(make_run(), folder=tmp_path / "report", results_folder=results)

    for path in page.parent.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()


def test_importing_the_report_loads_no_heavy_library():
    """The command line stays quick until something is drawn."""
    code = "import sys, bench.report; print({'pandas', 'matplotlib', 'jinja2', 'rich'} & set(sys.modules))"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()\n" == result.stdout


class Tables(HTMLParser):
    """Collects every table of a page as rows of texts, header first."""

    def __init__(self):
        """Start outside any table."""
        super().__init__()
        self.tables, self.cell = [], None

    def handle_starttag(self, tag, attrs):
        """Open a table, a row or a cell."""
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.cell = ""

    def handle_endtag(self, tag):
        """Close a cell."""
        if tag in ("th", "td"):
            self.tables[-1][-1].append(self.cell)
            self.cell = None

    def handle_data(self, data):
        """Keep what stands in a cell."""
        if self.cell is not None:
            self.cell += data


def from_json(report):
    """Return what the model says, from its JSON."""
    groups = json.loads(page.to_json(report))["groups"]
    return [[tuple(row[field] for field in FIELDS) for row in group["rows"]] for group in groups]


def from_terminal(report):
    """Return what a wide terminal shows, table by table."""
    found = []
    wide = Console(file=io.StringIO(), width=79)
    for line in terminal.to_text(report, console=wide).splitlines():
        if line.startswith("#"):
            found.append([])
        elif (match := TERMINAL_ROW.match(line)) and found:
            found[-1].append(tuple(match[field] for field in FIELDS))
    return found


def from_markdown(report):
    """Return the first table of each group."""
    found, reading = [], False
    for line in page.to_markdown(report).splitlines():
        cells = [html.unescape(cell.strip()) for cell in line.strip("|").split(" | ")]
        if cells[0] == "Rank":
            found.append([])
            reading = True
        elif not line.startswith("|"):
            reading = False
        elif reading and len(cells) > 1:
            found[-1].append((cells[1], cells[2].split()[-1], cells[3], cells[5]))
    return found


def from_page(report):
    """Return the table of all loops of each group, which stands there short, and folded with every column."""
    drawn = [plots.draw(group, suffix=str(i)) for i, group in enumerate(report.groups, start=1)]
    swept = [plots.draw_scaling(sweep, suffix=str(i)) for i, sweep in enumerate(report.scaling, start=1)]
    drew = [pictures.draw(group, suffix=str(i)) for i, group in enumerate(report.groups, start=1)]
    parser = Tables()
    parser.feed(page.to_html(report, plots=drawn, scaling=swept, pictures=drew))
    found = []
    for header, *rows in parser.tables:
        if header[:3] == ["Loop", "Verdict", "Speed-up"]:
            places = [header.index(name) for name in ("Loop", "Verdict", "Speed-up", "ms/step")]
            found.append([tuple(row[place] for place in places) for row in rows])
    short, whole = found[::2], found[1::2]
    assert short == whole
    return [
        [(loop.split(" ", 1)[1], verdict.split()[-1], speed_up, step) for loop, verdict, speed_up, step in rows]
        for rows in short
    ]


def a_run(seed, make_run, make_failure, make_cell):
    """Return a run of two to six loops with chance times, noise, rounds, failures and sizes."""
    chance = random.Random(seed)
    steps = {f"loop-{i}": 1e-3 * chance.uniform(0.5, 3.0) ** 3 for i in range(chance.randint(2, 6))}
    kinds = chance.sample([FailureKind.RAISED, FailureKind.UNAVAILABLE], chance.randint(0, 1))
    failures = {f"loop-{1 + i}": make_failure(kind) for i, kind in enumerate(kinds)}
    cells = [make_cell(loop, batch_size=size) for size in (32, 256)[: chance.randint(1, 2)] for loop in steps]
    return make_run(
        steps=steps,
        cells=cells,
        rounds=chance.randint(2, 8),
        noise=chance.choice([0.001, 0.02, 0.2]),
        failures=failures,
        seed=seed,
    )


@pytest.mark.parametrize("seed", range(30))
def test_terminal_and_markdown_say_what_the_json_says(seed, make_run, make_failure, make_cell):
    """Verdict words, speed-up, step time and order, for runs of every kind."""
    report = build(a_run(seed, make_run, make_failure, make_cell))

    assert from_json(report) == from_terminal(report)
    assert from_json(report) == from_markdown(report)


@pytest.mark.parametrize("seed", range(3))
def test_the_page_says_what_the_json_says(seed, make_run, make_failure, make_cell):
    """The same, for fewer runs, because plots take their time."""
    report = build(a_run(seed, make_run, make_failure, make_cell))

    assert from_json(report) == from_page(report)


def test_sentences_are_the_same_everywhere(make_sweep):
    """Verdict, trust, what a sweep says and what to use."""
    report = build(make_sweep({"tf-function": (300e-6, 2.5e-6), "tf-fit": (700e-6, 2.6e-6)}))
    on_terminal = " ".join(terminal.to_text(report).split())
    in_markdown = page.to_markdown(report)
    swept = [plots.draw_scaling(sweep, suffix="1") for sweep in report.scaling]
    in_page = page.to_html(report, plots=[() for _ in report.groups], scaling=swept, pictures=[()] * len(report.groups))

    for sentence in [report.trust, *report.scaling[0].conclusions, *(advice.text for advice in report.advice)]:
        assert sentence in on_terminal
        assert sentence in in_markdown
        assert sentence in in_page
    assert report.verdict in on_terminal


@pytest.mark.parametrize("ratio", [2.0, 1.3, 1.004, 37.5])
def test_swapping_the_sides_swaps_the_word_and_nothing_else(make_run, ratio):
    """Slower by 2.0x is exactly 2.0x faster from the other side."""
    steps = {"one": 1e-3, "two": ratio * 1e-3}
    (there,), (back,) = (build(make_run(steps=steps, baseline=baseline)).groups for baseline in ("one", "two"))
    two = next(row.speed_up for row in there.rows if row.loop == "two")
    one = next(row.speed_up for row in back.rows if row.loop == "one")

    assert two.replace("slower", "faster") == one.replace("slower", "faster")
    assert two != one or two == "1.00x"
