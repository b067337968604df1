"""What is laid out of a repository's history, and what git says where it cannot be."""

import os
import subprocess
import sys
from pathlib import Path

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
