"""gate and verify in process."""

import json
from types import SimpleNamespace

import pytest

from bench.gate import confirm
from bench.gate.result import GateResult, Outcome


@pytest.fixture
def asked(monkeypatch):
    """Have the gate measure nothing and fail; return what it was asked."""
    found = SimpleNamespace(options=None)
    result = GateResult(
        schema="bench-verdict/1",
        outcome=Outcome.REGRESSION,
        exit_code=1,
        base="ref=main",
        head="here",
        loops=(),
        noise_floor=None,
        rounds=6,
        confirmation_rounds=6,
        runs=("run-1",),
    )

    def check(options, **_):
        found.options = options
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
    assert ("ref=main", "here") == (asked.options.base, asked.options.head)


def test_options_come_before_the_settings_of_the_project(bench, asked, tmp_path):
    """And both before what holds without either; a budget on the command line replaces those of single loops."""
    (tmp_path / "pyproject.toml").write_text(
        "[tool.bench.gate]\nloops = ['tf-fit']\nrounds = 8\nthreads = 2\nmax-slowdown = 5\nbudgets = { tf-fit = 9 }\n",
        encoding="utf-8",
    )

    bench("gate", "--rounds", "4", "--max-slowdown", "7", "--no-verify", "--no-report", "--seed", "3", "--steps", "9")

    options = asked.options
    measuring = options.measuring
    assert (("tf-fit",), 4, 2, 3, 9, False) == (
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


def test_verify_says_what_does_the_same_work(bench):
    """The kernels of NumPy, on the smallest workload."""
    done = bench("verify", "numpy", "--workload", "regression", "--format", "json")

    assert 0 == done.exit_code, done.output
    assert [True] == [one["passed"] for one in json.loads(done.stdout)]
    assert "checked numpy on regression" in done.stderr


def test_verify_refuses_a_loop_that_does_not_exist(refused):
    """With the nearest name."""
    assert "Error: there is no loop 'nunpy'. Did you mean 'numpy'? Known:" in refused(2, "verify", "nunpy")
