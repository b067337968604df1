"""What the source of a loop or a workload says, read as text and never run."""

from textwrap import dedent

import pytest

from loops import registry
from loops.source import SourceFile, place_of


def source(text):
    """Return a file with this text; its indentation is taken off."""
    return SourceFile(dedent(text).encode())


def test_a_file_that_is_not_python_is_refused_where_it_breaks():
    """With the line."""
    with pytest.raises(SyntaxError) as caught:
        source("x = 1\nclass (:\n")

    assert 2 == caught.value.lineno


@pytest.mark.parametrize("text", ["", "\n# only a remark\n", '"""Only words."""'])
def test_a_file_without_classes_has_none(text):
    """Empty, or nothing but words."""
    assert ({}, []) == (source(text).classes, source(text).leaves())


def test_nothing_of_a_file_is_run():
    """Reading it leaves no trace."""
    assert ["Mine"] == source("raise SystemExit(3)\nclass Mine:\n    x = 1 / 0\n").leaves()


def test_classes_are_those_at_the_top():
    """One within another, or within a function, is not to be had by its name."""
    found = source("""
        class Outer:
            class Inner: ...
        def make():
            class Hidden: ...
    """)

    assert ["Outer"] == list(found.classes)


def test_leaves_are_those_from_which_no_other_derives():
    """A base of several is no leaf; one that derives from an import is."""
    found = source("""
        import abc
        class Base: ...
        class One(Base): ...
        class Two(Base): ...
        class Other(abc.ABC): ...
    """)

    assert ["One", "Two", "Other"] == found.leaves()


@pytest.mark.parametrize(
    ("imported", "base"),
    [
        ("from loops.contract import Loop", "Loop"),
        ("from loops.contract import Loop as Base", "Base"),
        ("import loops.contract as contract", "contract.Loop"),
        ("from loops import contract", "contract.Loop"),
        ("import loops.contract", "loops.contract.Loop"),
    ],
)
def test_the_contract_is_found_however_it_is_imported(imported, base):
    """Under its name, another one, or its module's."""
    assert "Loop" == source(f"{imported}\nclass Mine({base}): ...").contract_of("Mine")


def test_the_contract_is_found_through_classes_of_ours_and_of_the_file():
    """The nearest of its classes counts."""
    found = source("""
        from loops.variants.torch_plain import TorchPlain
        class Middle(TorchPlain): ...
        class Mine(Middle): ...
    """)

    assert "Loop" == found.contract_of("Mine")
    assert "torch" == found.constant("Mine", "backend")


def test_the_contract_is_found_through_a_class_of_a_module_beside_the_file(tmp_path):
    """As the import would find it; of the same name, too, and in a package."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "base.py").write_text(
        dedent("""
            from middle import Mine as Middle
            class Mine(Middle): ...
        """)
    )
    (tmp_path / "middle.py").write_text(
        dedent("""
            from loops.contract import Loop
            class Mine(Loop):
                backend = "torch"
                def train(self, blocks): ...
        """)
    )
    text = "from shared import base\nclass Mine(base.Mine):\n    def prepare(self, job): ..."

    found = SourceFile(text.encode(), folder=tmp_path)

    assert "Loop" == found.contract_of("Mine")
    assert "torch" == found.constant("Mine", "backend")
    assert {"prepare", "train"}.isdisjoint(found.left_open("Mine"))
    assert "evaluate" in found.left_open("Mine")


def test_the_contract_is_found_through_what_a_package_hands_on(tmp_path):
    """By relative imports, as packages write them; a name at the top of a file is that file's."""
    for name, text in {
        "shared/__init__.py": "from .parts.base import Base as Handed",
        "shared/parts/__init__.py": "",
        "shared/parts/base.py": "from ..names import Root\nKIND = 'torch'\nclass Base(Root):\n    backend = KIND",
        "shared/names.py": "from loops.contract import Loop as Root",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    found = SourceFile(b"import shared\nKIND = 'jax'\nclass Mine(shared.Handed): ...", folder=tmp_path)

    assert ("Loop", "torch") == (found.contract_of("Mine"), found.constant("Mine", "backend"))


def test_modules_that_hand_a_name_on_to_one_another_are_no_search_without_end(tmp_path):
    """Python says what is wrong with them once they are run."""
    (tmp_path / "a.py").write_text("from b import Base")
    (tmp_path / "b.py").write_text("from a import Base")

    found = SourceFile(b"from a import Base\nclass Mine(Base): ...", folder=tmp_path)

    assert found.contract_of("Mine") is None


def test_what_an_ancestor_that_is_not_found_defines_is_not_asked_for(tmp_path):
    """Wherever on the way it stands."""
    (tmp_path / "base.py").write_text(
        "from compiled import Rest\nfrom loops.contract import Loop\nclass Base(Rest, Loop): ..."
    )
    found = SourceFile(b"from base import Base\nclass Mine(Base): ...", folder=tmp_path)

    assert "Loop" == found.contract_of("Mine")
    assert [] == found.left_open("Mine")


def test_files_whose_classes_derive_from_one_another_are_no_loop_without_end(tmp_path):
    """Python refuses them once they are run."""
    (tmp_path / "a.py").write_text("from b import B\nclass A(B): ...")
    (tmp_path / "b.py").write_text("from a import A\nclass B(A): ...")

    assert SourceFile((tmp_path / "a.py").read_bytes(), folder=tmp_path).contract_of("A") is None


@pytest.mark.parametrize("text", ["class Mine(:", "x = '\0'", "class Other: ..."])
def test_a_module_beside_the_file_that_cannot_help_is_passed_over(tmp_path, text):
    """It is said once it is run, and by Python."""
    (tmp_path / "base.py").write_text(text)
    found = SourceFile(b"from base import Mine as Base\nclass Mine(Base): ...", folder=tmp_path)

    assert found.contract_of("Mine") is None
    assert [] == found.left_open("Mine")


@pytest.mark.parametrize(
    "text",
    [
        "class Mine: ...",
        "class Loop: ...\nclass Mine(Loop): ...",
        "from elsewhere.contract import Loop\nclass Mine(Loop): ...",
        "from .loops.contract import Loop\nclass Mine(Loop): ...",
        "from loops.missing import Loop\nclass Mine(Loop): ...",
        "from loops.contract.deeper import Loop\nclass Mine(Loop): ...",
        "class Mine(make_base()): ...",
        "class Mine(bases[0]): ...",
        "class Mine(Mine): ...",
        "class A(B): ...\nclass B: ...\nclass Mine(A): ...",
    ],
)
def test_a_class_of_another_kind_has_no_contract(text):
    """Of the same name, of another package, relative, not there, or no name at all: no error."""
    assert source(text).contract_of("Mine") is None


def test_a_name_that_is_no_class_has_neither_contract_nor_constants():
    """It is asked for before it is known whether it is there."""
    found = source("Mine = 3")

    assert (None, None) == (found.contract_of("Mine"), found.constant("Mine", "backend"))


def test_classes_that_derive_from_one_another_are_followed_once_each():
    """Python refuses them when they are run; before that they are only read."""
    found = source("class A(B): ...\nclass B(A): ...\nclass C(C): ...")

    assert ["A", "B"] == [node.name for _, node in found.lineage("A")]
    assert ["C"] == [node.name for _, node in found.lineage("C")]
    assert [] == found.left_open("A")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ('backend = "torch"', "torch"),
        ('backend: str = "torch"', "torch"),
        ('backend: ClassVar[str] = "torch"', "torch"),
        ("backend = 3", 3),
        ("backend = True", True),
        ("backend = NAME", "tensorflow"),
        ("backend = AGAIN", "tensorflow"),
        ("backend = UNKNOWN", None),
        ("backend = 1.5", None),
        ("backend = make()", None),
        ("backend: str", None),
        ("other = 'torch'", None),
        ('self.backend = "torch"', None),
        ('backend = name = "torch"', "torch"),
        ("pass", None),
    ],
)
def test_a_constant_is_a_text_or_a_number_that_stands_there(body, value):
    """Or a name for one at the top of the file; whatever has to be run is none."""
    assert value == source(f'NAME = "tensorflow"\nAGAIN = NAME\nclass Mine:\n    {body}\n').constant("Mine", "backend")


def test_the_nearest_ancestor_says_what_a_constant_is():
    """And only a class itself what its own is."""
    found = source("""
        class Base:
            name = "base"
            kind = "supervised"
        class Mine(Base):
            name = "mine"
    """)

    assert ("mine", "supervised") == (found.constant("Mine", "name"), found.constant("Mine", "kind"))
    assert ("mine", None) == (found.own_constant("Mine", "name"), found.own_constant("Mine", "kind"))


def test_of_two_values_of_an_own_constant_the_first_text_counts():
    """A number is none."""
    assert "a" == source('class Mine:\n    name = 3\n    name = "a"\n    name = "b"').own_constant("Mine", "name")


def test_a_constant_of_the_module_stands_at_its_top():
    """The last value counts; one in a function or under a condition is not read."""
    found = source("""
        EPOCHS = 1
        EPOCHS = 2
        if True:
            HIDDEN = 3
        def f():
            LOCAL = 4
    """)

    assert (2, None, None) == tuple(found.module_constant(name) for name in ("EPOCHS", "HIDDEN", "LOCAL"))


@pytest.mark.parametrize(
    "text",
    [
        "def model(): ...",
        "model = make",
        "model: object = 1",
        "from x import model",
        "from .x import y as model",
        "import model",
        "import x as model",
    ],
)
def test_a_module_defines_what_stands_at_its_top(text):
    """Functions, values and imports of any kind."""
    assert source(text).defines("model")


@pytest.mark.parametrize("text", ["", "def models(): ...", "def f():\n    model = 1", "import x.model", "model()"])
def test_a_module_does_not_define_what_it_mentions(text):
    """Another name, one within a function, or a call."""
    assert not source(text).defines("model")


TWO_LOOPS = '''
    """Of the module.

    More.
    """
    from loops.contract import Loop
    class One(Loop):
        """Of the class.

        More.
        """
    class Two(Loop): ...
'''


def test_a_summary_is_the_first_line_of_the_module():
    """Of the class where a module holds several, and nothing where that says nothing."""
    alone = TWO_LOOPS.replace("class Two(Loop): ...", "")

    assert "Of the module." == source(alone).summary("One")
    assert ("Of the class.", "") == (source(TWO_LOOPS).summary("One"), source(TWO_LOOPS).summary("Two"))
    assert not source("").summary("Mine")


def test_what_is_left_open_is_named_in_its_order():
    """Class variables without a value and abstract methods; mere annotations are fields of instances."""
    found = source("""
        from abc import abstractmethod, ABC
        from typing import ClassVar
        import abc
        class Mine(ABC):
            backend: ClassVar[str]
            field: int
            @abstractmethod
            def train(self): ...
            @abc.abstractmethod
            def wait(self): ...
            def sound(self): ...
    """)

    assert ["backend", "train", "wait"] == found.left_open("Mine")


def test_what_a_subclass_defines_is_not_open():
    """Nor what an ancestor of ours defines."""
    found = source("""
        from loops.contract import Loop
        class Mine(Loop):
            backend = "torch"
    """)
    whole = source("from loops.variants.torch_plain import TorchPlain\nclass Mine(TorchPlain): ...")

    assert "backend" not in found.left_open("Mine")
    assert found.left_open("Mine")
    assert [] == whole.left_open("Mine")


def test_a_strange_ancestor_may_define_everything():
    """Its file is not read, so nothing is said."""
    found = source("""
        from loops.contract import Loop
        from somewhere import Mixin
        class Mine(Mixin, Loop): ...
    """)

    assert [] == found.left_open("Mine")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a package of somebody on the path, which raises as soon as it is imported."""
    folder = tmp_path / "somebodys"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "loop.py").write_text("raise RuntimeError('imported')\n")
    (folder / "inner" / "deep.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("somebodys", "__init__.py"),
        ("somebodys.loop", "loop.py"),
        ("somebodys.inner.deep", "inner/deep.py"),
        ("somebodys.gone", None),
        ("somebodys.loop.inside", None),
        ("nobodys.loop", None),
    ],
)
def test_a_module_is_found_and_nothing_around_it_is_imported(package, module, file):
    """What is gone is nowhere, and a module has nothing inside."""
    assert (None if file is None else str(package / file)) == place_of(module)


def test_our_own_modules_are_where_they_are():
    """However this project is installed."""
    assert registry.__file__ == place_of("loops.registry")
