"""A stored run as an object: the same numbers and verdicts as everywhere, and nothing in a notebook that is markup."""

import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from bench.errors import ResultsError, UsageError
from bench.records.journal import Journal
from bench.records.trial import FailureKind
from bench.report import result, tables
from bench.report.result import Result


class Elements(HTMLParser):
    """Collects tags and their attributes."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attributes):
        """Remember one."""
        self.seen.append((tag, dict(attributes)))


@pytest.fixture
def stored(make_run, tmp_path):
    """Return a result of the ordinary run: five loops, six rounds."""
    return Result(make_run(), folder=tmp_path / "results" / "a-run")


def test_the_table_has_plain_numbers_with_their_units_in_its_columns(stored):
    """As `bench report --format csv` has them."""
    table = stored.table

    assert ["tf-function", "tf-fit", "torch-native", "torch-keras", "tf-eager"] == table["loop"].tolist()
    assert {"step_seconds", "first_step_seconds", "peak_memory_bytes", "samples_per_second"} <= set(table.columns)
    assert tables.summary(stored.model).equals(table)


def test_processes_and_blocks_are_tables_too(stored):
    """What a process counts stands beside what it took."""
    trials, blocks = stored.trials, stored.blocks

    assert len(stored.run.trials) == len(trials)
    assert sum(len(trial.blocks) for trial in stored.run.trials) == len(blocks)
    assert (trials["step_seconds"] > 0).all()
    assert {"seconds", "cpu_seconds", "steps", "kind"} <= set(blocks.columns)


def test_a_verdict_is_that_of_the_table(stored):
    """On the second of the two; swapped, it is the opposite with the reciprocal."""
    (row,) = stored.table[stored.table["loop"] == "tf-fit"].to_dict("records")

    found, turned = stored.verdict("tf-eager", "tf-fit"), stored.verdict("tf-fit", "tf-eager")

    assert row["verdict"] == found.verdict
    assert pytest.approx((row["speed_up"], row["speed_up_low"])) == (found.speed_up, found.low)  # published to 8 digits
    assert ("faster", "slower") == (found.verdict, turned.verdict)
    assert pytest.approx(1.0 / found.speed_up) == turned.speed_up
    assert re.fullmatch(r"tf-fit against tf-eager: faster, 11\.\dx faster \(.*\)", str(found))


def test_any_two_loops_can_be_judged(stored):
    """Not only against the baseline; by the rules that ranks follow."""
    assert "faster" == stored.verdict("torch-keras", "tf-function").verdict
    assert "slower" == stored.verdict("tf-function", "torch-keras").verdict


def test_a_loop_that_failed_has_no_number_and_is_named(make_run, make_failure, tmp_path):
    """It is a row as others are."""
    failure = make_failure(kind=FailureKind.RAISED, message="no such layer")
    stored = Result(make_run(failures={"tf-fit": failure}), folder=tmp_path)

    found = stored.verdict("tf-eager", "tf-fit")

    assert ("failed", None) == (found.verdict, found.speed_up)
    assert ("failed", None) == (stored.verdict("tf-fit", "tf-function").verdict, found.low)
    assert ("tf-fit",) == stored.failed
    assert "no such layer" in stored._repr_html_()


def test_what_cannot_be_judged_says_what_can(stored, make_run, make_cell, tmp_path):
    """A wrong name, and a loop that was measured in several settings."""
    cells = [make_cell(loop, batch_size=size) for size in (32, 256) for loop in ("tf-eager", "tf-fit")]
    several = Result(make_run(cells=cells), folder=tmp_path)

    with pytest.raises(UsageError, match=r"has no 'tf-eager' and 'tf-fti' in one setting; there are .*tf-fit"):
        stored.verdict("tf-eager", "tf-fti")
    with pytest.raises(
        UsageError, match=r"measured in several settings: .*batch 32; .*batch 256; say which by setting="
    ):
        several.verdict("tf-eager", "tf-fit")
    assert "faster" == several.verdict("tf-eager", "tf-fit", setting=several.settings[1]).verdict


@pytest.mark.parametrize("kind", ["speed-up", "step-time", "trace", "break-even"])
def test_a_plot_is_a_figure_with_title_and_source(stored, kind):
    """It stands alone, and a notebook shows it by itself."""
    figure = stored.plot(kind)

    assert isinstance(figure, Figure)
    texts = " ".join(text.get_text() for text in figure.texts)
    assert stored.name in texts
    assert "loopbench 0.1.0" in texts
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_a_plot_that_there_is_not_is_refused(stored):
    """With those that there are."""
    with pytest.raises(UsageError, match="there is no plot 'pie'; there are speed-up, step-time"):
        stored.plot("pie")
    with pytest.raises(UsageError, match="nothing that a plot of kind 'scaling' could show"):
        stored.plot("scaling")


def test_a_sweep_has_a_plot_of_its_own(make_sweep, tmp_path):
    """Time per sample by batch size."""
    swept = Result(make_sweep({"numpy": (60e-6, 9e-6), "tf-fit": (400e-6, 1e-6)}), folder=tmp_path)

    assert isinstance(swept.plot("scaling"), Figure)


def test_a_notebook_is_shown_no_markup_of_anybody_else(make_run, tmp_path):
    """Names of loops, labels and messages come from other people's code."""
    evil = '<img src=x onerror="alert(1)">'
    run = make_run(steps={evil: 1e-3, "tf-eager": 2e-3}, label=evil)

    shown = Result(run, folder=tmp_path)._repr_html_()

    found = Elements()
    found.feed(shown)
    images = [attributes for tag, attributes in found.seen if tag == "img"]
    assert {tag for tag, _ in found.seen} <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "img"}
    assert [["alt", "src"]] == [sorted(attributes) for attributes in images]
    assert images[0]["src"].startswith("data:image/svg+xml;base64,")
    assert "&lt;img src=x" in shown


def test_a_result_says_in_a_shell_what_the_command_line_prints(stored):
    """The answer first."""
    assert repr(stored).startswith("tf-function is the fastest loop: 21.7x faster than tf-eager")


def test_a_page_is_written_where_it_is_asked_for(stored, tmp_path):
    """With what it links to."""
    page = stored.report(tmp_path / "page")

    assert page == tmp_path / "page" / "index.html"
    assert stored.name in page.read_text(encoding="utf-8")


def test_a_run_is_loaded_by_its_folder_or_its_name(make_run, tmp_path):
    """Or the newest, where nobody says which."""
    run = make_run(rounds=1)
    journal = Journal.create(tmp_path / "results", header=run.header)
    for trial in run.trials:
        journal.add(trial)
    journal.release()

    for way in (journal.folder, str(journal.folder), run.header.run_id[:8], None):
        loaded = result.load(way, results_dir=tmp_path / "results")
        assert (run.header.run_id, len(run.trials)) == (loaded.name, len(loaded.run.trials))
    with pytest.raises(ResultsError, match="there is no run '1999'"):
        result.load("1999", results_dir=tmp_path / "results")
