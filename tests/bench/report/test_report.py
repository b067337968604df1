"""The report's public surface."""

import json
import subprocess
import sys

import pytest

from bench import report as reporting


def test_the_public_names_are_these():
    """Nothing else is promised."""
    assert ["Change", "DataFile", "Report", "build", "render", "write"] == sorted(reporting.__all__)


@pytest.mark.parametrize(
    ("output_format", "beginning"),
    [
        ("table", "tf-function is the fastest loop: 21.7x faster than tf-eager"),
        ("json", '{\n  "schema": "bench-report/1",\n'),
        ("csv", "run_id,workload,track,device,batch_size,width,threads,rank,loop,"),
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
