"""`bench run --on` as it is typed: what is sent to machines, what stays here, what is refused before all else."""

import click
import pytest

from bench.cli import fleet
from bench.cli.main import main
from bench.fleet import record as records
from bench.fleet.record import Attempt, Part, Record
from bench.fleet.travel import Parcel

NAME = "campaign-20260101-000000-abcd"
PARAMETERS = main.commands["run"].params


def test_what_says_where_is_not_sent():
    """Nor what becomes of results here; the rest as it was typed."""
    typed = [
        "--on",
        "ray",
        "numpy",
        "--machines=all",
        "--no-report",
        "--rounds",
        "2",
        "--format",
        "json",
        "--send",
        "f",
    ]

    assert ["numpy", "--rounds", "2"] == fleet._sent_words(typed, PARAMETERS)
    assert ["--", "--on"] == fleet._sent_words(["--where", "gpu", "--", "--on"], PARAMETERS)


def test_of_the_environment_only_options_are_sent():
    """Without those that say where: no machine is to look for a cluster of its own."""
    environment = {"BENCH_ON": "ray", "BENCH_ROUNDS": "2", "BENCH_RESULTS_DIR": "r", "HOME": "/root", "BENCH_X": "1"}

    assert {"BENCH_ROUNDS": "2"} == fleet._sent_variables(environment, PARAMETERS)


def test_machines_are_names_or_a_word():
    """Each once."""
    assert ("a", "b") == fleet.Machines().convert("a, b,a", None, None)
    with pytest.raises(click.UsageError, match="names no machine"):
        fleet.Machines().convert(",", None, None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--machine", "a"), "Error: --on takes no --machine: machines have names of their own"),
        (("--resume", "20260101"), "Error: --on takes no --resume: a run goes on where it began"),
    ],
)
def test_what_cannot_go_together_is_refused(refused, monkeypatch, arguments, sentence):
    """Before Ray is started."""
    monkeypatch.setattr("bench.fleet.ray_cluster.find_spec", lambda name: name)

    assert sentence == refused(2, "run", "--on", "ray", *arguments)


@pytest.fixture
def stored_campaign(tmp_path):
    """Return a function that stores a campaign of one machine in some state."""

    def store(state, run=None):
        attempt = Attempt(machine="a", state=state, run=run, why="no machine of its kind came back within 300 s")
        part = Part(name="a", kind="x", title="kind x", attempts=(attempt,))
        record = Record(campaign=NAME, tool_version="1", started="", command="bench run", on="ray", parts=(part,))
        records.write(record, results=tmp_path / "results")
        return record

    return store


def test_a_campaign_that_is_done_is_shown_again(bench, stored, stored_campaign):
    """Without a cluster."""
    run = stored(steps={"numpy": 1e-3, "mine": 2e-3})
    stored_campaign("complete", run.header.run_id)

    done = bench("run", "--resume", NAME, "--no-report")

    assert 0 == done.exit_code, done.output
    assert "mine" in done.stdout
    assert "a: kind x" in done.stderr


@pytest.mark.parametrize("output_format", ["table", "json"])
def test_a_campaign_ends_with_all_machines_in_one_table_and_on_one_page(bench, stored, tmp_path, output_format):
    """Beside a document for each of them there is no room for the table; the page is written all the same."""
    names, steps = ("a", "b"), {"numpy": 1e-3, "mine": 2e-3}
    runs = [
        stored(steps=steps, seed=seed, run_id=f"2026-{name}", noise=0.01, environment={"machine name": name})
        for seed, name in enumerate(names)
    ]
    parts = tuple(
        Part(
            name=name,
            kind="x",
            title="kind x",
            attempts=(Attempt(machine=name, state="complete", run=run.header.run_id),),
        )
        for name, run in zip(names, runs, strict=True)
    )
    record = Record(campaign=NAME, tool_version="1", started="", command="bench run", on="ray", parts=parts)
    records.write(record, results=tmp_path / "results")

    done = bench("run", "--resume", NAME, "--format", output_format)

    assert 0 == done.exit_code, done.output
    assert ("Use numpy on all 2 machines" in done.stdout) is (output_format == "table")
    assert f"matrix: reports/{NAME}/index.html" in done.stderr
    assert 'href="../2026-a/index.html"' in (tmp_path / "reports" / NAME / "index.html").read_text(encoding="utf-8")


def test_a_run_of_another_machine_is_not_gone_on_with_here(refused, stored, stored_campaign):
    """Rounds of two machines would be ranked as those of one."""
    run = stored(steps={"numpy": 1e-3, "mine": 2e-3})
    stored_campaign("complete", run.header.run_id)

    said = refused(2, "run", "--resume", run.header.run_id, "--rounds", "50")

    assert "rounds of two machines do not belong into one run" in said
    assert f"bench run --resume {NAME}" in said


def test_a_machine_that_was_given_up_is_an_error_of_the_campaign(refused, stored_campaign):
    """With the reason, and the code of what failed."""
    stored_campaign("failed")

    assert "Error: a: no machine of its kind came back within 300 s" == refused(5, "run", "--resume", NAME)


def test_a_campaign_of_somebody_else_asks_before_it_runs_what_it_sent(refused, stored_campaign, tmp_path):
    """It is code, and it is run on every machine."""
    record = stored_campaign("interrupted")
    records.keep(Parcel(content=b"code"), record=record, results=tmp_path / "results")

    said = refused(2, "run", "--resume", NAME)

    assert f"{NAME} runs code on other machines, and it was not started here by you; look at them first" in said


def test_a_campaign_goes_on_with_what_it_was_begun_with(refused, stored_campaign):
    """Its plan is said already."""
    stored_campaign("interrupted")

    said = refused(2, "run", "--resume", NAME, "--rounds", "3")

    assert f"Error: --resume goes on with the plan of {NAME}; it takes no --rounds; leave it out" == said


@pytest.mark.parametrize(
    "typed", [("--machines", "a,b"), ("--where", "gpu"), ("--wait-for-node", "1"), ("--send", "f")]
)
def test_what_says_where_is_refused_without_a_cluster(refused, typed):
    """It would do nothing, and the run would be measured here."""
    said = refused(2, "run", "numpy", *typed)

    assert f"Error: {typed[0]} is for runs on other machines; add --on ray, or leave it out" in said
