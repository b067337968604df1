"""Files that `bench new` writes."""

import json
from zipfile import ZipFile

import pytest

from bench.cli import skeletons
from bench.errors import FileTrouble, UsageError
from bench.runs import own_models


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


def saved(folder, config, *, name="model.keras"):
    """Write what Keras' `model.save` does, the weights left out."""
    with ZipFile(folder / name, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    return folder / name


LAYER = {"class_name": "InputLayer", "config": {"name": "image", "dtype": "uint8", "batch_shape": [None, 28, 28]}}


def test_a_saved_model_gets_a_file_around_it(empty_folder):
    """That finds it from where the file is, and says what it takes."""
    (empty_folder / "models").mkdir()
    model = saved(empty_folder / "models", {"compile_config": {"loss": "mse"}, "config": {"layers": [LAYER]}})

    path = skeletons.write_for(model, "mine")

    text = path.read_text()
    compile(text, path, "exec")
    assert 'keras.saving.load_model(HERE / "models/model.keras")' in text
    assert "The model takes image: uint8 [samples, 28, 28]." in text
    assert "m.compile" not in text
    assert "let data() return your arrays, then:" in skeletons.next_steps("workload", path, saved=True)


def test_a_model_cannot_write_code_into_the_file(empty_folder):
    """Whoever made it chose the names of its inputs."""
    layer = {"class_name": "InputLayer", "config": {"name": 'x"""\nimport os\n"""', "batch_shape": [None, 2]}}
    path = skeletons.write_for(saved(empty_folder, {"config": {"layers": [layer]}}), "mine")

    assert "\nimport os" not in path.read_text()
    compile(path.read_text(), path, "exec")


def test_a_model_that_was_saved_without_compile_is_compiled_there(empty_folder):
    """With words that say whose the choice is."""
    text = skeletons.write_for(saved(empty_folder, {"config": {}}), "mine").read_text()

    assert "it was saved without; put in your own" in text
    assert "The model does not say what it takes." in text


@pytest.mark.parametrize("config", [[1], None])
def test_what_is_no_saved_model_is_refused(empty_folder, config):
    """A zip of something else, and no zip at all."""
    if config is None:
        (empty_folder / "model.keras").write_text("nothing")
    else:
        saved(empty_folder, config)

    with pytest.raises(UsageError, match=r"model\.keras: is no saved Keras model"):
        skeletons.write_for(empty_folder / "model.keras", "mine")


def test_what_is_suggested_is_what_is_installed(monkeypatch, empty_folder):
    """Plain `fit()` of the framework that Keras is set to stands first."""
    monkeypatch.setattr(own_models.frameworks, "missing", lambda name: "no" if name == "tensorflow" else None)
    monkeypatch.setenv("KERAS_BACKEND", "jax")

    words = skeletons.next_steps("workload", skeletons.write("workload", "mine"))

    assert "bench run --quick jax-fit-stock jax-jit --workload mine.py" in words
    assert ["jax", "torch"] == own_models.order()
    assert ["torch", "jax"] == own_models.order({"torch"})
