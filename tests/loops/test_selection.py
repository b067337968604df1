"""Names, files, "all" and patterns: which loops are meant, and what is left of them."""

import shutil
from pathlib import Path

import pytest

from loops import registry, selection
from loops.errors import InvalidSource, NothingLeft, NothingMatches, UnknownName

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "my_loop.py"


@pytest.fixture
def own_loop(tmp_path, monkeypatch):
    """Return the path of a user's loop, which nobody knows of afterwards."""
    monkeypatch.setenv("BENCH_FILES", "[]")
    return str(shutil.copy(EXAMPLE, tmp_path / "my_loop.py"))


@pytest.mark.parametrize("pattern", ["jax-*", "jax-[fjs]*", "ja?-*"])
def test_a_pattern_stands_for_the_registered_names_that_it_fits(pattern):
    """In the order in which they are registered."""
    assert [name for name in registry.loop_names() if name.startswith("jax-")] == list(selection.meant(pattern))


def test_all_stands_for_every_loop():
    """Files of users beside it are measured, too."""
    assert tuple(registry.loop_names()) == selection.chosen(["all"])


def test_what_is_named_twice_counts_once(own_loop):
    """By name, pattern and file; the first place holds."""
    found = selection.chosen(["numpy", own_loop, "num*", "my_loop"])

    assert ("numpy", "my_loop", "numpy-cpp") == found


def test_a_path_with_the_signs_of_a_pattern_is_a_file(own_loop, tmp_path):
    """Folders may be called anything."""
    odd = tmp_path / "[x]*"
    odd.mkdir()

    assert ("my_loop",) == selection.chosen([str(shutil.copy(own_loop, odd / "my_loop.py"))])


@pytest.mark.parametrize(
    ("pattern", "near"), [("tff-*", "'tf-fit"), ("*-compil", "-compile'"), ("jaxx*", "'jax-fit'"), ("qqq*", "")]
)
def test_a_pattern_that_fits_nothing_is_one_line_with_the_nearest_names(pattern, near):
    """Nothing is measured in its place."""
    with pytest.raises(NothingMatches) as caught:
        selection.chosen([pattern])

    assert str(caught.value).startswith(f"no loop is called like '{pattern}'.")
    assert near in str(caught.value)
    assert (bool(near), 2) == ("Did you mean one like" in str(caught.value), caught.value.exit_code)


def test_loops_are_left_out_by_name_pattern_and_file(own_loop):
    """Whether or not they were asked for."""
    found = selection.chosen(["tf-*", own_loop], without=["tf-e*", "*-xla", "tf-fit*", own_loop, "numpy"])

    assert ("tf-function", "tf-function-epoch", "tf-train-on-batch") == found


def test_a_name_that_nobody_knows_is_not_left_out_in_silence():
    """A slip of the finger would measure what was not wanted."""
    with pytest.raises(UnknownName, match="Did you mean 'tf-eager'"):
        selection.chosen(["tf-*"], without=["tf-eagr"])


def test_leaving_out_everything_is_refused():
    """The message says by what."""
    with pytest.raises(NothingLeft, match=r"no loop is left: num\* leaves out numpy, numpy-cpp"):
        selection.chosen(["numpy", "numpy-cpp"], without=["num*"])


def test_a_name_of_another_side_passes():
    """Only the loops of a commit may know it; a file has to be there."""
    assert ("of-long-ago",) == selection.chosen(["of-long-ago"])
    with pytest.raises(InvalidSource):
        selection.chosen(["no_such.py"])
