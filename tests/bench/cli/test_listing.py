"""What exists and what is available here, in process; no framework is asked."""

import json

import pytest

from bench.cli import listing
from bench.records.journal import Journal
from loops import guides, registry


def rows(bench, *arguments):
    """Return a list as data."""
    done = bench("list", *arguments, "--format", "json")
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout)


def test_every_loop_is_listed_with_what_it_is(bench):
    """And whether it can run here, with the reason if not."""
    found = {row["loop"]: row for row in rows(bench, "loops")}

    assert list(registry.loop_names()) == list(found)
    assert all(row["what it is"] for row in found.values())
    assert all(row["available"] == "yes" or row["available"].startswith("no: ") for row in found.values())
    assert found["torch-cudagraph"]["available"].startswith("no: ")


def test_loops_are_listed_by_framework_within_eighty_columns(bench):
    """Each once, under its whole name, with what it is or why it is not here."""
    lines = bench("list").stdout.splitlines()

    assert max(len(line) for line in lines) <= 80
    named = [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")]
    assert sorted(registry.loop_names()) == sorted(named)
    assert {"tensorflow", "torch", "jax", "numpy"} <= set(lines)


def test_on_a_narrow_terminal_what_a_loop_is_stands_below_its_name(monkeypatch, tmp_path):
    """Names are whole, and nothing runs over the edge."""
    monkeypatch.setenv("COLUMNS", "40")

    lines = listing.render("loops", results=tmp_path, output_format="table").splitlines()

    assert {f"  {name}" for name in registry.loop_names()} <= set(lines)
    assert max(len(line) for line in lines) <= 40


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_table_that_is_too_wide_for_the_terminal_is_told_row_by_row(monkeypatch, tmp_path, width):
    """No name is cut or folded, and nothing runs over the edge but a name that is longer than the line."""
    monkeypatch.setenv("COLUMNS", str(width))

    lines = listing.render("workloads", results=tmp_path, output_format="table").splitlines()

    assert set(registry.workload_names()) <= set(lines)
    assert max(len(line) for line in lines) <= max(width, 48)


def test_a_pipe_gets_the_whole_table(monkeypatch, tmp_path):
    """One line for each row, to search in."""
    monkeypatch.delenv("COLUMNS", raising=False)

    lines = listing.render("workloads", results=tmp_path, output_format="table").splitlines()

    assert 1 + len(registry.workload_names()) == len(lines)


def test_a_loop_says_which_workloads_it_cannot_train(bench):
    """By the registry's word."""
    for row in rows(bench, "loops"):
        holes = [name for name in registry.workload_names() if registry.hole(row["loop"], name) is not None]
        assert (f"all but {', '.join(holes)}" if holes else "all") == row["trains"]


def test_a_workload_says_which_loops_can_train_it(bench):
    """All, all but some, or the few that can; whatever is shorter."""
    for row in rows(bench, "workloads"):
        able = [name for name in registry.loop_names() if registry.hole(name, row["workload"]) is None]
        if row["loops"].startswith("all"):
            assert len(able) * 2 > len(registry.loop_names())
            assert not any(f" {name}," in row["loops"] for name in able)
        else:
            assert able == row["loops"].partition(";")[0].split(", ")


def test_every_guide_has_a_command(bench):
    """Of loops and workloads that there are."""
    found = rows(bench, "guides")

    assert [system.name for system in guides.SYSTEMS] == [row["guides"] for row in found]
    for row in found:
        assert set(row["loop"].split(", ")) <= set(registry.loop_names())
        assert row["workload"] in registry.workload_names()
        assert row["command"].endswith(row["loop"].replace(",", ""))


def test_without_runs_it_says_where_it_looked(bench):
    """Or an empty list."""
    assert "no runs yet: results\n" == bench("list", "runs").stdout
    assert [] == rows(bench, "runs")


def test_a_run_is_listed_with_its_fastest_loop(bench, stored):
    """And what else is known of it."""
    stored(
        steps={"tf-fit": 2e-3, "torch-native": 1e-3},
        rounds=1,
        noise=0.0,
        drift=0.0,
        run_id="first",
        label="nightly",
        environment={"machine name": "box", "project commit": "abcdef0123456789"},
    )

    (row,) = rows(bench, "runs")

    assert {
        "run": "first",
        "started": "2026-01-02 12:00",
        "machine": "box",
        "commit": "abcdef0123",
        "name": "nightly",
        "headline": "torch-native 1.00 ms/step (of 2)",
        "state": "complete",
        "trials": "2",
        "command": "bench run --workload mnist-mlp --rounds 1",
    } == row


@pytest.mark.parametrize(
    ("settings", "headline"),
    [
        ({"steps": {"tf-fit": 1e-3}, "noise": 0.0, "drift": 0.0}, "tf-fit 1.00 ms/step"),
        ({"steps": {"tf-fit": 1e-3}, "loss_gaps": {"tf-fit": 1.0}}, "nothing was measured"),
        ({"steps": {"tf-fit": 1e-3}, "finished_rounds": 0}, "nothing was measured"),
    ],
)
def test_what_does_not_count_is_no_headline(bench, stored, settings, headline):
    """A loop that does other work is not the fastest."""
    stored(rounds=1, **settings)

    assert headline == rows(bench, "runs")[0]["headline"]


def test_the_newest_runs_are_listed_oldest_first(bench, stored):
    """So many of them."""
    for number in range(4):
        stored(
            steps={"tf-fit": 1e-3}, rounds=1, run_id=f"run-{number}", started=f"2026-01-0{number + 1}T12:00:00+00:00"
        )

    assert ["run-2", "run-3"] == [row["run"] for row in rows(bench, "runs", "--limit", "2")]
    assert 4 == len(rows(bench, "runs"))


def test_a_run_that_cannot_be_read_is_listed_with_the_reason(bench, stored, tmp_path):
    """The others beside it."""
    stored(steps={"tf-fit": 1e-3}, rounds=1, run_id="good")
    stored(steps={"tf-fit": 1e-3}, rounds=1, run_id="bad")
    (tmp_path / "results" / "bad" / "journal.jsonl").write_text("oops\n")

    found = {row["run"]: row for row in rows(bench, "runs")}

    assert "complete" == found["good"]["state"]
    assert found["bad"]["state"].startswith("unreadable: results/bad/journal.jsonl:1")
    assert found["good"].keys() == found["bad"].keys()


def test_a_run_that_was_cut_off_is_incomplete(bench, make_run, tmp_path):
    """It has no end, and the time is not known where it is none."""
    run = make_run(steps={"tf-fit": 1e-3}, rounds=1, run_id="cut", started="yesterday")
    Journal.create(tmp_path / "results", header=run.header).add(run.trials[0])

    (row,) = rows(bench, "runs")

    assert ("incomplete", "n/a", "1") == (row["state"], row["started"], row["trials"])


def test_names_disturb_no_terminal(bench, stored):
    """Whatever a run is called."""
    stored(steps={"tf-fit": 1e-3}, rounds=1, label="a\u202eb")

    assert "\u202e" not in bench("list", "runs").stdout


@pytest.mark.parametrize("arguments", [("nothing",), ("runs", "--limit", "0"), ("runs", "--limit", "many")])
def test_a_list_that_there_is_not_is_refused(refused, arguments):
    """With exit code 2."""
    assert refused(2, "list", *arguments).startswith("Error: ")


@pytest.fixture
def broken_plugin(tmp_path, monkeypatch):
    """Install a distribution whose loop is no Python."""
    information = tmp_path / "site" / "mine-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[bench.loops]\nmine = mine_of_somebody:Mine\n")
    (information.parent / "mine_of_somebody.py").write_text("def def\n")
    monkeypatch.syspath_prepend(str(information.parent))
    registry.look_again()
    yield
    monkeypatch.undo()
    registry.look_again()


@pytest.mark.usefixtures("broken_plugin")
def test_a_loop_of_others_that_cannot_be_read_hides_no_other(bench):
    """It is listed with the reason."""
    found = {row["loop"]: row for row in rows(bench, "loops")}

    assert "mine_of_somebody.py, line 1: invalid syntax" in found["mine"]["available"]
    assert found["numpy"]["available"] == "yes"
    assert all("mine" not in row["loops"].split(", ") for row in rows(bench, "workloads"))
