"""The properties that the verdicts are chosen for, on the noise that was measured, as `tools/` simulates it."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.verdict import Verdict

FEW, MANY = 60, 2000
"""Repetitions of the quick and of the slow tests."""


sys.path.append(str(Path(__file__).parents[2] / "tools"))  # plain scripts, which find one another as those that are run
study = import_module("study_simulated")
repetitions = pytest.mark.parametrize("repetitions", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
noises = pytest.mark.parametrize("noise", study.NOISES, ids=lambda noise: noise.name)


def settings(repetitions):
    """Return what every simulation takes."""
    return {"repetitions": repetitions, "generator": np.random.default_rng(0)}


@pytest.mark.parametrize(
    ("noise", "together", "apart"),
    [(study.STEADY, 0.011, 0.020), (study.DRIFTING, 0.011, 0.072), (study.THREADS, 0.023, 0.023)],
)
def test_the_simulated_noise_is_the_measured_one(noise, together, apart):
    """Within 10 %, paired and unpaired."""
    paired, unpaired, _ = study.spreads(noise, **settings(500))

    assert (pytest.approx(together, rel=0.1), pytest.approx(apart, rel=0.1)) == (paired, unpaired)


@repetitions
@noises
def test_identical_loops_are_called_different_in_at_most_one_report_of_a_hundred(noise, repetitions):
    """Ten pairs each."""
    assert study.flagged_in_reports(noise, alpha=0.05, **settings(repetitions)) <= 0.01


@repetitions
@pytest.mark.parametrize("noise", [*study.NOISES, study.UNRULY], ids=lambda noise: noise.name)
def test_a_gate_is_red_for_a_slowdown_and_for_nothing_else(noise, repetitions):
    """Ten per cent in at least 95 of 100 gates, wild processes or not; identical code in at most one of 100."""
    assert study.red_gates(noise, slowdown=0.10, **settings(repetitions)) >= 0.95
    assert study.red_gates(noise, slowdown=0.0, **settings(repetitions)) <= 0.01


@repetitions
@noises
def test_a_gate_finds_ten_per_cent_with_six_rounds(noise, repetitions):
    """In at least 95 of 100 runs."""
    assert study.found_in_gate(noise, slowdown=0.10, alpha=0.05, **settings(repetitions)) >= 0.95


@repetitions
def test_five_per_cent_are_found_within_twelve_rounds_when_stopping_on_precision(repetitions):
    """At 1.1 % noise, in at least 90 of 100 runs; half of them need no more than eight rounds."""
    found = study.stop_on_precision(study.STEADY, slowdown=0.05, most=12, **settings(repetitions))

    assert found.verdicts[Verdict.SLOWER] >= 0.90
    assert np.median(found.rounds) <= 8


@repetitions
def test_stopping_on_precision_calls_nothing_different_that_is_equal(repetitions):
    """At most 1 %, and intervals hold the truth in 95 % of runs, less 2 % for stopping and 3 standard errors."""
    found = study.stop_on_precision(study.STEADY, slowdown=0.0, most=12, **settings(repetitions))

    different = sum(found.verdicts.get(verdict, 0.0) for verdict in study.DIFFERENT)
    assert different <= 0.01
    assert found.covered > 0.93 - 3 * (0.95 * 0.05 / repetitions) ** 0.5


@pytest.mark.parametrize("loops", [2, 5])
def test_a_drift_of_ten_per_cent_moves_no_ratio_by_half_a_per_cent(loops):
    """Because all loops meet it alike; one after the other, they do not."""
    moved = [study.moved_by_drift(drift=0.1, loops=loops, seed=seed) for seed in range(10)]

    assert max(moved) < 0.005
    assert study.moved_by_drift(drift=0.1, loops=loops, seed=0, interleaved=False) > 0.04


@repetitions
def test_blocks_taken_for_samples_call_identical_loops_different(repetitions):
    """What ours avoids: t-tests on all values flag over a tenth of single pairs."""
    by_name = {rival.rule.__name__: rival for rival in study.RIVALS}

    for rule in ("pyperf", "criterion"):
        _, pairs = study.flagged_by_rival(by_name[rule], study.STEADY, **settings(repetitions))
        assert pairs > 0.10


def test_an_asv_factor_hides_five_per_cent():
    """Silence is bought with blindness."""
    asv = next(rival for rival in study.RIVALS if rival.name.startswith("asv"))

    assert study.found_by_rival(asv, study.STEADY, slowdown=0.05, **settings(FEW)) == 0.0


def test_the_study_prints_its_tables(capsys, monkeypatch):
    """From the noise to the drift."""
    monkeypatch.setattr(sys, "argv", ["study_simulated.py", "--repetitions", "3"])
    monkeypatch.setattr(study, "SEEDS", 2)

    study.main()

    printed = capsys.readouterr().out
    assert printed.startswith("3 repetitions, seed 0; 6 rounds of 10 blocks, margin 2 %.")
    assert printed.count("\n## ") == 6
