"""Asked again with nothing new, history answers what it answered; whatever changed, it looks again."""

import os
import shutil
import subprocess
import sys

import pytest

from bench.errors import NothingComparable
from bench.history import answers, asked
from bench.history.answers import FILE
from bench.history.series import Wanted
from bench.records.lines import JOURNAL

TWO = {"tf-fit": 0.7e-3, "torch-native": 0.75e-3}


@pytest.fixture
def folders(tmp_path, store):
    """Return a folder with four nights, and one for pages."""
    for night in range(4):
        store(tmp_path / "results", night=night, steps=TWO)
    return tmp_path / "results", tmp_path / "reports"


@pytest.fixture
def looked(monkeypatch):
    """Return the questions for which somebody looked into the runs."""
    seen = []
    look = asked.history

    def counted(results, wanted, **settings):
        seen.append(wanted)
        return look(results, wanted, **settings)

    monkeypatch.setattr(asked, "history", counted)
    return seen


def ask(folders, wanted=None, **settings):
    """Return what is printed."""
    results, reports = folders
    settings = {"margin": 0.01, "output_format": "table", "encoding": "utf-8"} | settings
    return answers.ask(results, wanted or Wanted(), **{"reports": reports} | settings, tell=lambda line: None)


def test_the_same_question_is_answered_without_looking(folders, looked):
    """With the same words, and the page that is there."""
    first, second = ask(folders), ask(folders)

    assert first == second
    assert second.page == folders[1] / "history" / "index.html"
    assert 1 == len(looked)


@pytest.mark.parametrize(
    ("wanted", "settings"),
    [
        (Wanted(loops=("tf-fit",)), {}),
        (Wanted(by="date"), {}),
        (Wanted(), {"margin": 0.02}),
        (Wanted(), {"output_format": "json"}),
        (Wanted(), {"encoding": "ascii"}),
        (Wanted(), {"reports": None}),
    ],
    ids=["loop", "by", "margin", "format", "encoding", "no page"],
)
def test_another_question_is_another_answer(folders, looked, wanted, settings):
    """And both are kept."""
    ask(folders)
    other = ask(folders, wanted, **settings)

    assert 2 == len(looked)
    assert other == ask(folders, wanted, **settings)
    assert 2 == len(looked)


def test_two_questions_without_a_page_are_both_known(folders, looked):
    """With one, each writes its page over the other's, and looks again."""
    for output_format in ("table", "csv", "table", "csv"):
        ask(folders, output_format=output_format, reports=None)

    assert 2 == len(looked)


def a_new_run(results, reports, store):
    """The night after."""
    store(results, night=9, steps=TWO)


def a_run_that_is_gone(results, reports, store):
    """Somebody deleted it."""
    shutil.rmtree(min(path for path in results.iterdir() if path.is_dir()))


def a_journal_that_grew(results, reports, store):
    """By a line."""
    with max(results.glob(f"*/{JOURNAL}")).open("a") as file:
        file.write("\n")


def a_page_that_is_gone(results, reports, store):
    """Of histories."""
    (reports / "history" / "index.html").unlink()


def a_list_of_runs_that_is_gone(results, reports, store):
    """The other page."""
    (reports / "history" / "runs.html").unlink()


def a_page_that_somebody_else_wrote(results, reports, store):
    """Over ours."""
    (reports / "history" / "index.html").write_text("of another folder of runs")


def a_page_to_lead_to(results, reports, store):
    """Of a run's own."""
    page = reports / max(results.glob(f"*/{JOURNAL}")).parent.name / "index.html"
    page.parent.mkdir()
    page.write_text("a report")


def an_answer_that_is_broken(results, reports, store):
    """By a full disk, or a hand."""
    (results / FILE).write_bytes((results / FILE).read_bytes()[:-9])


def an_answer_with_other_fields(results, reports, store):
    """Of another version."""
    (results / FILE).write_text('[{"question": "", "text": "", "pages": null, "more": 1}]')


@pytest.mark.parametrize(
    "change",
    [
        a_new_run,
        a_run_that_is_gone,
        a_journal_that_grew,
        a_page_that_is_gone,
        a_list_of_runs_that_is_gone,
        a_page_that_somebody_else_wrote,
        a_page_to_lead_to,
        an_answer_that_is_broken,
        an_answer_with_other_fields,
    ],
    ids=lambda change: change.__name__,
)
def test_whatever_changed_is_looked_at(folders, looked, store, change):
    """The answer and the page are then those of a folder that never saw another day."""
    results, reports = folders
    ask(folders)
    change(results, reports, store)

    again = ask(folders)

    fresh = asked.history(results, Wanted(), reports=None, margin=0.01, tell=lambda line: None)
    assert fresh.text("table", encoding="utf-8") == again.text
    assert "<svg" in again.page.read_text(encoding="utf-8")
    assert (reports / "history" / "runs.html").exists()
    assert 3 == len(looked)  # the last is the one above


def test_other_sources_of_the_harness_look_again(folders, looked, tmp_path, monkeypatch):
    """An answer of another version may be another one."""
    copy = tmp_path / "bench"
    shutil.copytree(answers._HARNESS, copy)
    monkeypatch.setattr(answers, "_HARNESS", copy)
    ask(folders)
    os.utime(copy / "history" / "segments.py", ns=(1, 1))

    ask(folders)

    assert 2 == len(looked)


def test_a_forged_answer_moves_no_cursor(folders, looked):
    """The folder may be somebody else's."""
    results, _ = folders
    ask(folders)
    forged = (results / FILE).read_text(encoding="utf-8").replace("tf-fit", "\\u001b[31mtf", 1)
    (results / FILE).write_text(forged, encoding="utf-8")

    told = ask(folders)

    assert "\x1b" not in told.text
    assert "tf-fit" in told.text
    assert 2 == len(looked)


@pytest.mark.parametrize("output_format", ["table", "csv", "json", "md"])
def test_a_name_in_another_script_is_the_same_the_second_time(tmp_path, store, looked, output_format):
    """Its direction is kept where it stands, and no line is touched."""
    for night in range(4):
        store(tmp_path / "results", night=night, steps=TWO, environment={"machine name": "\N{HEBREW LETTER ALEF}1"})
    folders = tmp_path / "results", tmp_path / "reports"

    first, second = (ask(folders, output_format=output_format) for _ in range(2))

    assert first == second
    assert 1 == len(looked)


def test_where_nothing_can_be_written_nothing_is_kept(folders, looked):
    """It is answered all the same."""
    (folders[0] / FILE).mkdir()

    assert ask(folders) == ask(folders)
    assert 2 == len(looked)


def test_few_answers_are_kept(folders):
    """The newest ones."""
    for margin in range(12):
        ask(folders, margin=0.01 + margin / 1000.0, reports=None)

    kept = answers._read(folders[0] / FILE)
    assert 8 == len(kept)


def test_nothing_that_fits_is_said_each_time(folders, looked):
    """A mistake is no answer."""
    for _ in range(2):
        with pytest.raises(NothingComparable):
            ask(folders, Wanted(loops=("nobody",)))

    assert 2 == len(looked)


def test_an_old_answer_loads_neither_scipy_nor_duckdb(folders):
    """They are half of the time that it would take."""
    results, reports = folders
    command = [sys.executable, "-X", "importtime", "-m", "bench", "history", "--results-dir", str(results)]
    command += ["--reports-dir", str(reports)]

    first, second = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2))

    heavy = {"scipy", "duckdb", "ruptures", "numpy", "jinja2", "pandas"}
    loaded = [{line.rpartition("|")[2].strip() for line in done.stderr.splitlines()} for done in (first, second)]
    assert first.stdout == second.stdout
    assert {"scipy", "duckdb", "jinja2"} <= loaded[0]
    assert set() == heavy & loaded[1]
