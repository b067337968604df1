"""What users write for an environment, and what is made ready for it: real repositories, real virtual environments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.files import build_once
from bench.sides import recipe as recipes

OFFLINE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def place(tmp_path):
    """Return where sides are made ready: a user's folder, an empty cache, no network."""
    (tmp_path / "project").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return recipes.Place(folder=tmp_path / "project", cache=tmp_path / "cache", environment=environment | OFFLINE)


@pytest.fixture
def prepare(place, monkeypatch):
    """Return a function that makes ready what is written, in the user's folder."""
    monkeypatch.chdir(place.folder)

    def prepare(text, *, tell=lambda _: None, name="A"):
        return recipes.prepare(recipes.parse(text, name=name), place=place, tell=tell)

    return prepare


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


def test_a_commit_is_laid_out_and_identified(prepare, place, make_repository):
    """Its files as they were, its hash and its subject."""
    repository = make_repository(place.folder)
    commit = repository.commit("Say one", {"mine.py": "print(1)"})
    repository.commit("Say two", {"mine.py": "print(2)"})

    side = prepare("ref=HEAD~1")

    assert {"commit": commit, "subject": "Say one", "repository": str(place.folder)} == side.facts
    assert "1" == said(side, "import mine")
    assert not side.changes_nothing


def test_the_repository_keeps_no_trace(prepare, place, make_repository):
    """No worktree, no changed index, no file: the cache may be deleted at any time."""
    repository = make_repository(place.folder)
    repository.commit("One", {"mine.py": "print(1)"})
    repository.commit("Two", {"mine.py": "print(2)"})
    before = sorted((path, path.lstat().st_mtime_ns) for path in place.folder.rglob("*"))

    prepare("ref=HEAD~1")

    assert before == sorted((path, path.lstat().st_mtime_ns) for path in place.folder.rglob("*"))


def test_what_is_left_out_of_archives_is_there_all_the_same(prepare, place, make_repository):
    """Benchmarks are often marked `export-ignore`."""
    files = {".gitattributes": "benchmarks export-ignore\n", "benchmarks/mine.py": "", "src/other.py": ""}
    make_repository(place.folder).commit("One", files)

    side = prepare("ref=main")

    root, source = side.python_path
    assert (f"{root}/src", True) == (source, Path(root, "benchmarks", "mine.py").exists())


def test_a_commit_is_laid_out_once(prepare, place, make_repository):
    """The second time, what is there is used."""
    make_repository(place.folder).commit("One", {"mine.py": "print(1)"})
    (root,) = prepare("ref=main").python_path
    Path(root, "mark").touch()

    prepare("ref=main")

    assert Path(root, "mark").exists()


def test_a_project_below_the_top_of_its_repository_is_found(prepare, place, make_repository, monkeypatch):
    """The current folder and what is on PYTHONPATH, as they were then, come first."""
    make_repository(place.folder.parent).commit("One", {"project/src/mine.py": "print(1)", "project/lib/more.py": ""})
    place.environment["PYTHONPATH"] = f"/elsewhere:{place.folder / 'lib'}"

    side = prepare("ref=main")

    tree = f"{place.cache}/refs/{side.facts['commit']}"
    assert (f"{tree}/project", f"{tree}/project/src", f"{tree}/project/lib", tree) == side.python_path


def test_a_hook_that_runs_bench_does_not_lead_git_astray(prepare, place, make_repository):
    """Git tells its hooks where its index is."""
    repository = make_repository(place.folder)
    repository.commit("One", {"mine.py": "print(1)"})
    place.environment.update(GIT_DIR="/nowhere", GIT_INDEX_FILE="/nowhere/index")

    assert "1" == said(prepare("ref=main"), "import mine")


def test_an_unknown_commit_is_an_error_with_the_words_of_git(prepare, place, make_repository):
    """And a hint for the shallow clones of CI."""
    make_repository(place.folder).commit("One", {"mine.py": ""})

    with pytest.raises(UsageError) as caught:
        prepare("ref=nope")

    assert str(caught.value) == (
        "side A (ref=nope): git says: fatal: Needed a single revision; is 'nope' a commit here? "
        "a shallow clone may have to fetch it first"
    )


def test_a_folder_without_repository_is_an_error_with_the_words_of_git(prepare):
    """Nothing is searched for elsewhere."""
    with pytest.raises(UsageError, match=r"side A \(ref=main\): git says: fatal: not a git repository"):
        prepare("ref=main")


def test_a_machine_without_git_is_an_error(prepare, place, monkeypatch):
    """With other ways to compare."""
    monkeypatch.setenv("PATH", "")
    place.environment["PATH"] = ""

    with pytest.raises(UsageError, match="git is not on the path; install it"):
        prepare("ref=main")


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


def test_what_is_half_made_is_never_used(tmp_path):
    """Whatever ends the making leaves nothing behind."""

    def fail(folder):
        folder.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_once(tmp_path / "cache" / "thing", fail)

    assert [] == list((tmp_path / "cache").iterdir())


def test_another_process_may_be_faster(tmp_path):
    """What it has made is as good."""

    def build(folder):
        folder.mkdir()
        (tmp_path / "thing").mkdir()
        (tmp_path / "thing" / "theirs").touch()

    folder = build_once(tmp_path / "thing", build)

    assert ["theirs"] == [path.name for path in folder.iterdir()]


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path):
    """With the variable that chooses another one."""
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="choose by BENCH_CACHE_DIR"):
        build_once(tmp_path / "file" / "thing", lambda folder: folder.mkdir())
