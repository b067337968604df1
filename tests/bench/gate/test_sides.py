"""Base and head of a gate: where the base begins, and when there is nothing to compare."""

import os

import pytest

from bench.errors import UsageError
from bench.gate import sides
from bench.gate.settings import read_settings
from bench.sides.recipe import Place

TABLE = '[tool.bench.gate]\nloops = ["{}"]\n'


@pytest.fixture
def repository(tmp_path, make_repository, monkeypatch):
    """Return a repository with one commit on main; it is the current folder."""
    made = make_repository(tmp_path / "project")
    made.commit("One", {"mine.py": "x = 1\n", "pyproject.toml": TABLE.format("tf-fit"), ".gitignore": "ignored\n"})
    monkeypatch.chdir(made.folder)
    return made


@pytest.fixture
def prepared(repository, tmp_path):
    """Return a function that makes both sides ready, and one that returns what was said meanwhile."""
    said = []

    def prepare(base="ref=main", head="here", *, from_merge_base=True):
        wanted = sides.Wanted(
            base=base,
            head=head,
            from_merge_base=from_merge_base,
            settings=read_settings(repository.folder),
            outputs=(),
        )
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        place = Place(folder=repository.folder, cache=tmp_path / "cache", environment=environment)
        said.clear()
        return sides.prepare(wanted, place=place, tell=said.append)

    prepare.said = said
    return prepare


def test_both_sides_are_ready_under_their_names(prepared):
    """Base first, whatever they were called."""
    found = prepared()

    assert ("base", "head") == tuple(side.name for side in found.all)
    assert (True, None) == (found.base.tree is not None, found.head.tree)


def test_the_base_lists_what_it_lists_and_not_what_the_head_does(prepared, repository):
    """A loop that the head took off its list is still in that of the base."""
    (repository.folder / "pyproject.toml").write_text(TABLE.format("torch-native"))

    assert ("tf-fit",) == prepared().listed.loops


def test_a_base_that_is_no_commit_lists_nothing(prepared):
    """It has no files of its own."""
    assert [None, None] == [prepared(base).listed for base in ("here", "env=A=1")]


@pytest.mark.parametrize("text", [None, "[tool.bench.gate]\nloops = 3\n"])
def test_a_base_without_settings_that_can_be_read_lists_nothing(prepared, repository, text):
    """It had none, or was written for another version."""
    repository.commit("Other", {"pyproject.toml": text})
    (repository.folder / "pyproject.toml").write_text(TABLE.format("tf-fit"))

    listed = prepared().listed

    assert listed is None or not listed.loops


def test_a_branch_is_compared_with_where_it_left(prepared, repository):
    """What others did on main since is not its doing."""
    left = repository.git("rev-parse", "HEAD")
    repository.git("switch", "--quiet", "--create", "mine")
    repository.commit("Mine", {"mine.py": "x = 2\n"})
    repository.git("switch", "--quiet", "main")
    tip = repository.commit("Theirs", {"theirs.py": ""})
    repository.git("switch", "--quiet", "mine")

    found = prepared()
    said = list(prepared.said)

    assert left == found.base.facts["commit"]
    assert f"base: {left[:12]}, where this branch left main; --base-tip compares with {tip[:12]} instead" in said
    assert tip == prepared(from_merge_base=False).base.facts["commit"]


def test_where_main_did_not_move_nothing_is_said_of_it(prepared, repository):
    """The branch left it at its tip."""
    repository.git("switch", "--quiet", "--create", "mine")
    repository.commit("Mine", {"mine.py": "x = 2\n"})

    prepared()

    assert not any("where this branch left" in line for line in prepared.said)


def test_without_common_history_the_tip_is_taken_and_said(prepared, repository):
    """As in a shallow clone."""
    repository.git("switch", "--quiet", "--orphan", "alone")
    repository.commit("Alone", {"mine.py": "x = 3\n"})

    found = prepared()

    assert repository.git("rev-parse", "main") == found.base.facts["commit"]
    assert any("warning: main and HEAD share no history here" in line for line in prepared.said)


def test_a_base_that_is_not_there_is_refused_by_its_side(prepared):
    """As it was written."""
    with pytest.raises(UsageError, match=r"^side base \(ref=nowhere\): "):
        prepared("ref=nowhere")


def test_the_same_commit_without_a_change_is_nothing_to_compare(prepared, repository):
    """Also where it is named twice."""
    commit = repository.git("rev-parse", "HEAD")[:12]

    assert f"base and head are the same commit, {commit}, and the working tree has no change" == prepared().same
    assert f"base and head are the same commit, {commit}" == prepared(head="ref=HEAD").same


def test_one_commit_in_two_environments_is_something_to_compare(prepared):
    """That is what is compared then."""
    pairs = [("ref=main,env=A=1", "here"), ("ref=main", "env=A=1"), ("ref=main", "ref=main,env=A=1"), ("here", "here")]

    assert [None] * 4 == [prepared(base, head).same for base, head in pairs]


def test_a_changed_working_tree_is_something_to_compare(prepared, repository):
    """Be it one file that git does not know yet."""
    (repository.folder / "new.py").write_text("x = 9\n")

    assert prepared().same is None


def test_only_what_people_write_is_a_change(repository):
    """Not what a gate or an installation writes, nor what git is told to pass over; a file beside an output is one."""
    place = Place(folder=repository.folder, cache=repository.folder / "cache", environment=os.environ)
    own = tuple(repository.folder / name for name in ("bench-verdict.json", "results"))
    made = ["bench-verdict.json", "results/run/journal.jsonl", "cache/a", "mine.egg-info/PKG-INFO", "__pycache__/a.pyc"]

    found = {}
    for name in ("ignored", *made, "new.py", "deep/new.py", "results-of-mine.py", "bench-verdict.json.py"):
        file = repository.folder / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text("")
        found[name] = sides._changed(place, outputs=own)
        file.unlink()
    (repository.folder / "mine.py").write_text("x = 9\n")

    assert ["new.py", "deep/new.py", "results-of-mine.py", "bench-verdict.json.py"] == [
        name for name, changed in found.items() if changed
    ]
    assert sides._changed(place, outputs=own)


def test_sides_of_a_run_that_is_gone_on_with_are_those_that_it_had(prepared, repository):
    """There is something to compare: it has begun."""
    first = prepared()

    again = sides.again(first.all, settings=read_settings(repository.folder))

    assert (first.base, first.head, first.listed, None) == (again.base, again.head, again.listed, again.same)
    assert sides.again((first.head, first.head), settings=read_settings(repository.folder)).listed is None


def anchored(repository, ref):
    """Write an anchor into the settings of the working tree."""
    table = TABLE.format("tf-fit") + f"anchor = '{ref}'\nanchor-budget = 4\n"
    (repository.folder / "pyproject.toml").write_text(table)


def test_an_anchor_is_a_third_side(prepared, repository):
    """Of its own commit, after base and head; a gate that is gone on with has it again."""
    first = repository.commit("Release", {"mine.py": "x = 2\n"})
    repository.commit("After", {"mine.py": "x = 3\n"})
    anchored(repository, "HEAD~1")

    found = prepared("ref=HEAD", from_merge_base=False)

    assert ["base", "head", "anchor"] == [side.name for side in found.all]
    assert first == found.anchor.facts["commit"] != found.base.facts["commit"]
    assert found.all == sides.again(found.all, settings=read_settings(repository.folder)).all


def test_an_anchor_that_is_the_base_is_not_measured_twice(prepared, repository):
    """It would say what the base says."""
    anchored(repository, "main")

    assert prepared().anchor is None
    assert ["the anchor main is the base itself, and is not measured twice"] == prepared.said


def test_an_anchor_that_is_not_here_is_named_with_a_way_out(prepared, repository):
    """As in a clone without tags."""
    anchored(repository, "v1.2")

    with pytest.raises(
        UsageError, match=r"pyproject\.toml: \[tool\.bench\.gate\] anchor = 'v1\.2': .*git fetch --tags"
    ):
        prepared()


def test_where_the_base_is_no_commit_the_anchor_is_left_out_and_that_is_said(prepared, repository):
    """Its files would be compared with what is installed."""
    anchored(repository, "main")

    assert prepared("env=A=1").anchor is None
    assert "the anchor main is left out: it is measured where the base is a commit too" in prepared.said
