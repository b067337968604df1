"""What is sent to other machines, and what is not."""

import io
import zipfile

import pytest

from bench.errors import FileTrouble, UsageError
from bench.files import SOURCE_TREE
from bench.fleet import travel
from bench.fleet.travel import Parcel


@pytest.fixture
def packed(tmp_path):
    """Return a function that packs what is typed in a folder."""

    def pack(*words, variables=None, sent=()):
        tree = tmp_path / "tree"
        (tree / "bench").mkdir(parents=True, exist_ok=True)
        (tree / "bench" / "__init__.py").write_text("")
        return travel.packed(words, variables=variables or {}, sent=sent, tree=tree, folder=tmp_path)

    return pack


def files(parcel):
    """Return what a parcel has of the user's, by name."""
    with zipfile.ZipFile(io.BytesIO(parcel.content)) as archive:
        return {
            name.removeprefix("files/"): archive.read(name).decode()
            for name in archive.namelist()
            if name.startswith("files/")
        }


def test_our_own_source_travels_whole_and_without_what_was_compiled(tmp_path):
    """The instrument is the same everywhere, whatever is installed there."""
    parcel = travel.packed([], variables={}, sent=(), tree=SOURCE_TREE, folder=tmp_path)

    with zipfile.ZipFile(io.BytesIO(parcel.content)) as archive:
        names = archive.namelist()
    assert {"source/bench/__main__.py", "source/bench/machine/keeper.py", "source/loops/contract.py"} <= set(names)
    assert any(name.endswith(".j2") for name in names)
    assert any(name.endswith(".cpp") for name in names)
    assert not [name for name in names if "__pycache__" in name]
    assert len(parcel.content) < 5_000_000


def test_files_among_the_words_travel_and_keep_their_place(packed, tmp_path):
    """A path below the current folder is the same path there; another one lies beside its neighbours."""
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data.npz").write_text("data")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "loop.py").write_text("")

    parcel = packed("numpy", "--loop", "mine/loop.py", f"--arrays={elsewhere / 'data.npz'}", "--name", "gone.py")

    *before, arrays, name_option, name = parcel.order.words
    assert ["numpy", "--loop", "mine/loop.py"] == before
    assert ("--name", "gone.py") == (name_option, name)
    assert {"mine/loop.py", arrays.removeprefix("--arrays=")} == set(files(parcel))


def test_what_a_file_imports_from_beside_it_travels_with_it(packed, tmp_path):
    """And what that imports; what is installed stays."""
    (tmp_path / "loop.py").write_text("import numpy\nfrom helper import x\nimport package.part\n")
    (tmp_path / "helper.py").write_text("import further\n")
    (tmp_path / "further.py").write_text("import loop\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "part.py").write_text("")
    (tmp_path / "unrelated.py").write_text("")

    assert {"loop.py", "helper.py", "further.py", "package/__init__.py", "package/part.py"} == set(
        files(packed("loop.py"))
    )


def test_a_file_that_cannot_be_parsed_travels_all_the_same(packed, tmp_path):
    """The machine says what is wrong with it, as a run here does."""
    (tmp_path / "broken.py").write_text("def (")

    assert {"broken.py": "def ("} == files(packed("broken.py"))


def test_further_files_and_folders_can_be_sent(packed, tmp_path):
    """What code reads cannot be seen from outside."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("1")

    assert {"tables/a.csv": "1"} == files(packed(sent=[tmp_path / "tables"]))
    with pytest.raises(UsageError, match=r"--send gone: there is no such file"):
        packed(sent=["gone"])


def test_no_secret_travels(packed):
    """By its name, or by what it looks like."""
    variables = {"BENCH_ROUNDS": "2", "BENCH_TOKEN": "abc", "BENCH_NAME": "ghp_" + "a1B2" * 9}

    assert {"BENCH_ROUNDS": "2"} == packed(variables=variables).order.variables


@pytest.mark.parametrize("words", [("--data", "d.npz"), ("--data=d.npz",)])
def test_data_are_named_by_a_variable_too(packed, tmp_path, words):
    """Going on with a run asks for them, and is told nothing else of what was typed."""
    (tmp_path / "d.npz").write_text("data")

    assert {"BENCH_DATA": "d.npz"} == packed(*words).order.variables


def test_alike_content_is_alike_byte_for_byte(packed, tmp_path):
    """What was sent is known again by its fingerprint."""
    (tmp_path / "loop.py").write_text("")
    first = packed("loop.py")

    assert first.fingerprint == packed("loop.py").fingerprint
    assert first.fingerprint != packed("loop.py", "--quick").fingerprint


def test_too_much_is_refused_before_it_is_read(packed, tmp_path, monkeypatch):
    """A cluster carries no dataset of a terabyte."""
    monkeypatch.setattr(travel, "MOST_BYTES", 10)
    (tmp_path / "d.npz").write_text("more than ten bytes")

    with pytest.raises(UsageError, match="your files have 19 bytes, and 10 travel at most"):
        packed("d.npz")


def test_a_parcel_that_is_none_is_said(packed):
    """As after a disk has failed."""
    with pytest.raises(FileTrouble, match="cannot be read back"):
        assert Parcel(content=b"no archive").order
