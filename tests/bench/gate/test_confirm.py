"""What a gate measures, measures again and writes down; its runs are made up, so that the truth is known."""

import json
from dataclasses import replace

import pytest

from bench.errors import FileTrouble, UsageError
from bench.gate import comparison, confirm
from bench.gate.policy import Policies
from bench.gate.result import SCHEMA
from bench.gate.settings import Settings
from bench.gate.verdict_file import VerdictFile
from bench.records.journal import Journal
from bench.records.stored_run import DatasetRecord
from bench.runs.options import Options as RunOptions


class Told:
    """A console that keeps what it is told."""

    def __init__(self):
        """Nothing was told."""
        self.lines = []

    def notice(self, text):
        """Keep a line."""
        self.lines.append(text)

    def display(self, plan, *, done):
        """Show nothing, for nothing is measured."""
        raise NotImplementedError


class Runs:
    """Hands out runs one after the other in place of measuring them, and keeps what was asked."""

    def __init__(self, *runs):
        """Take the runs, first to last."""
        self.waiting = list(runs)
        self.asked = []
        self.resumed = []

    def __call__(self, measuring, /, *, console, environment, resume=None):
        """Return the next run."""
        self.asked.append(measuring)
        self.resumed.append(resume)
        return self.waiting.pop(0), measuring.results / f"run-{len(self.asked)}"


@pytest.fixture
def gate(tmp_path):
    """Return a function that gates made-up runs."""

    def gate(*runs, environment=None, console=None, verdict_file=None, folder=tmp_path, **fields):
        measuring = RunOptions(
            loops=fields.pop("loops", ("tf-fit", "tf-function")),
            results=tmp_path / "results",
            cache=tmp_path / "cache",
            seed=7,
            again=True,
            time_budget=fields.pop("time_budget", None),
            threads=fields.pop("threads", None),
        )
        options = comparison.Options(
            **{
                "settings": Settings(),
                "base": "here",
                "head": "here",
                "from_merge_base": True,
                "baseline": None,
                "resume": None,
                "measuring": measuring,
                "policies": Policies(),
                "reports": None,
            }
            | fields
        )
        execute = gate.execute = Runs(*runs)
        around = comparison.Surroundings(
            console=console or Told(),
            environment=environment or {},
            folder=folder,
            execute=execute,
            admit=lambda *_, **__: None,
        )
        with VerdictFile(verdict_file or tmp_path / "out" / "verdict.json") as file:
            found = confirm.check(options, around=around, file=file)
        return found, execute.asked

    return gate


def test_loops_that_are_no_slower_are_measured_once(gate, make_gate_run):
    """On both sides, the base first, with the base once more."""
    found, asked = gate(make_gate_run({"tf-fit": 1.0, "tf-function": 1.0}))

    assert (0, 0) == (found.result.exit_code, found.result.confirmation_rounds)
    (first,) = asked
    assert (["base", "head"], True) == ([side.name for side in first.sides], first.again)


def test_sides_are_looked_at_until_they_are_decided(gate, make_gate_run):
    """Once, for at most ten minutes a loop; a slowdown needs no fresh rounds."""
    console = Told()

    found, asked = gate(make_gate_run({"tf-fit": 1.2, "tf-function": 1.0}), console=console)

    assert (1, 0, True) == (found.result.exit_code, found.result.confirmation_rounds, found.result.loops[0].confirmed)
    (measuring,) = asked
    assert ((6, 12, 18, 24, 36, 48), 1200.0, None) == (
        measuring.looks,
        measuring.time_budget,
        measuring.anchor_margin,
    )
    assert [] == console.lines


def test_rounds_and_time_are_bounded_by_what_was_asked_for(gate, make_gate_run):
    """The last look is the last round."""
    _, asked = gate(make_gate_run({"tf-fit": 1.0}), most_rounds=8, time_budget=90.0)

    assert [((6, 8), 90.0)] == [(one.looks, one.time_budget) for one in asked]


def test_what_is_not_decided_fails_where_that_was_asked_for(gate, make_gate_run):
    """It passes unless that was asked to fail, and a note says what would decide it."""
    results = [
        gate(make_gate_run({"tf-fit": 1.02}, noise=0.02), policies=Policies(on_unclear=word))[0].result
        for word in ("pass", "fail")
    ]

    assert [0, 3] == [result.exit_code for result in results]
    (note,) = results[0].notes
    assert note.startswith("tf-fit: 6 rounds did not decide a budget of 2 %; one of ")


def test_what_identical_code_came_to_is_pooled_over_the_runs_that_are_stored(gate, make_gate_run, tmp_path):
    """Those of this machine; the one that was just measured is one of them."""
    for number in range(3):
        run = make_gate_run({"tf-fit": 1.0}, seed=number)
        header = replace(run.header, run_id=f"earlier-{number}")
        journal = Journal.create(tmp_path / "results", header=header)
        for trial in run.trials:
            journal.add(trial)
        journal.release()

    found, _ = gate(make_gate_run({"tf-fit": 1.0}, seed=9))

    pooled = found.result.identical
    assert 4 == pooled.runs
    assert pooled.low < 0.0 < pooled.high


def test_the_verdict_is_written_where_it_was_asked_for(gate, make_gate_run, tmp_path):
    """In a folder that was not there, in place of the one from before."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "verdict.json").write_text("old", encoding="utf-8")

    gate(make_gate_run({"tf-fit": 1.0}))

    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text(encoding="utf-8"))
    assert (SCHEMA, 0, ["tf-fit"]) == (
        verdict["schema"],
        verdict["exit_code"],
        [row["loop"] for row in verdict["loops"]],
    )


def test_a_job_of_github_gets_the_summary_below_what_stands_there(gate, make_gate_run, tmp_path):
    """Other steps write to the same page."""
    (tmp_path / "summary.md").write_text("before\n", encoding="utf-8")

    gate(make_gate_run({"tf-fit": 1.0}), environment={"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")})

    page = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert page.startswith("before\n### ")
    assert page.endswith("\n")


def test_a_verdict_that_cannot_be_written_is_an_error_that_names_the_file(gate, make_gate_run, tmp_path):
    """A job that reads it later would take an old one for this one."""
    (tmp_path / "file").touch()

    with pytest.raises(FileTrouble, match=r"file.*: cannot be made \("):
        gate(make_gate_run({"tf-fit": 1.0}), verdict_file=tmp_path / "file" / "verdict.json")


def test_a_page_that_cannot_be_written_is_what_the_verdict_says(gate, make_gate_run, tmp_path):
    """Exit code and verdict file never differ: a gate that fails at its page did not pass."""
    (tmp_path / "reports").touch()

    with pytest.raises(FileTrouble) as error:
        gate(make_gate_run({"tf-fit": 1.0}, rounds=6), reports=tmp_path / "reports")

    written = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert ("error", error.value.exit_code) == (written["outcome"], written["exit_code"])


def test_a_page_is_written_where_one_was_asked_for(gate, make_gate_run, tmp_path):
    """Of the run that has all loops; drawing takes a while, so the other tests ask for none."""
    found, _ = gate(make_gate_run({"tf-fit": 1.0}, rounds=3, anchor=1.08), reports=tmp_path / "reports")

    assert tmp_path / "reports" / "run-1" / "index.html" == found.page
    assert found.page.exists()


@pytest.fixture
def stored(tmp_path, make_run):
    """Return a function that stores a run to compare with, by its name."""

    def store(**settings):
        run = make_run(run_id="baseline", kernel=0.3e-3, **settings)
        journal = Journal.create(tmp_path / "results", header=run.header)
        for trial in (*run.calibration, *run.trials):
            journal.add(trial)
        for verification in run.verifications:
            journal.add_verification(verification)
        return "baseline"

    return store


STEPS = {"tf-fit": 1e-3, "tf-function": 1e-3}


def test_a_stored_run_stands_in_for_the_base(gate, stored, make_run):
    """Its loops are measured here, without sides; `seed` is another session."""
    found, asked = gate(make_run(steps=STEPS, seed=3, kernel=0.3e-3), baseline=stored(steps=STEPS), loops=())

    assert 0 == found.result.exit_code
    (first,) = asked
    assert ((), ("tf-fit", "tf-function")) == (first.sides, first.loops)


def test_a_stored_run_is_measured_as_it_was(gate, stored, make_run, make_cell):
    """With its threads and batch size: the usual ones would leave nothing to compare."""
    settings = {"steps": STEPS, "cells": [make_cell(loop, batch_size=256) for loop in STEPS]}

    found, asked = gate(make_run(**settings, seed=3, kernel=0.3e-3), baseline=stored(**settings), loops=())

    assert 0 == found.result.exit_code
    assert {"new", "removed"}.isdisjoint(row.verdict for row in found.result.loops)
    assert [(None, (256,))] == [(one.threads, one.batch_sizes) for one in asked]


def test_other_threads_than_those_of_the_stored_run_are_refused_before_anything_is_measured(gate, stored):
    """Not after minutes, as two runs of which each lacks what the other has."""
    with pytest.raises(UsageError, match="--threads 2: run baseline has as many threads"):
        gate(baseline=stored(steps=STEPS), threads=2, loops=())

    assert [] == gate.execute.asked


@pytest.mark.parametrize(("data", "seeds"), [("mnist", [7, 8]), ("own", [7, 7])])
def test_of_a_stored_run_only_the_suspect_is_measured_again(gate, stored, make_run, data, seeds):
    """And judged against the same stored rounds: in another order, but not on other arrays, which hang on the seed."""
    slow = STEPS | {"tf-fit": 1.5e-3}
    dataset = DatasetRecord(name=data, source="mine", sha256="d" * 64)

    found, asked = gate(
        make_run(steps=slow, seed=3, kernel=0.3e-3, dataset=dataset),
        make_run(steps={"tf-fit": 1.5e-3}, seed=4, kernel=0.3e-3, dataset=dataset),
        baseline=stored(steps=STEPS, dataset=dataset),
        loops=(),
    )

    assert 1 == found.result.exit_code
    assert [("tf-fit", "tf-function"), ("tf-fit",)] == [one.loops for one in asked]
    assert seeds == [one.seed for one in asked]


def test_an_interrupted_gate_goes_on_with_its_run_and_suspects_get_one_of_their_own(gate, stored, make_run):
    """What was measured again is another run."""
    gate(
        make_run(steps=STEPS | {"tf-fit": 1.5e-3}, seed=3, kernel=0.3e-3),
        make_run(steps={"tf-fit": 1.5e-3}, seed=4, kernel=0.3e-3),
        baseline=stored(steps=STEPS),
        loops=(),
        resume="interrupted",
    )

    assert ["interrupted", None] == gate.execute.resumed


@pytest.mark.parametrize("listed", [("tf-fit",), ()], ids=["listed", "those of the guides"])
def test_loops_that_nobody_named_are_those_that_are_listed(gate, make_gate_run, listed):
    """Without a list, the usual ones."""
    _, asked = gate(make_gate_run({"tf-fit": 1.0}), loops=(), settings=Settings(loops=listed))

    assert [listed] == [one.loops for one in asked]


def test_a_stored_run_of_which_no_loop_is_left_is_nothing_to_compare_with(gate, stored):
    """Exit code 4; nothing is measured, and the verdict names what is gone."""
    found, asked = gate(baseline=stored(steps={"gone": 1e-3}), loops=())

    assert (4, {"gone": "removed"}, []) == (
        found.result.exit_code,
        {row.loop: row.verdict for row in found.result.loops},
        asked,
    )


def test_a_loop_that_the_stored_run_has_and_this_tree_has_not_is_not_asked_for(gate, stored, make_run):
    """The comparison says that it is gone."""
    found, asked = gate(
        make_run(steps={"tf-fit": 1e-3}, seed=3, kernel=0.3e-3),
        baseline=stored(steps={"tf-fit": 1e-3, "gone": 1e-3}),
        loops=(),
    )

    assert [("tf-fit",)] == [one.loops for one in asked]
    assert "removed" == next(row.verdict for row in found.result.loops if row.loop == "gone")


SLOW = STEPS | {"tf-fit": 1.5e-3}


@pytest.fixture
def project(make_repository, tmp_path):
    """Return a user's repository and the hash of its first commit."""
    repository = make_repository(tmp_path / "project")
    return repository, repository.commit("first", {"model.py": "layers = 2\n"})


@pytest.mark.parametrize(("factor", "word", "code"), [(1.0, "same", 0), (1.5, "slower", 1)])
def test_the_commit_of_a_stored_run_is_measured_again_beside_a_suspect(
    gate, stored, make_run, make_gate_run, project, factor, word, code
):
    """Another session is no slowdown of the code, and one of the code shows in the same rounds."""
    repository, commit = project
    repository.commit("second", {"model.py": "layers = 3\n"})
    passport = {"project commit": commit, "project dirty": "no"}

    found, asked = gate(
        make_run(steps=SLOW, seed=3, kernel=0.3e-3),
        make_gate_run({"tf-fit": factor}, looks=(6, 12), rounds=12),
        baseline=stored(steps=STEPS, environment=passport),
        loops=(),
        folder=repository.folder,
    )

    assert code == found.result.exit_code
    row = next(row for row in found.result.loops if row.loop == "tf-fit")
    assert word == row.verdict
    assert ("beside its commit: " if code else "beside the commit of run baseline, ") in row.reason
    again = asked[1]
    assert (("tf-fit",), ["base", "head"]) == (again.loops, [side.name for side in again.sides])
    assert commit == again.sides[0].facts["commit"]


@pytest.mark.parametrize(
    ("passport", "why_not"),
    [
        ({}, "it does not know which commit it measured"),
        ({"project commit": "a" * 40, "project dirty": "yes"}, "its working tree was not as in aaaaaaaaaaaa"),
        ({"project commit": "a" * 40, "project dirty": "no"}, "a shallow clone may have to fetch it first"),
        (
            {"project commit": "a" * 40, "project dirty": "no", "environment TF_ENABLE_ONEDNN_OPTS": "0"},
            "something else has changed, too: environment TF_ENABLE_ONEDNN_OPTS",
        ),
    ],
    ids=["unknown", "changed", "not here", "another variable"],
)
def test_where_that_commit_cannot_be_measured_the_stored_rounds_judge_and_it_is_said(
    gate, stored, make_run, project, passport, why_not
):
    """As of a run outside any repository."""
    told = Told()

    found, asked = gate(
        make_run(steps=SLOW, seed=3, kernel=0.3e-3),
        make_run(steps={"tf-fit": 1.5e-3}, seed=4, kernel=0.3e-3),
        baseline=stored(steps=STEPS, environment=passport),
        loops=(),
        folder=project[0].folder,
        console=told,
    )

    assert 1 == found.result.exit_code
    assert () == asked[1].sides
    assert any("the commit of run baseline is not measured anew: " in line and why_not in line for line in told.lines)
