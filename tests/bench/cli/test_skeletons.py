"""Files that `bench new` writes."""

import pytest

from bench.cli import skeletons
from bench.errors import FileTrouble, UsageError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "file", "class_name"),
    [
        ("my_loop", "my_loop.py", "MyLoop"),
        ("my-loop.py", "my-loop.py", "MyLoop"),
        ("fast2", "fast2.py", "Fast2"),
        ("aLoop", "aLoop.py", "ALoop"),
    ],
)
def test_the_class_is_called_after_the_file(name, file, class_name):
    """With or without the suffix."""
    path = skeletons.write("loop", name)

    assert file == str(path)
    assert f"class {class_name}(" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("loop", "2fast", "'2fast' cannot be a name: begin with a letter"),
        ("loop", "a b", "'a b' cannot be a name"),
        ("loop", "numpy", "there is a loop 'numpy' already; choose another name, such as my-numpy"),
        ("loop", "all", "there is a loop 'all' already"),
        ("workload", "regression", "there is a workload 'regression' already"),
        ("workload", "random", r"random\.py would hide the Python module 'random'; choose another name"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_the_way_out(empty_folder, kind, name, message):
    """And nothing is written."""
    with pytest.raises(UsageError, match=message):
        skeletons.write(kind, name)

    assert [] == list(empty_folder.iterdir())


def test_a_folder_that_is_not_there_is_named(empty_folder):
    """With the way out, and nothing is written."""
    with pytest.raises(FileTrouble, match=r"no/such/folder/mine\.py: cannot be written \(No such file"):
        skeletons.write("loop", "no/such/folder/mine")

    assert [] == list(empty_folder.iterdir())


def test_a_file_that_is_there_is_left_alone(empty_folder):
    """Somebody's work may be in it."""
    (empty_folder / "mine.py").write_text("work", encoding="utf-8")

    with pytest.raises(UsageError, match="is there already, and is left alone"):
        skeletons.write("workload", "mine")

    assert "work" == (empty_folder / "mine.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "words"), [("loop", "--loop mine.py"), ("workload", "--workload mine.py")])
def test_the_next_steps_are_commands_that_take_the_file(kind, words):
    """To be copied as they are."""
    run, verify = (
        line.strip()
        for line in skeletons.next_steps(kind, skeletons.write(kind, "mine")).splitlines()
        if line.startswith("  ")
    )

    assert run.startswith("bench run --quick")
    assert run.endswith(words)
    assert verify.startswith("bench verify ")
    assert "mine.py" in verify
