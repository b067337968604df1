"""What is laid out of a repository's history, and what git says where it cannot be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.sides import commit as commits


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


@pytest.fixture
def library(tmp_path, make_repository):
    """Return another repository with two versions of one module."""
    repository = make_repository(tmp_path / "library")
    repository.commit("Slow", {"engine.py": "SPEED = 1\n"})
    repository.commit("Fast", {"engine.py": "SPEED = 2\n"})
    return repository


@pytest.fixture
def project(tmp_path, make_repository, library):
    """Return a repository whose last commit bumps a submodule from the first version to the second."""
    repository = make_repository(tmp_path / "project")
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.folder), "vendor/lib")
    repository.git("-C", "vendor/lib", "checkout", "--quiet", "HEAD~1")
    repository.git("add", "vendor/lib")
    repository.commit("Old library", {"main.py": ""})
    repository.git("-C", "vendor/lib", "checkout", "--quiet", "main")
    repository.git("add", "vendor/lib")
    repository.commit("New library", {"main.py": "# bumped\n"})
    return repository


@pytest.fixture
def check_out(tmp_path, project):
    """Return a function that lays out a commit of the project."""
    return lambda reference: commits.check_out(
        reference, folder=project.folder, cache=tmp_path / "cache", environment=dict(os.environ)
    )


def engine(checkout):
    """Return what the library of a commit says."""
    return (checkout.tree / "vendor" / "lib" / "engine.py").read_text()


def test_a_submodule_is_laid_out_at_the_version_that_the_commit_records(check_out):
    """Not at that of the working tree."""
    assert ["SPEED = 1\n", "SPEED = 2\n"] == [engine(check_out(reference)) for reference in ("HEAD~1", "HEAD")]


def test_a_submodule_within_a_submodule_is_laid_out_as_well(tmp_path, make_repository, project, library):
    """Under the names that each repository gives it."""
    outer = make_repository(tmp_path / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(project.folder), "inner")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
    outer.commit("All", {"main.py": ""})

    found = commits.check_out("HEAD", folder=outer.folder, cache=tmp_path / "cache", environment=dict(os.environ))

    assert "SPEED = 2\n" == (found.tree / "inner" / "vendor" / "lib" / "engine.py").read_text()


def test_a_submodule_that_is_gone_from_the_working_tree_is_found_where_git_keeps_it(project, check_out):
    """A commit that removes it is compared with the one that had it."""
    project.git("rm", "--quiet", "vendor/lib")
    project.commit("Without library", {"main.py": "# alone\n"})

    assert "SPEED = 1\n" == engine(check_out("HEAD~2"))


def test_a_version_that_is_not_here_is_an_error_that_says_how_to_get_it(project, check_out):
    """As in a shallow clone: a base without its library would be another thing."""
    shutil.rmtree(project.folder / ".git" / "modules")
    shutil.rmtree(project.folder / "vendor" / "lib")
    (project.folder / "vendor" / "lib").mkdir()
    (project.folder / "vendor" / "lib" / "engine.py").write_text("SPEED = 3\n")

    with pytest.raises(UsageError, match=r"submodule vendor/lib is recorded at \w{12} there, which is not in this"):
        check_out("HEAD~1")


def test_a_submodule_that_was_never_initialised_is_left_empty(project, check_out):
    """Neither side has it: documentation's themes are often left out."""
    shutil.rmtree(project.folder / ".git" / "modules")
    shutil.rmtree(project.folder / "vendor" / "lib")
    (project.folder / "vendor" / "lib").mkdir()

    assert not (check_out("HEAD~1").tree / "vendor" / "lib" / "engine.py").exists()


def test_what_is_changed_is_told_file_by_file(project):
    """Changed, deleted and new ones, a submodule's as well; nothing in a clean tree."""
    clean = commits.changes(project.folder, environment=dict(os.environ))
    (project.folder / "main.py").write_text("# more\n")
    (project.folder / "new file.py").touch()
    (project.folder / "vendor" / "lib" / "engine.py").write_text("SPEED = 3\n")

    changed = commits.changes(project.folder / "vendor", environment=dict(os.environ))

    assert ((), {"main.py", "new file.py", "vendor/lib"}) == (clean, set(changed))


def test_the_merge_base_is_where_the_branch_was_left(project):
    """Whatever has happened on the other branch since; None where no history is shared."""
    start = project.git("rev-parse", "HEAD")
    project.git("switch", "--quiet", "--create", "feature")
    project.commit("Feature", {"feature.py": ""})
    project.git("switch", "--quiet", "main")
    project.commit("Meanwhile", {"main.py": "# meanwhile\n"})
    project.git("switch", "--quiet", "feature")
    found = commits.merge_base("main", folder=project.folder, environment=dict(os.environ))
    project.git("switch", "--quiet", "--orphan", "other")
    project.commit("Other", {"other.py": ""})

    assert (start, None) == (found, commits.merge_base("main", folder=project.folder, environment=dict(os.environ)))
