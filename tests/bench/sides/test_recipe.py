"""What users write for an environment, and how its parts come together."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from bench import redaction
from bench.errors import UsageError
from bench.records.cell import Side
from bench.sides import recipe as recipes
from bench.sides.recipe import restored


def said(side, code):
    """Return what a side's Python prints, with the side's folders on the path."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(side.python_path)}
    done = subprocess.run(
        [side.interpreter or sys.executable, "-P", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("here", {}),
        ("ref=HEAD~1", {"ref": "HEAD~1"}),
        ("pip=keras>=3,<4", {"pip": "keras>=3,<4"}),
        ("python=/usr/bin/python3", {"python": "/usr/bin/python3"}),
        ("env=A=1", {"variables": {"A": "1"}}),
        ("env=XLA_FLAGS=--a=1,--b=2", {"variables": {"XLA_FLAGS": "--a=1,--b=2"}}),
        ("env=A=,env=B=2", {"variables": {"A": "", "B": "2"}}),
        ("env=A=1,env=A=2", {"variables": {"A": "2"}}),
        ("ref=main,pip=keras>=3,<4,env=A=1", {"ref": "main", "pip": "keras>=3,<4", "variables": {"A": "1"}}),
    ],
)
def test_a_comma_separates_only_before_a_kind(text, parts):
    """Requirements and values have commas of their own."""
    recipe = recipes.parse(text, name="base")

    nothing = {"python": None, "ref": None, "pip": None, "variables": {}}
    expected = {"name": "base", "description": text} | nothing | parts
    assert expected == {field: getattr(recipe, field) for field in expected}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tf-fit", "side A: 'tf-fit' is no environment; write python=PATH, ref=GIT-REF, pip=REQUIREMENT, "),
        ("", "side A: '' is no environment; "),
        ("ref=", "side A: 'ref=' is no environment; "),
        ("here,env=A=1", "side A: 'here' is no environment; "),
        ("env=A", "side A: 'env=A' gives no value; write env=A=VALUE"),
        ("env==1", "side A: 'env==1' gives no value; "),
        ("ref=a,ref=b", "side A: ref= is given twice, 'a' and 'b'; give one of them"),
    ],
)
def test_what_cannot_be_read_is_named_with_a_way_out(text, message):
    """One line that names the side and the part."""
    with pytest.raises(UsageError) as caught:
        recipes.parse(text, name="A")

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_here_changes_nothing(prepare, place):
    """The user's folder stays importable, as `python -m` has it."""
    side = prepare("here")

    assert (None, (str(place.folder),), {}, {}) == (side.interpreter, side.python_path, side.variables, side.facts)
    assert side.changes_nothing


@pytest.mark.parametrize("text", ["env=A=1", "python=python3"])
def test_anything_else_changes_something(prepare, text):
    """So nothing is taken over from what was verified without it."""
    assert not prepare(text).changes_nothing


def test_kinds_are_mixed_freely(prepare, place, make_repository, make_wheel):
    """The commit's code first, then what was installed; the variables as they are."""
    make_repository(place.folder).commit("One", {"mine.py": "import other"})
    wheel = make_wheel(place.folder.parent, name="other", version="3.0", files={"other.py": "print(3)"})

    side = prepare(f"ref=main,pip={wheel},env=A=1,python={sys.executable}")

    assert {"python", "commit", "subject", "repository", "other"} == side.facts.keys()
    assert ({"A": "1"}, "3") == (side.variables, said(side, "import mine"))


def test_a_side_whose_folder_was_deleted_is_not_there_any_more(prepare, place, make_repository):
    """A run that was interrupted cannot go on with it."""
    make_repository(place.folder).commit("One", {"mine.py": ""})
    side = prepare("ref=main")
    there = recipes.still_there(side)

    (place.cache / "refs").rename(place.cache / "gone")

    assert (True, False) == (there, recipes.still_there(side))


def test_a_side_that_was_stored_without_a_secret_value_asks_for_it(tmp_path, monkeypatch):
    """It goes to that side alone, and only the same value is taken: two values are two measurements."""
    monkeypatch.setenv("BENCH_STATE_DIR", str(tmp_path))
    secret = Side(name="B", description="env=HF_TOKEN=hunter2", variables={"HF_TOKEN": "hunter2", "FLAG": "1"})
    side = replace(secret, variables=redaction.redacted(secret.variables))

    with pytest.raises(UsageError, match="without the value of HF_TOKEN: it is not stored; set BENCH_VALUE_B_HF_TOKEN"):
        restored(side, environment={"HF_TOKEN": "hunter2"})
    with pytest.raises(UsageError, match="the value there is another one"):
        restored(side, environment={"BENCH_VALUE_B_HF_TOKEN": "hunter3"})
    assert secret == restored(side, environment={"BENCH_VALUE_B_HF_TOKEN": "hunter2"})
    redaction.forget()


def test_a_side_that_was_stored_finds_its_home(monkeypatch):
    """Paths are stored without the name of the user."""
    monkeypatch.setenv("HOME", "/home/somebody")
    side = Side(name="A", description="python=x", interpreter="~/x", python_path=("~/y", "/z"), tree="~/t")

    found = restored(side, environment={})

    assert ("/home/somebody/x", ("/home/somebody/y", "/z"), "/home/somebody/t") == (
        found.interpreter,
        found.python_path,
        found.tree,
    )
