"""What a loop's source says about it is true, and is read without running it."""

import ast
import re
from pathlib import Path

import pytest

from loops import described, registry
from loops.described import MOST_LETTERS, PLAIN

ROOT = Path(registry.__file__).resolve().parents[1]
TABLES = (registry.LOOPS, registry.ADVERSARIAL_LOOPS)
OWN = [(name, target) for table in TABLES for name, target in table.items()]
LOOP = "from loops.contract import Loop\n\n\nclass Mine(Loop):\n    backend = 'numpy'\n"


def source_of(target):
    """Return the file behind a target."""
    return ROOT / f"{target.partition(':')[0].replace('.', '/')}.py"


def describe(target, *, name):
    """Describe one of our own loops."""
    module, _, attribute = target.partition(":")
    return described.described(source_of(target), name=name, module=module, attribute=attribute)


@pytest.mark.parametrize(("name", "target"), OWN, ids=[target for _, target in OWN])
def test_every_loop_has_a_name_for_people_and_says_what_to_type(name, target):
    """The file that it names is its own, and what is to be copied is there."""
    found = describe(target, name=name)
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
        titles = [describe(target, name=name).title for name, target in table.items()]

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
    path.write_text(LOOP + lines)

    found = described.described(path, name="mine", module=str(path), attribute="Mine")

    assert (title, change) == (found.title, found.change)
