"""What people are shown: a table, sentences, a page that needs nothing."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from bench.errors import NothingComparable
from bench.history import asked, picture
from bench.history.series import Wanted
from bench.records.journal import Journal

COUNT, CHANGE = 20, 12


@pytest.fixture
def told(tmp_path, store):
    """Return a function that stores nights in which `tf-fit` became slower, and what `bench history` makes of them."""

    def tell(*, count=COUNT, wanted=None, **settings):
        for night in range(count):
            steps = {"tf-fit": 0.7e-3 * (1.1 if night >= CHANGE else 1.0), "torch-native": 0.75e-3}
            store(tmp_path / "results", night=night, steps=steps, noise=0.005, **settings)
        reports = tmp_path / "reports"
        return asked.history(
            tmp_path / "results", wanted or Wanted(), reports=reports, margin=0.01, tell=lambda line: None
        )

    return tell


def test_the_table_says_since_when_and_by_how_much(told):
    """One row per loop; what did not change says so."""
    lines = told().text("table", encoding="utf-8").splitlines()

    assert re.fullmatch(
        r"tf-fit +mnist-mlp, CPU, batch 32 +AMD EPYC, 2 cores +20 +[▁-█]{20} +0\.77\d* .* "
        r"\+(9|10)\.\d % \(.*\) slower, 2026-01-13",
        lines[1],
    )
    assert lines[2].endswith("none found")


def test_a_terminal_without_unicode_gets_plain_bars(told):
    """Nothing that it would show as boxes."""
    assert told().text("table", encoding="ascii").isascii()


def test_data_name_the_run_of_a_change(told):
    """JSON for scripts, CSV with one row per run."""
    found = told()

    (event,) = json.loads(found.text("json", encoding=None))["series"][0]["events"]
    assert ("step", f"202601{CHANGE + 1}-{CHANGE:04d}") == (event["kind"], event["run"])
    assert 1 + 2 * COUNT == len(found.text("csv", encoding=None).splitlines())
    assert "| tf-fit |" in found.text("md", encoding=None)


def test_the_page_needs_neither_script_nor_network(told):
    """Its own policy forbids both."""
    text = told().page.read_text(encoding="utf-8")

    assert "default-src 'none'" in text
    assert not re.search(r"<script|https?://|<link|@import", text)


def test_dots_lead_to_the_pages_that_there_are(told, tmp_path):
    """And to no others."""
    (tmp_path / "reports" / "20260103-0002").mkdir(parents=True)
    (tmp_path / "reports" / "20260103-0002" / "index.html").touch()

    text = told().page.read_text(encoding="utf-8")

    assert {"../20260103-0002/index.html"} == set(re.findall(r'<a href="(\.\./[^"]+)"', text))


def test_a_picture_is_sound_and_speaks(told):
    """Well-formed, with its content in words for those who do not see it."""
    (judged, _) = told().judged

    drawn = ET.fromstring(picture.draw(judged, addresses={}))

    assert "slower since 20260113-0012 (2026-01-13)" in drawn.get("aria-label")
    assert [f"+{(judged.events[0].ratio.estimate - 1) * 100:.1f} %"] == [
        text.text for text in drawn.iter("text") if "%" in text.text
    ]


def test_names_of_users_disturb_no_page(told):
    """Whatever they hold."""
    found = told(count=6, environment={"machine name": "<b>&\u202e\"'"}, label="<script>alert(1)</script>")

    for text in (found.page.read_text(encoding="utf-8"), found.page.with_name("runs.html").read_text(encoding="utf-8")):
        assert "<script" not in text
        assert "<b>" not in text
        assert "\u202e" not in text


def test_one_run_is_a_history_too(told):
    """Of which nothing can be said yet."""
    assert "none found" in told(count=1).text("table", encoding="utf-8")


def test_nothing_that_fits_is_an_error_with_a_way_out(told):
    """Exit code 4, as where nothing can be compared."""
    with pytest.raises(NothingComparable, match="no stored run has numbers of what was asked for"):
        told(count=1, wanted=Wanted(loops=("jax-scan",)))


def test_equal_runs_give_equal_bytes(told):
    """A page can be kept under version control."""
    first = told().page.read_bytes()

    assert first == told(count=0).page.read_bytes()


@pytest.mark.parametrize("started", ["yesterday", "0001-01-01T00:00:00+14:00"])
def test_a_run_of_no_time_stops_no_history(tmp_path, make_run, told, started):
    """It is not drawn; that of the others is."""
    run = make_run(run_id="timeless", started=started, steps={"tf-fit": 0.7e-3}, rounds=1)
    journal = Journal.create(tmp_path / "results", header=run.header)
    journal.add_verification(run.verifications[0])
    journal.add(run.trials[0])
    journal.end(complete=True)

    assert ["20260101-0000"] == [point.run for one in told(count=1).judged[:1] for point in one.series.points]
