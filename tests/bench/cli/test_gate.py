"""gate in process."""

import json
from types import SimpleNamespace

import pytest

from bench.gate import confirm
from bench.gate.policy import Policies
from bench.gate.result import SCHEMA, GateResult, Outcome


@pytest.fixture
def asked(monkeypatch):
    """Have the gate measure nothing and fail; return what it was asked."""
    found = SimpleNamespace(options=None)
    result = GateResult(
        schema=SCHEMA,
        outcome=Outcome.REGRESSION,
        exit_code=1,
        base="ref=main",
        head="here",
        loops=(),
        noise=None,
        rounds=6,
        confirmation_rounds=6,
        runs=("run-1",),
    )

    def check(options, *, around, file):
        found.options = options
        file.write(result, environment={}, console=around.console)
        return confirm.Gated(result=result, page=None)

    monkeypatch.setattr(confirm, "check", check)
    return found


def test_gate_exits_with_what_was_found(bench, asked):
    """And measures as the noise wants it: one thread, six rounds, the base once more."""
    done = bench("gate", "numpy")

    assert 1 == done.exit_code
    measuring = asked.options.measuring
    assert (("numpy",), 1, 6, True, True) == (
        measuring.loops,
        measuring.threads,
        measuring.rounds,
        measuring.again,
        measuring.verify,
    )
    assert ("ref=main", "here", True) == (asked.options.base, asked.options.head, asked.options.from_merge_base)


def test_options_come_before_the_settings_of_the_project(bench, asked, tmp_path):
    """And both before what holds without either; a budget on the command line replaces those of single loops."""
    (tmp_path / "pyproject.toml").write_text(
        "[tool.bench.gate]\nloops = ['tf-fit']\nrounds = 8\nthreads = 2\nmax-slowdown = 5\nbudgets = { tf-fit = 9 }\n",
        encoding="utf-8",
    )

    bench("gate", "--rounds", "4", "--max-slowdown", "7", "--no-verify", "--no-report", "--seed", "3", "--steps", "9")

    options = asked.options
    measuring = options.measuring
    assert (("tf-fit",), (), 4, 2, 3, 9, False) == (
        options.settings.loops,
        measuring.loops,
        measuring.rounds,
        measuring.threads,
        measuring.seed,
        measuring.steps,
        measuring.verify,
    )
    assert (0.07, {}, None) == (options.settings.max_slowdown, options.settings.budgets, options.reports)


def test_a_job_of_github_gets_an_annotation(bench, asked):
    """Only there."""
    assert "::error" in bench("gate", GITHUB_ACTIONS="true").stdout
    assert "::error" not in bench("gate", GITHUB_ACTIONS="").stdout


def test_gate_refuses_a_stored_run_beside_sides(refused):
    """They say the same thing."""
    sentence = "Error: --baseline compares the working tree with a stored run; leave out --base and --head"

    assert sentence == refused(2, "gate", "--baseline", "x", "--base", "here")


def test_gate_refuses_one_round(refused):
    """It has no interval."""
    assert "1 is not in the range x>=2" in refused(2, "gate", "--rounds", "1")


@pytest.mark.parametrize("option", ["--base-ref", "--base", "--head", "--baseline", "--resume"])
def test_an_empty_name_is_a_variable_that_nobody_has_set(bench, option):
    """It would be taken for the default, by either way of giving it."""
    variable = f"BENCH_{option.removeprefix('--').replace('-', '_').upper()}"

    given, inherited = bench("gate", option, ""), bench("gate", **{variable: ""})

    assert (2, 2) == (given.exit_code, inherited.exit_code)
    assert f"{option} is empty; give it a value or leave it out" in given.stderr
    assert f"{variable} is empty; give it a value or leave it out" in inherited.stderr


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["--rounds", "1"], "bench-verdict.json"),
        (["--no-such-option", "--verdict-file", "mine.json"], "mine.json"),
        (["--baseline", "x", "--base", "here"], "bench-verdict.json"),
        (["--baseline", "nowhere"], "bench-verdict.json"),
    ],
)
def test_a_gate_that_cannot_begin_leaves_a_verdict_that_says_so(bench, tmp_path, arguments, file):
    """In place of an older one that passed."""
    (tmp_path / file).write_text('{"outcome": "passed", "exit_code": 0}')

    done = bench("gate", *arguments)

    verdict = json.loads((tmp_path / file).read_text())
    assert (2, 2, "error") == (done.exit_code, verdict["exit_code"], verdict["outcome"])


def test_budgets_may_be_above_a_hundred_per_cent(bench, asked):
    """Three times as slow."""
    bench("gate", "--max-slowdown", "200")

    assert 2.0 == asked.options.settings.max_slowdown


def test_what_fails_is_chosen_on_the_command_line_or_in_the_settings(bench, asked, tmp_path):
    """The former wins."""
    (tmp_path / "pyproject.toml").write_text("[tool.bench.gate]\non-new = 'fail'\non-removed = 'pass'\n")

    bench("gate", "--on-new", "pass", "--on-faster", "fail")

    assert Policies(on_new="pass", on_removed="pass", on_faster="fail") == asked.options.policies
