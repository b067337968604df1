"""Loops on machines, side by side."""

from dataclasses import replace
from math import log
from random import Random

import pytest
from scipy.stats import friedmanchisquare

from bench.analysis.many_machines import agreement, matrices
from bench.analysis.summary import summarise
from bench.records.stored_run import DatasetRecord

STEPS = {"tf-eager": 8e-3, "tf-function": 0.4e-3, "torch-native": 0.75e-3}
OTHER_WAY = STEPS | {"tf-function": 0.9e-3}


@pytest.fixture
def make_lab(make_run):
    """Return a factory: name of a machine -> step times, as runs of machines of those names."""

    def make(machines, **fields):
        return [
            make_run(
                steps=steps,
                seed=seed,
                run_id=f"run-{seed}",
                **{"environment": {"machine name": name, "cpu model": "X"}, "noise": 0.01} | fields,
            )
            for seed, (name, steps) in enumerate(machines.items())
        ]

    return make


def test_each_machine_has_a_column_against_its_own_baseline(make_lab):
    """A machine that is ten times slower in all changes no ratio."""
    slow = {loop: 10.0 * step for loop, step in STEPS.items()}

    (found,) = matrices(make_lab({"a": STEPS, "b": slow}))

    assert ["a", "b"] == [column.machine.name for column in found.columns]
    assert "tf-eager" == found.baseline
    assert ("tf-function", "torch-native", "tf-eager") == found.loops
    gains = [column.between("tf-eager", "tf-function").speed_up.estimate for column in found.columns]
    assert [pytest.approx(20.0, rel=0.05)] * 2 == gains


def test_an_order_that_holds_has_one_loop_to_use_and_no_swap(make_lab):
    """Kendall's coefficient is 1."""
    (found,) = matrices(make_lab({"a": STEPS, "b": STEPS, "c": STEPS}))

    assert () == found.swaps
    assert [("tf-function", (0, 1, 2))] == [(choice.loop, choice.columns) for choice in found.choices]
    assert (1.0, 3, 3) == (found.agreement.coefficient, found.agreement.columns, found.agreement.loops)


def test_loops_that_change_places_are_named_with_where(make_lab):
    """So that each machine gets its own."""
    (found,) = matrices(make_lab({"a": STEPS, "b": OTHER_WAY, "c": STEPS}))

    (swap,) = found.swaps
    assert ("tf-function", "torch-native") == swap.loops
    assert ((0, 2), (1,)) == (swap.first, swap.second)
    assert [("tf-function", (0, 2)), ("torch-native", (1,))] == [(c.loop, c.columns) for c in found.choices]
    assert found.agreement.coefficient < 1.0


def test_what_is_not_told_apart_is_no_swap(make_lab):
    """Two loops of one speed stand the other way round by chance on every other machine."""
    alike = STEPS | {"torch-native": STEPS["tf-function"]}

    (found,) = matrices(make_lab(dict.fromkeys("abcdef", alike)))

    assert () == found.swaps
    assert 1 == len(found.choices)


def test_the_newest_run_of_a_machine_counts(make_lab, make_run):
    """Nothing is pooled: two runs of a machine are not two machines."""
    old, other = make_lab({"a": STEPS, "b": STEPS})
    header = replace(old.header, run_id="newer", started="2026-02-02T12:00:00+00:00")

    (found,) = matrices([replace(old, header=header), old, other])

    assert ["newer", "run-1"] == sorted(column.run.header.run_id for column in found.columns)
    assert 1 == found.passed_over


def test_devices_and_threads_of_a_machine_are_columns_of_their_own(make_lab, make_cell):
    """And machines of one kind of them say together what one more would, not all in one pot."""
    labs = make_lab(dict.fromkeys("abc", STEPS))
    cells = [make_cell(loop, threads=1) for loop in STEPS]
    (narrow, *_) = make_lab(dict.fromkeys("abc", STEPS), cells=cells)

    (found,) = matrices([*labs, narrow])

    assert [("a", None), ("a", 1), ("b", None), ("c", None)] == [(c.machine.name, c.threads) for c in found.columns]
    assert {(3, None)} == {(one.machines, one.threads) for one in found.across}


def test_one_machine_has_nothing_to_stand_beside(make_lab, make_cell):
    """Nor have two that trained different things."""
    first, second = make_lab({"a": STEPS, "b": STEPS})
    cells = [make_cell(loop, batch_size=256) for loop in STEPS]
    (_, other) = make_lab({"a": STEPS, "b": STEPS}, cells=cells)

    assert () == matrices([first])
    assert () == matrices([first, other])
    assert 1 == len(matrices([first, other, second]))


def test_another_data_set_is_left_out_by_name(make_lab):
    """Its times are of another training, whatever they are."""
    first, second, third = make_lab({"a": STEPS, "b": STEPS, "c": STEPS})
    other = DatasetRecord(name="mnist", source="elsewhere", sha256="f" * 64)
    third = replace(third, header=replace(third.header, dataset=other))

    (found,) = matrices([first, second, third])

    assert ["run-0", "run-1"] == [column.run.header.run_id for column in found.columns]
    assert (("run-2", "data"),) == found.left_out


def test_other_versions_are_remarked_and_kept(make_lab):
    """Machines are as they are; who reads the table has to know."""
    first, second = make_lab({"a": STEPS, "b": STEPS})
    trials = tuple(replace(trial, versions=trial.versions | {"numpy": "9.9"}) for trial in second.trials)

    (found,) = matrices([first, replace(second, trials=trials)])

    assert [("numpy", "9.9")] == [(remark.what, remark.new) for remark in found.columns[1].remarks]
    assert () == found.columns[0].remarks


def test_a_loop_that_broke_on_one_machine_is_left_out_of_the_agreement_and_stays_in_the_table(make_lab, make_failure):
    """Two loops are left to agree on."""
    first, second = make_lab({"a": STEPS, "b": STEPS})
    trials = tuple(
        replace(trial, failure=make_failure(), blocks=()) if trial.cell.loop == "torch-native" else trial
        for trial in second.trials
    )

    (found,) = matrices([first, replace(second, trials=trials)])

    assert "torch-native" in found.loops
    assert found.columns[1].between("tf-eager", "torch-native") is None
    assert 2 == found.agreement.loops


def test_loops_stand_in_the_order_of_their_gains_over_all_machines(make_lab):
    """Of five, none of which is where the runs have it."""
    steps = {"tf-eager": 8e-3, "a": 3e-3, "b": 5e-3, "c": 1e-3, "d": 4e-3}

    (found,) = matrices(make_lab({"a": steps, "b": steps}))

    assert ("c", "a", "d", "b", "tf-eager") == found.loops


def test_the_baseline_is_a_loop_that_most_machines_have(make_lab):
    """And not the one that stands first, which two of three lack."""
    found = matrices(make_lab({"a": {"mine": 1e-3} | STEPS, "b": STEPS, "c": STEPS}))

    assert "tf-eager" == found[0].baseline


def test_a_baseline_that_is_asked_for_is_taken(make_lab):
    """And one that no run has is not."""
    runs = make_lab({"a": STEPS, "b": STEPS})

    assert "torch-native" == matrices(runs, baseline="torch-native")[0].baseline
    assert "tf-eager" == matrices(runs, baseline="mine")[0].baseline


def test_from_three_machines_on_the_next_one_has_an_interval(make_lab):
    """Wider than that of the mean, and around it."""
    labs = {"a": STEPS, "b": STEPS | {"tf-function": 0.5e-3}, "c": STEPS | {"tf-function": 0.3e-3}}

    (two,) = matrices(make_lab(dict(list(labs.items())[:2])))
    (three,) = matrices(make_lab(labs))

    assert () == two.across
    across = {one.loop: one for one in three.across}
    found = across["tf-function"]
    assert (3, "cpu") == (found.machines, found.device)
    assert found.next_machine.low < found.mean.low < found.mean.estimate < found.mean.high < found.next_machine.high
    # Where machines hardly differ, the next one is not expected to, either.
    assert log(across["torch-native"].next_machine.high / across["torch-native"].next_machine.low) < 0.3


def test_verdicts_are_those_of_each_machine_s_own_report(make_lab):
    """A table that contradicts a page is worth nothing."""
    runs = make_lab({"a": STEPS, "b": OTHER_WAY}, noise=0.03)
    (found,) = matrices(runs)

    for column, run in zip(found.columns, runs, strict=True):
        (group,) = summarise(run)
        for cell in group.cells:
            if cell.verdict is not None:
                assert column.between(group.baseline, cell.cell.loop).verdict is cell.verdict


@pytest.mark.parametrize("seed", range(20))
def test_the_coefficient_is_friedman_s_statistic_over_its_largest_value(seed):
    """W = chi² / (m (n - 1)), ties corrected in both."""
    random = Random(seed)
    machines, loops = random.randint(3, 8), random.randint(3, 7)
    places = [[random.randint(1, 4) for _ in range(loops)] for _ in range(machines)]
    chi_squared = friedmanchisquare(*zip(*places, strict=True)).statistic

    assert chi_squared / (machines * (loops - 1)) == pytest.approx(agreement(places), rel=1e-9)


def test_the_coefficient_of_a_textbook():
    """Three judges of six things: Siegel, "Nonparametric statistics", 1956, table 9.10: W = 0.16."""
    places = [[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]]

    assert 0.162 == pytest.approx(agreement(places), abs=0.0005)


def test_nothing_to_agree_on_has_no_coefficient():
    """One machine, none, or one place for all."""
    assert agreement([]) is None
    assert agreement([[1, 2, 3]]) is None
    assert agreement([[1, 1, 1], [1, 1, 1]]) is None
