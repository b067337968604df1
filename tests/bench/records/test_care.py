"""Runs go when they are asked to go, and no baseline ever does."""

from datetime import UTC, datetime, timedelta

import pytest

from bench.errors import InvalidResult, ResultsError, UsageError
from bench.records import baselines, care, journal, loading
from bench.records.journal import Journal
from bench.records.lines import JOURNAL

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def days(tmp_path, make_run):
    """Return a folder of runs that began 40, 30, 20, 10 and 0 days ago."""
    for age in (40, 30, 20, 10, 0):
        moment = NOW - timedelta(days=age)
        run = make_run(rounds=1, run_id=f"{moment:%Y%m%d}-{age:02d}", started=moment.isoformat())
        written = Journal.create(tmp_path, header=run.header)
        for trial in run.trials:
            written.add(trial)
    return tmp_path


def ages(folders):
    """Return how old runs are, as their names say."""
    return [int(folder.name[-2:]) for folder in folders]


@pytest.mark.parametrize(
    ("settings", "gone"),
    [
        ({"days": 25, "count": None}, [40, 30]),
        ({"days": None, "count": 2}, [40, 30, 20]),
        ({"days": 35, "count": 2}, [40, 30, 20]),
        ({"days": None, "count": 99}, []),
    ],
)
def test_retention_keeps_the_newest(days, settings, gone):
    """By age, by number, or by both."""
    assert gone == ages(care.unwanted(days, now=NOW, **settings))


def test_a_baseline_outlives_every_retention(days):
    """It is what later runs are compared with."""
    baselines.name(days, baseline="v1", run=journal.runs(days)[0].name)

    assert [30, 20, 10] == ages(care.unwanted(days, days=None, count=1, now=NOW))
    with pytest.raises(
        ResultsError, match="is the baseline 'v1'; take its name away first: bench baseline --forget v1"
    ):
        care.refuse_baselines(days, journal.runs(days))


def test_a_run_that_cannot_be_read_has_the_age_of_its_file(days):
    """It can be cleared away like any other."""
    folder = journal.runs(days)[-1]
    (folder / JOURNAL).write_text("oops\n")

    assert folder not in care.unwanted(days, days=25, count=None, now=datetime.now(UTC))


def test_what_is_removed_is_gone_whole(days):
    """Nothing is left beside it."""
    first, *rest = journal.runs(days)

    care.remove([first])

    assert sorted(rest) == sorted(path for path in days.iterdir())


def test_a_merge_copies_what_is_new_and_touches_nothing_else(days, tmp_path_factory):
    """A run of the same name and other content is named, and both stay."""
    here = tmp_path_factory.mktemp("here")
    care.merge(here, care.plan_merge(here, days))
    oldest, second, third, *_ = journal.runs(here)
    care.remove([oldest])
    (second / JOURNAL).write_text((second / JOURNAL).read_text() + "\n")
    (days / third.name / JOURNAL).write_text("oops\n")
    care.remove([third])

    found = care.plan_merge(here, days)

    assert ([40], [30], [20], [10, 0]) == tuple(
        map(ages, (found.new, found.different, found.unreadable, found.present))
    )
    care.merge(here, found)
    assert loading.load(days / oldest.name) == loading.load(oldest)


def test_a_merge_from_nowhere_is_an_error(tmp_path):
    """The folder is named."""
    with pytest.raises(ResultsError, match="no run is stored there"):
        care.plan_merge(tmp_path, tmp_path / "empty")


def test_a_baseline_is_found_by_its_name_and_can_be_renamed(days):
    """One name, one run."""
    oldest, second, *_ = (folder.name for folder in journal.runs(days))
    baselines.name(days, baseline="v1", run=oldest)
    baselines.name(days, baseline="v1", run=second)

    assert (days / second, {"v1": second}) == (baselines.find(days, "v1"), baselines.read(days))
    baselines.forget(days, baseline="v1")
    with pytest.raises(UsageError, match="no run is called 'v1'; there are no names"):
        baselines.forget(days, baseline="v1")


def test_a_name_that_a_run_begins_with_is_refused(days):
    """Nobody could tell which of them is meant."""
    with pytest.raises(UsageError, match="could be a run"):
        baselines.name(days, baseline="2026", run=journal.runs(days)[0].name)


@pytest.mark.parametrize("text", ["oops", "[]", '{"v1": 3}'])
def test_a_broken_file_of_names_is_named(days, text):
    """With the way out."""
    (days / baselines.FILE).write_text(text)

    with pytest.raises(InvalidResult, match=r"baselines\.json: .*delete it to forget all names"):
        baselines.read(days)
