"""A user's file that cannot be used is refused in one line and at once, whatever it is."""

import os

import pytest

from bench.errors import UsageError
from bench.gate.settings import read_settings
from loops import user_file
from loops.errors import InvalidSource

DEEP = {
    "brackets": "x = " + "(" * 100_000 + ")" * 100_000,
    "minus": "x = " + "-" * 200_000 + "1",
    "attributes": "x = a" + ".a" * 100_000,
    "inside": f"from loops.contract import Loop\nclass A(Loop):\n    backend = 'numpy'\n    x = {'-' * 5000}1\n",
    "classes": "\n".join(f"class A{one}(A{one - 1}): pass" for one in range(1, 3000)),
    "cycle": "class A(B): pass\nclass B(A): pass\n",
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_told(tmp_path, name):
    """Python's own parser gives up in several ways."""
    file = tmp_path / "mine.py"
    file.write_text(DEEP[name])

    with pytest.raises(InvalidSource, match=r"mine\.py"):
        user_file.read(str(file))


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "links", "huge"])
def test_only_regular_files_are_opened(tmp_path, kind):
    """A pipe would be waited for, and a device has no end."""
    file = tmp_path / "mine.py"
    make = {
        "pipe": lambda: os.mkfifo(file),
        "device": lambda: file.symlink_to("/dev/zero"),
        "folder": file.mkdir,
        "links": lambda: file.symlink_to(file),
        "huge": lambda: (file.write_bytes(b""), os.truncate(file, 3 << 30)),
    }
    make[kind]()

    with pytest.raises(InvalidSource, match=r"mine\.py: cannot be read \("):
        user_file.read(str(file))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("tool = 1", "tool: expected a table"),
        ("[tool]\nbench = [1]", r"tool\.bench: expected `object`, got `array`"),
        ("[tool.bench]\ngate = 'x'", r"gate\]: expected `object | null`, got `str`"),
        (f"x = {'[' * 50_000}", "nested too deeply"),
        ("\ud800", "utf-8"),
    ],
)
def test_settings_that_are_no_settings_are_told(tmp_path, text, named):
    """The file and the key."""
    (tmp_path / "pyproject.toml").write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(UsageError, match=rf"pyproject\.toml: .*{named}"):
        read_settings(tmp_path)


def test_settings_that_are_a_pipe_are_not_waited_for(tmp_path):
    """It used to hang."""
    os.mkfifo(tmp_path / "pyproject.toml")

    with pytest.raises(UsageError, match="cannot be read"):
        read_settings(tmp_path)
