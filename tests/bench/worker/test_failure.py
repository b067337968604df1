"""How a trial's process tells of its failure."""

import json
import sys
from types import SimpleNamespace

import pytest

from bench.worker import failure
from loops import user_file


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Return a folder with a user's loop that fails in a model of the user's, both registered."""
    (tmp_path / "my_model.py").write_text("def forward(x):\n    return 1 / x\n")
    (tmp_path / "my_loop.py").write_text("def step(forward):\n    return forward(0)\n")
    paths = [str(tmp_path / name) for name in ("my_model.py", "my_loop.py")]
    monkeypatch.setenv(failure.FILES_VARIABLE, json.dumps(paths))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_error_is_told_with_the_users_line_nearest_to_it(files):
    """The loop called the model, and the model failed."""
    model, loop = (user_file.load(str(files / name)) for name in ("my_model.py", "my_loop.py"))

    with pytest.raises(ZeroDivisionError) as caught:
        loop.step(model.forward)

    assert "ZeroDivisionError: division by zero (my_model.py, line 2)" == failure.told(caught.value)


def test_what_was_raised_in_a_users_file_is_told_where_what_came_out_does_not_say_it(files):
    """As on JAX, whose exceptions Keras cannot raise again, and says that it could not build the model."""
    model = user_file.load(str(files / "my_model.py"))

    def without_frames():
        try:
            model.forward(0)
        except ZeroDivisionError:
            raise AttributeError("'str' object has no attribute '_error_repr'") from None

    def built():
        try:
            without_frames()
        except AttributeError as error:
            raise RuntimeError("Unable to automatically build the model.") from error.with_traceback(None)

    with pytest.raises(RuntimeError) as caught:
        built()

    told = failure.told(failure._cause_of(caught.value))
    assert "ZeroDivisionError: division by zero (my_model.py, line 2)" == told
    unled = ValueError("of nobody's file")
    assert unled is failure._cause_of(unled)


def test_what_tensorflow_tells_of_a_graph_is_made_one_line(files):
    """Its traceback stands in the message, and what was raised at the end."""
    message = (
        f'in user code:\n\n    File "{files}/my_model.py", line 2, in forward  *\n\n    ValueError: too many values\n'
    )

    assert "ValueError: too many values (my_model.py, line 2)" == failure.told(ValueError(message))


def test_an_error_of_ours_has_no_place():
    """Nor has one without words."""
    assert ("KeyError: 'x'", "MemoryError") == (failure.told(KeyError("x")), failure.told(MemoryError()))


def test_a_file_is_read_for_what_it_imports_anywhere(tmp_path):
    """Within functions too; one that is no Python imports nothing."""
    (tmp_path / "mine.py").write_text("import numpy as np\ndef model():\n    from tensorflow.math import square\n")
    (tmp_path / "broken.py").write_text("import (")

    assert {"numpy", "tensorflow"} == failure.imported_by(tmp_path / "mine.py")
    assert set() == failure.imported_by(tmp_path / "broken.py")


@pytest.mark.parametrize(("body", "foreign"), [("tf.square(1)", True), ("raise ValueError('mine')", False)])
def test_only_what_another_framework_raised_is_its_doing(monkeypatch, tmp_path, body, foreign):
    """A file that imports one for its data may have a fault of its own, which is no reason to leave a loop out."""
    library, mine = tmp_path / "tensorflow" / "__init__.py", tmp_path / "mine.py"
    library.parent.mkdir()
    library.write_text("def square(x):\n    raise TypeError('no tensor of mine')\n")
    mine.write_text(f"import tensorflow as tf\n\ndef model():\n    {body}\n")
    monkeypatch.setitem(sys.modules, "tensorflow", user_file.load(str(library)))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv(failure.FILES_VARIABLE, json.dumps([str(mine)]))

    with pytest.raises((TypeError, ValueError)) as caught:
        user_file.load(str(mine)).model()

    assert foreign is (failure._foreign(caught.value) is not None)


@pytest.mark.parametrize(
    ("body", "foreign"),
    [
        (
            "class M:\n    def step(self):\n        Tape()\n        raise TypeError\ndef model():\n    M().step()\n",
            True,
        ),
        ("def model():\n    Tape()\n    raise TypeError\n", False),
    ],
    ids=["a step of a model", "a function, as of data"],
)
def test_a_step_that_names_another_framework_is_its_doing_where_that_hides_its_frames(
    monkeypatch, tmp_path, body, foreign
):
    """By a name of its own, too; what only makes data may be wrong by itself."""
    mine = tmp_path / "mine.py"
    mine.write_text(f"from tensorflow import Tape\n\n{body}")
    tape = type("Tape", (), {"__module__": "tensorflow.python.eager"})
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(Tape=tape))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv(failure.FILES_VARIABLE, json.dumps([str(mine)]))

    with pytest.raises(TypeError) as caught:
        user_file.load(str(mine)).model()

    assert foreign is (failure._foreign(caught.value) is not None)


def test_of_a_graph_of_tensorflow_the_line_that_says_what_is_wrong_is_told():
    """It stands behind a traceback in words, before the node."""
    message = "Graph execution error:\n\nDetected at node a defined at\n\n17 is not in [0, 10)\n\t [[{{node a}}]]"

    assert "ValueError: 17 is not in [0, 10)" == failure.told(ValueError(message))
