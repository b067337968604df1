"""What is known of a loop, a workload or a saved model before anything is imported."""

import ast
import re
from hashlib import sha256
from pathlib import Path

import pytest

from loops import registry
from loops.described import MOST_LETTERS, PLAIN, described, saved_model
from loops.errors import InvalidSource

ROOT = Path(registry.__file__).resolve().parents[1]
TABLES = (registry.LOOPS, registry.ADVERSARIAL_LOOPS)
OWN = [(name, target) for table in TABLES for name, target in table.items()]
SHORT_LOOP = "from loops.contract import Loop\n\n\nclass Mine(Loop):\n    backend = 'numpy'\n"


LOOP = '''"""Train by hand.

More of it.
"""
from loops.contract import Loop
class Mine(Loop):
    backend = "torch"
'''


@pytest.fixture
def describe(tmp_path):
    """Return a function that writes a file and says what is known of its class `Mine`."""

    def write(text, *, attribute="Mine", name="mine.py"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return described(path, name="mine", module="loops.mine", attribute=attribute)

    return write


def test_a_loop_says_what_it_is_and_nothing_is_imported(describe):
    """One line, its framework, and where it is."""
    found = describe(LOOP + "raise SystemExit\n")

    assert ("mine", "loops.mine:Mine", "Train by hand.", "torch", "supervised", "", False) == (
        found.name,
        found.target,
        found.summary,
        found.backend,
        found.kind,
        found.requires,
        found.needs_gpu,
    )


def test_what_a_loop_asks_for_beyond_its_framework_is_told(describe):
    """Kind, packages and the device."""
    found = describe(LOOP + '    kind = "adversarial"\n    requires = "keras>=3.16"\n    needs_gpu = True\n')

    assert ("adversarial", "keras>=3.16", True) == (found.kind, found.requires, found.needs_gpu)


def test_what_an_ancestor_of_ours_says_holds(describe):
    """Unless the class says otherwise."""
    found = describe("from loops.variants.torch_cudagraph import TorchCudagraph\nclass Mine(TorchCudagraph): ...\n")

    assert ("torch", True, "") == (found.backend, found.needs_gpu, found.summary)


def test_a_workload_has_no_framework(describe):
    """Its kind is the usual one where it says none."""
    found = describe("from loops.contract import Workload\nclass Mine(Workload):\n    batch_size = 3\n")

    assert (None, "supervised") == (found.backend, found.kind)


def test_two_functions_are_a_workload_without_a_class(describe):
    """Told by their module alone."""
    found = describe('"""Digits of mine."""\ndef model(): ...\ndef data(): ...\n', attribute="")

    assert ("loops.mine:", "Digits of mine.", None) == (found.target, found.summary, found.backend)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef f(:\n", "mine.py, line 2: "),
        ("x = 1\n\tif\n", "mine.py, line 2: "),
        (b"x = '\xff'\n", "mine.py"),
        (b"x = 1\x00\n", "mine.py: source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_is_not_python_is_refused_with_its_line(describe, text, message):
    """And with the way out, whatever is wrong with it."""
    with pytest.raises(InvalidSource) as caught:
        describe(text)

    assert message in str(caught.value)
    assert str(caught.value).endswith("; correct it and run again")


def test_another_source_is_another_thing(describe):
    """By its bytes, and by those of the C++ beside it, which nobody imports."""
    plain = describe(LOOP)

    assert sha256(LOOP.encode()).hexdigest() == plain.sha256 == describe(LOOP).sha256
    assert plain.sha256 != describe(LOOP + "\n").sha256


def test_the_cpp_beside_a_loop_is_part_of_it(describe, tmp_path):
    """Of the same name, and of no other."""
    (tmp_path / "other.cpp").write_text("int a;")
    without = describe(LOOP).sha256
    (tmp_path / "mine.cpp").write_text("int b;")

    assert without == sha256(LOOP.encode()).hexdigest()
    assert sha256(LOOP.encode() + b"int b;").hexdigest() == describe(LOOP).sha256


def test_a_saved_model_is_known_by_its_name_and_its_bytes(tmp_path):
    """It is not loaded: these bytes are none."""
    path = tmp_path / "größe &.keras"
    path.write_bytes(b"no model")

    found = saved_model(path, name="mine", target="x:y")

    assert ("mine", "x:y", "A saved model, größe &.keras", None, "supervised", False) == (
        found.name,
        found.target,
        found.summary,
        found.backend,
        found.kind,
        found.needs_gpu,
    )
    assert sha256(b"no model").hexdigest() == found.sha256


def test_a_file_that_is_gone_is_the_systems_to_tell(tmp_path):
    """It was found a moment ago."""
    with pytest.raises(FileNotFoundError):
        described(tmp_path / "gone.py", name="gone", module="gone", attribute="Gone")


def source_of(target):
    """Return the file behind a target."""
    return ROOT / f"{target.partition(':')[0].replace('.', '/')}.py"


def own_loop(target, *, name):
    """Describe one of our own loops."""
    module, _, attribute = target.partition(":")
    return described(source_of(target), name=name, module=module, attribute=attribute)


@pytest.mark.parametrize(("name", "target"), OWN, ids=[target for _, target in OWN])
def test_every_loop_has_a_name_for_people_and_says_what_to_type(name, target):
    """The file that it names is its own, and what is to be copied is there."""
    found = own_loop(target, name=name)
    path = source_of(target)
    text = path.read_text()

    assert found.title
    assert "," not in found.title  # it stands between commas
    files = re.findall(r"loops/\S+\.(?:py|cpp)", found.change)
    assert {path.stem} >= {Path(file).stem for file in files}
    assert all((ROOT / file).exists() for file in files)
    code = re.findall(r"`(\w+)`", found.change)
    defined = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert not set(code) - defined
    assert files or code or found.is_plain_fit or re.search(r"`compile\((.*)=.*\)`", found.change)[1] in text


def test_no_two_loops_for_the_same_training_are_called_the_same():
    """Who reads the name alone has to know which one it is."""
    for table in TABLES:
        titles = [own_loop(target, name=name).title for name, target in table.items()]

        assert len(titles) == len(set(titles))


def test_plain_fit_is_known_by_what_is_to_be_typed():
    """One for each framework: what people have before they change anything."""
    plain = [name for name in registry.LOOPS if registry.describe_loop(name).is_plain_fit]

    assert ["tf-fit-stock", "torch-fit-stock", "jax-fit-stock"] == plain
    assert "nothing" == PLAIN


@pytest.mark.parametrize(
    ("lines", "title", "change"),
    [
        ("", "", ""),
        ("    title = 'my loop'\n    change = '`x`'\n", "my loop", "`x`"),
        ("    title = 3\n    change = None\n", "", ""),
        ("    title = 'two\\n  lines'\n    change = f'{1}'\n", "two lines", ""),
        (f"    title = '{'x' * 300}'\n", f"{'x' * (MOST_LETTERS - 3)}...", ""),
    ],
)
def test_a_loop_of_a_user_may_say_it_or_not(tmp_path, lines, title, change):
    """One that was written before anybody asked goes by its registered name."""
    path = tmp_path / "mine.py"
    path.write_text(SHORT_LOOP + lines)

    found = described(path, name="mine", module=str(path), attribute="Mine")

    assert (title, change) == (found.title, found.change)
