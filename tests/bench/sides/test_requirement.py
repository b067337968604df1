"""Interpreters that are asked, and requirements that are installed over them."""

import os
import subprocess
import sys

import pytest

from bench.errors import UsageError


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


def test_an_interpreter_is_found_and_asked_for_its_version(prepare):
    """By path or by name, as a shell would."""
    side = prepare(f"python={sys.executable}")

    assert (sys.executable, ".".join(map(str, sys.version_info[:3]))) == (side.interpreter, side.facts["python"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("python=no-such-python", r"side A \(python=no-such-python\): there is no such program; give the path"),
        ("python=true", r"side A \(python=true\): \S+/true does not answer as a Python does"),
    ],
)
def test_what_is_no_interpreter_is_an_error(prepare, text, words):
    """Before anything is measured."""
    with pytest.raises(UsageError, match=words):
        prepare(text)


def test_a_requirement_is_installed_and_the_rest_inherited(prepare, place, make_wheel):
    """Its version is told; NumPy is the one of this environment."""
    make_wheel(place.folder, name="mine", version="2.0", files={"mine.py": "print(2)"})
    told = []

    side = prepare("pip=./mine-2.0-py3-none-any.whl", tell=told.append)

    assert ({"mine": "2.0"}, 1) == (side.facts, len(told))
    assert told[0].startswith("side A: installing ./mine-2.0")
    assert f"2\n{said(prepare('here'), 'import numpy; print(numpy.__file__)')}" == said(
        side, "import mine, numpy; print(numpy.__file__)"
    )


def test_a_requirement_comes_before_the_folder_of_the_user(prepare, place, make_wheel):
    """Else a project would be measured as it lies there, not as it was asked for."""
    make_wheel(place.folder, name="mine", version="2.0", files={"mine.py": "print(2)"})
    (place.folder / "mine.py").write_text("print('working tree')")

    assert "2" == said(prepare("pip=./mine-2.0-py3-none-any.whl"), "import mine")


def test_an_installed_requirement_is_used_again(prepare, place, make_wheel):
    """And said so, with what to delete for a new one."""
    make_wheel(place.folder, name="mine", version="2.0", files={"mine.py": "print(2)"})
    first, told = prepare("pip=./mine-2.0-py3-none-any.whl"), []

    second = prepare("pip=./mine-2.0-py3-none-any.whl", tell=told.append)

    assert (first.interpreter, first.facts) == (second.interpreter, second.facts)
    assert "using mine 2.0, installed earlier; delete" in told[0]


def test_a_changed_file_is_installed_anew(prepare, place, make_wheel):
    """The same words may stand for other contents."""
    make_wheel(place.folder, name="mine", version="2.0", files={"mine.py": "print(2)"})
    first = prepare("pip=./mine-2.0-py3-none-any.whl")
    make_wheel(place.folder, name="mine", version="2.0", files={"mine.py": "print('changed')"})

    second = prepare("pip=./mine-2.0-py3-none-any.whl")

    assert ("2", "changed") == (said(first, "import mine"), said(second, "import mine"))


def test_a_requirement_that_is_met_changes_nothing_and_is_told(prepare):
    """With the version that meets it."""
    told = []

    side = prepare("pip=numpy>=1", tell=told.append)

    assert side.facts.keys() == {"numpy"}
    assert told[1] == f"side A: numpy>=1 is met already by what is installed: numpy {side.facts['numpy']}"


def test_a_requirement_that_cannot_be_met_is_an_error_with_the_words_of_pip(prepare, place):
    """And nothing is kept that a later run would take for an environment."""
    with pytest.raises(UsageError) as caught:
        prepare("pip=no-such-thing==9")

    assert "side A (pip=no-such-thing==9): pip failed: " in str(caught.value)
    assert "No matching distribution found for no-such-thing==9" in str(caught.value)
    assert [] == list((place.cache / "installed").iterdir())


def test_an_option_is_no_requirement(prepare):
    """It would be pip that it speaks to."""
    with pytest.raises(UsageError, match=r"'-rmine\.txt' is an option of pip; give one requirement"):
        prepare("pip=-rmine.txt")
