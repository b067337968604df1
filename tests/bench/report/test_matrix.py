"""Loops on machines, in words and tables."""

import json
import re

import pytest

from bench.analysis.many_machines import matrices
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
