"""Loops on machines, in words and tables."""

import json
import re
from random import Random

import pytest

from bench.analysis.many_machines import matrices
from bench.analysis.verdict import Verdict
from bench.report import matrix

STEPS = {"tf-eager": 8e-3, "tf-function": 0.4e-3, "torch-native": 0.75e-3}
OTHER_WAY = STEPS | {"tf-function": 0.9e-3}


@pytest.fixture
def lab(make_run):
    """Return a factory: name of a machine -> step times, as one matrix."""

    def lab(machines, **fields):
        (found,) = matrices(
            make_run(
                steps=steps,
                seed=seed,
                run_id=f"run-{seed}",
                **{"noise": 0.01, "environment": {"machine name": name, "cpu model": "X"}} | fields,
            )
            for seed, (name, steps) in enumerate(machines.items())
        )
        return found

    return lab


def text_of(found, **changes):
    """Return what a terminal shows."""
    return matrix.render([found], **{"format": "table", "encoding": "utf-8", "width": 0} | changes)


def test_one_order_everywhere_is_one_sentence(lab):
    """Which loop, and that nothing is faster anywhere."""
    found = lab({"a": STEPS, "b": STEPS})

    assert "Use tf-function on all 2 machines: nothing is faster on any of them." == matrix.headline(found)
    assert next(matrix.sentences(found)).startswith("The order holds: ")


def test_machines_that_differ_each_get_their_loop(lab):
    """And the pairs that change places are named."""
    found = lab({"a": STEPS, "b": OTHER_WAY, "c": STEPS})

    assert "Use tf-function on a and c; torch-native on b." == matrix.headline(found)
    assert "tf-function and torch-native change places: tf-function is faster on a and c, torch-native on b." == next(
        matrix.sentences(found)
    )


def test_a_machine_that_cannot_tell_is_named(lab, make_run):
    """One round gives no place."""
    few = make_run(steps=STEPS, rounds=1, run_id="few", environment={"machine name": "c"})
    runs = [
        make_run(steps=STEPS, noise=0.01, run_id=f"run-{name}", environment={"machine name": name}) for name in "ab"
    ]

    (found,) = matrices([*runs, few])

    assert "Use tf-function on a and b: nothing is faster on any of them. c cannot tell." == matrix.headline(found)
    assert "c: no loop has a place there, for too few rounds or a busy machine" in list(matrix.remarks(found))


def test_machines_of_which_none_can_tell_say_so(lab):
    """No loop is recommended from nothing."""
    found = lab({"a": STEPS, "b": STEPS}, rounds=1)

    assert matrix.headline(found).startswith("No machine tells which loop is the fastest")
    assert found.agreement is None


def test_cells_have_the_gain_its_interval_and_a_mark(lab):
    """The baseline has its step time, since all else is against it."""
    lines = text_of(lab({"a": STEPS, "b": STEPS})).splitlines()

    assert re.fullmatch(r"Loop +a +b", lines[2])
    row = next(line for line in lines if line.startswith("tf-function "))
    assert re.fullmatch(r"tf-function +▲ 20\.?\d*x faster \(\d[\d.]* to \d[\d.]*\) \* +▲ .* \*", row)
    row = next(line for line in lines if line.startswith("tf-eager "))
    assert re.fullmatch(r"tf-eager +baseline, \d\.\d+ ms +baseline, \d\.\d+ ms", row)


def test_columns_that_do_not_fit_stand_below_each_other(lab):
    """Each part with the names of the loops; nothing is cut."""
    found = lab({"a": STEPS, "b": STEPS, "c": STEPS, "d": STEPS})

    narrow, wide = (text_of(found, width=width) for width in (90, 0))

    assert 2 == sum(line.startswith("Loop ") and "Machines" not in line for line in narrow.splitlines())
    table = [line for line in narrow.splitlines() if line.startswith(("Loop ", "tf-", "torch-"))]
    assert all(len(line) <= 90 for line in table)
    assert 1 == sum(line.startswith("Loop ") and "Machines" not in line for line in wide.splitlines())


def test_a_terminal_without_glyphs_gets_letters(lab):
    """As other tables do."""
    assert text_of(lab({"a": STEPS, "b": STEPS}), encoding="ascii").isascii()


def test_machines_of_one_name_are_told_apart(make_run):
    """Two kinds of memory in processors of one model."""
    passports = [{"cpu model": "X", "cpu cores usable": "2", "memory total MiB": size} for size in ("8000", "64000")]

    (found,) = matrices(
        make_run(steps=STEPS, seed=seed, run_id=f"run-{seed}", environment=passport)
        for seed, passport in enumerate(passports)
    )

    first, second = matrix.column_names(found)
    assert first != second
    assert all(re.fullmatch(r"X, 2 cores \([0-9a-f]{6}\)", name) for name in (first, second))


def test_three_machines_say_what_one_more_would(lab):
    """Two say why they do not."""
    two, three = (lab(dict.fromkeys(names, STEPS)) for names in ("ab", "abc"))

    assert matrix.summary(two) is None
    assert "is not known: it takes 3 machines" in list(matrix.sentences(two))[-1]
    header, rows = matrix.summary(three)
    assert "One more machine" == header[-1]
    assert ["tf-function", "3 CPU"] == rows[0][:2]


def test_what_failed_says_so_in_its_cell(lab, make_failure):
    """And has neither number nor mark."""
    found = lab({"a": STEPS, "b": STEPS}, failures={"torch-native": make_failure()})

    assert ["torch-native", "✖ failed", "✖ failed"] == next(
        row for row in matrix.table(found)[1] if row[0] == "torch-native"
    )


def test_markdown_holds_the_answer_and_the_table(lab):
    """For a pull request; names of others are harmless in it."""
    text = matrix.render([lab({"a|b": STEPS, "b": STEPS})], format="md", encoding="utf-8", width=0)

    assert text.startswith("### Use tf-function on all 2 machines")
    assert r"| Loop | a\|b | b |" in text


def test_data_are_not_rounded(lab):
    """Ratios and seconds, with the runs that they are from."""
    found = lab({"a": STEPS, "b": OTHER_WAY, "c": STEPS})

    (data,) = json.loads(matrix.render([found], format="json", encoding="utf-8", width=0))["matrices"]

    assert (matrix.headline(found), "tf-eager") == (data["headline"], data["baseline"])
    assert ["run-0", "run-1", "run-2"] == [column["run"] for column in data["columns"]]
    cell = next(one for one in data["columns"][0]["loops"] if one["loop"] == "tf-function")
    assert found.columns[0].between("tf-eager", "tf-function").speed_up.estimate == cell["speed_up"]["estimate"]
    assert (1, None) == (cell["rank"], cell["reason"])
    assert 3 == data["across"][0]["machines"]


@pytest.fixture
def make_matrix(make_run):
    """Return a factory: any number of settings of runs, as one matrix."""

    def make(*runs):
        defaults = {"steps": STEPS, "noise": 0.01}
        (found,) = matrices(
            make_run(seed=seed, **defaults | {"run_id": f"run-{seed}"} | settings) for seed, settings in enumerate(runs)
        )
        return found

    return make


def test_columns_say_device_and_threads_where_they_were_chosen(make_matrix, make_cell):
    """Of a machine that was measured in two ways, both stand beside each other."""
    found = make_matrix(
        {"environment": {"machine name": "a"}},
        {"environment": {"machine name": "a"}, "cells": [make_cell(loop, threads=1) for loop in STEPS]},
        {"environment": {"machine name": "b"}, "cells": [make_cell(loop, device="gpu") for loop in STEPS]},
    )

    assert ["a, CPU", "a, CPU, 1 thread", "b, GPU"] == matrix.column_names(found)
    assert "mnist-mlp, batch 32" == matrix.title(found)
    assert "Use tf-function on all 3 settings of machines" in matrix.headline(found)


def test_a_loop_of_one_machine_only_is_in_the_table_and_says_where_it_is_not(make_matrix):
    """It has no part in how alike the machines are."""
    found = make_matrix(
        {"environment": {"machine name": "a"}, "steps": STEPS | {"mine": 0.2e-3}},
        {"environment": {"machine name": "b"}},
    )

    row = next(row for row in matrix.table(found)[1] if row[0] == "mine")
    assert row[1].startswith("▲ ")
    assert row[1].endswith(" *")
    assert "not measured" == row[2]
    assert 3 == found.agreement.loops
    assert "Use mine on a; tf-function on b." == matrix.headline(found)


def test_a_machine_without_the_baseline_shows_its_step_times_and_says_why(make_matrix):
    """Nothing is against a number of another machine."""
    found = make_matrix(
        {"environment": {"machine name": "a"}},
        {"environment": {"machine name": "b"}},
        {
            "environment": {"machine name": "c"},
            "steps": {name: STEPS[name] for name in ("tf-function", "torch-native")},
        },
    )
    wanted = {name: row for name, *row in matrix.table(found)[1]}

    assert "tf-function" == found.baseline, "the loop that all machines have"
    assert "not measured" == wanted["tf-eager"][2]
    found = make_matrix(
        {"environment": {"machine name": "a"}, "baseline": "tf-eager"},
        {"environment": {"machine name": "b"}, "steps": {"torch-native": 1e-3, "mine": 2e-3}},
    )
    assert "torch-native" == found.baseline


def test_what_is_not_as_it_should_be_is_said_before_a_number_is_quoted(make_matrix):
    """An incomplete run, and one of other times that was passed over."""
    found = make_matrix(
        {"environment": {"machine name": "a"}, "started": "2026-01-01T00:00:00+00:00"},
        {"environment": {"machine name": "a"}, "started": "2026-01-03T00:00:00+00:00", "finished_rounds": 4},
        {"environment": {"machine name": "b"}},
    )

    said = list(matrix.remarks(found))
    assert "not shown: 1 earlier run of these machines; the newest counts" in said
    assert "a: the run is not complete" in said
    assert any(text.startswith("! a: the run is not complete") for text in text_of(found).splitlines())


def test_names_of_others_disturb_neither_table_nor_sentence(make_matrix):
    """They come from other machines."""
    found = make_matrix(
        {"environment": {"machine name": "a\x1b[31m"}, "steps": STEPS | {"x\ny": 0.1e-3}},
        {"environment": {"machine name": "b"}, "steps": STEPS | {"x\ny": 0.1e-3}},
    )

    text = text_of(found)
    assert "\x1b" not in text
    assert "x\ny" not in text
    assert "x\N{REPLACEMENT CHARACTER}y" in text


@pytest.mark.parametrize("seed", range(12))
def test_no_machine_is_told_to_use_a_loop_that_another_one_beats_there(make_matrix, seed):
    """Whatever the noise, and whatever the machines are like."""
    random = Random(seed)
    labs = [
        {
            "environment": {"machine name": f"m{place}"},
            "noise": random.choice([0.005, 0.02, 0.1]),
            "steps": {loop: step * random.uniform(0.5, 2.0) for loop, step in STEPS.items()},
        }
        for place in range(random.randint(2, 5))
    ]

    found = make_matrix(*labs)

    for choice in found.choices:
        for place in choice.columns:
            column = found.columns[place]
            others = [loop for loop in found.loops if loop != choice.loop]
            judged = [column.between(choice.loop, other) for other in others]
            assert all(one is None or one.verdict is not Verdict.FASTER for one in judged)
    for swap in found.swaps:
        assert not set(swap.first) & set(swap.second)


def test_two_trainings_are_two_tables(make_run, make_cell):
    """One below the other, each with its own answer."""
    small, large = (
        matrices(
            make_run(
                steps=STEPS,
                cells=[make_cell(loop, batch_size=size) for loop in STEPS],
                noise=0.01,
                run_id=name,
                environment={"machine name": name},
            )
            for name in "ab"
        )
        for size in (32, 256)
    )

    text = matrix.render([*small, *large], format="table", encoding="utf-8", width=0)

    assert "mnist-mlp, batch 32, against tf-eager" in text
    assert "mnist-mlp, batch 256, against tf-eager" in text
    assert 2 == text.count("Use tf-function on all 2 machines")


@pytest.mark.parametrize(
    "settings",
    [
        {"rounds": 1},
        {"steps": dict.fromkeys(STEPS, 1e-3), "noise": 0.05},
    ],
    ids=["one round", "loops alike"],
)
def test_an_order_that_no_two_machines_have_is_not_called_one_that_holds(make_matrix, settings):
    """Nothing contradicts nothing."""
    found = make_matrix(*({"environment": {"machine name": name}} | settings for name in "ab"))

    assert next(matrix.sentences(found)) == (
        "Whether the order holds is not known: no two loops are told apart on two machines."
    )


def test_an_order_of_which_one_machine_knows_nothing_is_told_by_the_others(make_matrix):
    """Each pair counts where it is told apart."""
    names = ({"environment": {"machine name": name}} for name in "ab")
    found = make_matrix(*names, {"environment": {"machine name": "c"}, "rounds": 1})

    assert next(matrix.sentences(found)) == (
        "The order holds: of 3 pairs told apart on two machines or more, the same loop is the faster one on all."
    )


def test_names_in_wide_letters_take_the_room_that_a_terminal_gives_them(make_matrix):
    """Two places each."""
    found = make_matrix(
        *({"environment": {"machine name": name * 20}} for name in ("\N{CJK UNIFIED IDEOGRAPH-673A}", "b"))
    )

    lines = text_of(found, width=85).splitlines()

    assert 2 == sum(line.startswith("Loop ") for line in lines)
