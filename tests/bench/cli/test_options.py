"""What words on the command line are read as, and what a shell completes."""

import click
import pytest

from bench.cli import options
from bench.cli.options import Assignment, Percent, Sizes, rounds_of


@pytest.mark.parametrize(
    ("text", "sizes"), [("32", (32,)), ("32,256", (32, 256)), ("64,32,64", (64, 32)), ((8,), (8,))]
)
def test_sizes_keep_their_order_and_lose_what_is_said_twice(text, sizes):
    """A default is a tuple already."""
    assert sizes == Sizes().convert(text, None, None)


@pytest.mark.parametrize(("text", "fraction"), [("2", 0.02), ("2%", 0.02), ("0.5", 0.005), (0.02, 0.02)])
def test_per_cent_become_a_fraction(text, fraction):
    """A default is a fraction already."""
    assert pytest.approx(fraction) == Percent().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "assigned"), [("torch=python3", ("torch", "python3")), ("jax=/a=b/python", ("jax", "/a=b/python"))]
)
def test_an_assignment_is_split_at_its_first_equals_sign(text, assigned):
    """A path may hold others."""
    assert assigned == Assignment().convert(text, None, None)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Sizes(), ""),
        (Sizes(), "1,,2"),
        (Sizes(), "1.5"),
        (Sizes(), "-1"),
        (Percent(), "0"),
        (Percent(), "100"),
        (Percent(), "nan"),
        (Percent(), "-3"),
        (Percent(), "two"),
        (Assignment(), "torch"),
        (Assignment(), "=python"),
        (Assignment(), "torch="),
    ],
)
def test_anything_else_is_refused(kind, text):
    """By click, with the name of the option."""
    with pytest.raises(click.BadParameter):
        kind.convert(text, None, None)


@pytest.mark.parametrize(
    ("rounds", "quick", "rigorous", "expected"),
    [(None, False, False, 6), (None, True, False, 3), (None, False, True, 20), (9, False, False, 9)],
)
def test_rounds_are_said_in_one_of_three_ways(rounds, quick, rigorous, expected):
    """Or left out."""
    assert expected == rounds_of(rounds, quick=quick, rigorous=rigorous)


@pytest.mark.parametrize(("rounds", "quick", "rigorous"), [(3, True, False), (None, True, True), (20, False, True)])
def test_rounds_that_are_said_twice_are_refused(rounds, quick, rigorous):
    """Even where both mean the same."""
    with pytest.raises(click.UsageError, match="give one of them"):
        rounds_of(rounds, quick=quick, rigorous=rigorous)


def completed(complete, incomplete, **params):
    """Return what a shell is offered, as (value, type)."""
    context = click.Context(click.Command("run"))
    context.params |= params
    found = complete(context, click.Argument(["x"]), incomplete)
    return [one if isinstance(one, str) else (one.value, one.type) for one in found]


def test_names_are_offered_and_files_where_no_name_fits():
    """A file of the user is a loop, too."""
    assert ("numpy", "plain") in completed(options.complete_loops, "nu")
    assert ("regression", "plain") in completed(options.complete_workloads, "reg")
    assert [("./mi", "file")] == completed(options.complete_loops, "./mi")


def test_the_forms_of_a_side_are_offered():
    """What follows the equals sign is the user's."""
    assert {"pip=", "python="} == set(completed(options.complete_sides, "p"))


def test_stored_runs_are_offered_and_folders_where_none_fits(tmp_path):
    """From wherever results are."""
    (tmp_path / "20260102-a").mkdir()
    (tmp_path / "20260102-a" / "journal.jsonl").touch()

    assert [("20260102-a", "plain")] == completed(options.complete_runs, "2026", results_dir=tmp_path)
    assert [("x", "dir")] == completed(options.complete_runs, "x", results_dir=tmp_path)


def test_a_pattern_is_completed_to_what_it_stands_for():
    """So that who asks sees it."""
    assert [("numpy", "plain"), ("numpy-cpp", "plain")] == completed(options.complete_loops, "num*")
    assert [] == completed(options.complete_loops, "qqq*")
