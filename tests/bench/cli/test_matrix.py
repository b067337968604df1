"""`bench matrix` in process, on stored runs that were made up."""

import json

import pytest

from bench.fleet import record

STEPS = {"tf-fit": 1e-3, "tf-function": 0.5e-3, "torch-native": 2e-3}


@pytest.fixture
def lab(stored):
    """Store a run of each of two machines."""
    for seed, name in enumerate("ab"):
        stored(steps=STEPS, seed=seed, run_id=f"2026-{name}", noise=0.01, environment={"machine name": name})


@pytest.mark.usefixtures("lab")
def test_all_stored_runs_are_taken_where_none_is_named(bench, tmp_path):
    """The table on stdout, the page in the folder of reports."""
    done = bench("matrix")

    assert 0 == done.exit_code, done.output
    assert "Use tf-function on all 2 machines" in done.stdout
    assert "matrix: reports/matrix/index.html" in done.stderr
    assert (tmp_path / "reports" / "matrix" / "index.html").exists()


@pytest.mark.usefixtures("lab")
def test_runs_data_and_no_page_can_be_asked_for(bench, tmp_path):
    """By a unique beginning of their names."""
    done = bench("matrix", "2026-a", "2026-b", "--baseline", "torch-native", "--format", "json", "--no-report")

    assert 0 == done.exit_code, done.output
    assert "torch-native" == json.loads(done.stdout)["matrices"][0]["baseline"]
    assert not (tmp_path / "reports").exists()


@pytest.mark.usefixtures("lab")
def test_a_campaign_stands_for_the_runs_that_count(bench, tmp_path):
    """Its page bears its name."""
    attempts = [(record.Attempt(machine=name, state="complete", run=f"2026-{name}"),) for name in "ab"]
    campaign = record.Record(
        campaign="campaign-1",
        tool_version="0.1.0",
        started="2026-01-02T12:00:00+00:00",
        command="bench run --on ray",
        on="ray",
        parts=tuple(record.Part(name="x", kind="k", title="t", attempts=one) for one in attempts),
    )
    record.write(campaign, results=tmp_path / "results")

    done = bench("matrix", "campaign-1")

    assert 0 == done.exit_code, done.output
    assert "matrix: reports/campaign-1/index.html" in done.stderr


@pytest.mark.usefixtures("lab")
def test_a_baseline_that_nobody_measured_is_refused_with_those_there_are(refused):
    """Exit code 2."""
    said = refused(2, "matrix", "--baseline", "mine")

    assert "no run has measured 'mine'; there are tf-fit, tf-function, torch-native" in said


def test_one_machine_is_told_how_to_get_more(refused, stored):
    """Exit code 4: no number is left to be compared."""
    stored(steps=STEPS, run_id="only", environment={"machine name": "a"})

    assert "bench runs merge" in refused(4, "matrix")


def test_an_empty_folder_is_no_fault(refused):
    """Exit code 2, and where to look."""
    assert "no run is stored" in refused(2, "matrix")


@pytest.mark.usefixtures("lab")
def test_one_that_cannot_be_read_is_left_out_unless_it_was_named(bench, tmp_path):
    """With the reason."""
    (tmp_path / "results" / "2026-c").mkdir()
    (tmp_path / "results" / "2026-c" / "journal.jsonl").write_text("{", encoding="utf-8")

    asked_for, found = bench("matrix", "2026-a", "2026-c"), bench("matrix")

    assert 0 == found.exit_code
    assert "left out: " in found.stderr
    assert asked_for.exit_code != 0


@pytest.mark.usefixtures("lab")
def test_a_run_that_is_named_twice_counts_once_and_a_path_is_a_name(bench, tmp_path):
    """As for every command."""
    done = bench("matrix", "2026-a", str(tmp_path / "results" / "2026-a"), "2026-b", "--no-report", "--format", "json")

    assert 0 == done.exit_code, done.output
    assert 2 == len(json.loads(done.stdout)["matrices"][0]["columns"])


@pytest.mark.usefixtures("lab")
def test_only_so_many_of_the_newest_runs_are_looked_at(bench, stored):
    """Where none is named; ten thousand nights would take minutes."""
    for number in range(3):
        stored(steps=STEPS, seed=number, run_id=f"2027-{number}", noise=0.01, environment={"machine name": "c"})

    few, many = bench("matrix", "--limit", "3", "--no-report"), bench("matrix", "--no-report")

    assert 4 == few.exit_code
    assert "runs of c:" in few.stderr
    assert 0 == many.exit_code
    assert "on all 3 machines" in many.stdout


@pytest.mark.usefixtures("lab")
def test_a_run_that_is_not_there_is_named(refused):
    """Exit code 2, and where to look."""
    assert "there is no run 'nowhere'; see 'bench list runs'" in refused(2, "matrix", "2026-a", "nowhere")


def test_where_no_run_can_be_read_that_is_said_and_not_that_there_are_none(refused, tmp_path):
    """Exit code 2; each with its reason before."""
    folder = tmp_path / "results" / "2026-x"
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text("{", encoding="utf-8")

    assert "results: no run can be read, see above" in refused(2, "matrix")
