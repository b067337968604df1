"""Files of a user's own, found without running them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loops import registry, user_file
from loops.errors import InvalidSource, InvalidWorkload, UnsupportedCell

LOOP = '''"""Mine."""
import sys
from loops.contract import Loop
assert False, "the harness imports nothing"

class Mine(Loop):
    backend = "torch"
    def prepare(self, job): ...
    def train(self, blocks): ...
    def evaluate(self): ...
    def synchronise(self): ...
    def outcome(self): ...
'''

WORKLOAD = '''"""My arrays."""
import loops.contract as contract
assert False, "the harness imports nothing"

class Mine(contract.Workload):
    batch_size = 16
    optimizer = "SGD"
    learning_rate = 0.1
    torch_loss = "MSELoss"
    def samples(self, digits, *, track, backend, seed): ...
    def build_model(self, *, seed): ...
    def build_loss(self, *, one_hot): ...
    def build_metric(self, *, one_hot): ...
'''


@pytest.fixture(autouse=True)
def no_files(monkeypatch):
    """Forget what a test has registered."""
    monkeypatch.setenv(registry.FILES_VARIABLE, "[]")


def write(folder: Path, name: str, text: str) -> str:
    """Write a file and return its path."""
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_loop_is_called_like_its_file(tmp_path):
    """From then on it is a name like any other."""
    name = registry.named("loop", write(tmp_path, "my_loop.py", LOOP))

    described = registry.describe_loop(name, workload="mnist-mlp")
    assert ("my_loop", "torch", "Mine.") == (name, described.backend, described.summary)
    assert name in registry.loop_names("mnist-mlp")
    assert "not written for adversarial training" == registry.hole(name, "mnist-dcgan")


def test_a_class_can_say_what_it_is_called(tmp_path):
    """The file's name may be taken."""
    text = LOOP.replace('backend = "torch"', 'backend = "torch"\n    name = "tf-fit-mine"')

    assert "tf-fit-mine" == registry.named("loop", write(tmp_path, "tf-fit.py", text))


def test_a_loop_may_declare_its_fields(tmp_path):
    """They are filled by `prepare`; only what the contract asks for has to stand in the class."""
    text = LOOP.replace('backend = "torch"', 'backend = "torch"\n    model: object\n    steps: int')

    assert "my_loop" == registry.named("loop", write(tmp_path, "my_loop.py", text))


def test_a_workload_is_outlined_without_running_it(tmp_path):
    """What its arrays hold is found out in the trial."""
    name = registry.named("workload", write(tmp_path, "my_model.py", WORKLOAD))

    expected = registry.Outline(name="my_model", kind="supervised", batch_size=16, training_samples=None)
    assert expected == registry.outline_workload(name)
    assert "My arrays." == registry.describe_workload(name).summary


def test_a_workload_may_change_one_thing_of_ours(tmp_path):
    """What it does not say is inherited; the name is not, for it is another workload."""
    text = "from loops.workloads.mnist_mlp import MnistMlp\n\nclass Fast(MnistMlp):\n    learning_rate = 0.01\n"

    name = registry.named("workload", write(tmp_path, "fast.py", text))

    workload = registry.load_workload(name)
    assert ("fast", 0.01, 32) == (workload.name, workload.learning_rate, registry.outline_workload(name).batch_size)


def test_processes_that_are_started_know_the_same_files(tmp_path):
    """The environment carries them; a file that a process does not have holds nothing."""
    path = write(tmp_path, "my_loop.py", LOOP)
    registry.named("loop", path)
    code = "from loops import registry; print('my_loop' in registry.loop_names())"

    before = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    Path(path).unlink()
    after = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert ("True", "False") == (before.strip(), after.strip())


def test_a_file_is_imported_under_a_name_of_its_own(tmp_path):
    """It hides no module, and finds what lies beside it."""
    write(tmp_path, "beside_it.py", "VALUE = 7\n")
    path = write(tmp_path, "json.py", "from beside_it import VALUE\n")

    module = user_file.load(path)

    assert (7, "user_file_json") == (module.VALUE, module.__name__)
    assert sys.modules["json"] is json


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "{path}: cannot be read (No such file or directory); 'bench new loop NAME'"),
        ("class Mine(\n", "{path}, line 1: '(' was never closed; correct it and run again"),
        ("x = 1\0\n", "{path}: "),
        ("x = 1\n", "and there is no class in it; 'bench new loop NAME'"),
        ("class Mine:\n    pass\n", "and the classes in it do not: Mine (line 1)"),
        (
            LOOP + LOOP[LOOP.index("class") :].replace("Mine", "Other"),
            "holds several loops or workloads: Mine (line 6)",
        ),
        (LOOP.replace('"torch"', '"tensor"'), "class Mine asks for backend 'tensor'; write backend = \"torch\""),
        (LOOP.replace('    backend = "torch"\n', ""), "{path}, line 6: class Mine does not say which backend it needs"),
        (LOOP.replace("    def evaluate(self): ...\n", ""), "{path}, line 6: class Mine lacks evaluate; "),
        (WORKLOAD, "class Mine is a workload, not a loop; give it by --workload"),
        (LOOP.replace('"torch"', '"torch"\n    name = "my loop"'), "'my loop' cannot be the name of a loop"),
        (
            LOOP.replace('"torch"', '"torch"\n    name = "tf-fit"'),
            "the name 'tf-fit' is taken as the name of another loop",
        ),
        (LOOP.replace('"torch"', '"torch"\n    name = "all"'), "the name 'all' is taken"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path, text, message):
    """Which file, which line where there is one, and the way out."""
    path = str(tmp_path / "my_loop.py") if text is None else write(tmp_path, "my_loop.py", text)

    with pytest.raises(InvalidSource) as caught:
        registry.named("loop", path)

    assert message.format(path=path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WORKLOAD.replace("batch_size = 16", "batch_size = int('16')"), "does not write out its batch_size"),
        (
            WORKLOAD.replace("    optimizer", "    # ").replace("    learning_rate", "    # "),
            "lacks optimizer, learning_rate",
        ),
        (LOOP, "class Mine is a loop, not a workload; give it as LOOP or by --loop"),
        (WORKLOAD.replace("batch_size = 16", 'batch_size = 16\n    name = "regression"'), "'regression' is taken"),
    ],
)
def test_a_workload_that_cannot_be_used_is_refused_in_one_line(tmp_path, text, message):
    """Everything that is missing is named at once."""
    with pytest.raises(InvalidSource) as caught:
        registry.named("workload", write(tmp_path, "my_model.py", text))

    assert message in str(caught.value)


def test_two_files_cannot_have_one_name(tmp_path):
    """The message names the other one."""
    (tmp_path / "other").mkdir()
    first = write(tmp_path, "my_loop.py", LOOP)
    registry.named("loop", first)

    with pytest.raises(InvalidSource, match=f"the name 'my_loop' is taken by {first}"):
        registry.named("loop", write(tmp_path / "other", "my_loop.py", LOOP))


def test_a_base_class_in_the_same_file_is_not_the_loop(tmp_path):
    """The one that derives from it is."""
    text = LOOP + '\nclass Final(Mine):\n    name = "final"\n'

    assert "final" == registry.named("loop", write(tmp_path, "my_loop.py", text))


def test_data_may_ask_for_the_digits_of_the_run(tmp_path):
    """By the name of its parameter; without, nothing is looked for."""
    asking = tmp_path / "asking.py"
    asking.write_text("def model(): ...\n\ndef data(digits):\n    return digits * 2\n")
    plain = tmp_path / "plain.py"
    plain.write_text("def model(): ...\n\ndef data():\n    return 7\n")

    assert 42 == user_file.FitStyle("asking", path=str(asking), batch_size=32).data(21)
    assert 7 == user_file.FitStyle("plain", path=str(plain), batch_size=32).data(21)
    with pytest.raises(UnsupportedCell, match="has no pipeline of its own"):
        user_file.FitStyle("asking", path=str(asking), batch_size=32).data()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = 3\ndef data(): ...\n", "model is a int, not a function; write def model(): return ..."),
        ("def model(width): ...\ndef data(): ...\n", "model() wants width, which nobody gives it"),
        ("def model(*, width=3, **rest): return 7\ndef data(): ...\n", None),
    ],
    ids=["no function", "wants an argument", "has a default"],
)
def test_what_is_no_function_of_nothing_is_refused_with_the_way_out(tmp_path, text, message):
    """Before Keras is asked to do anything with it."""
    source = user_file.FitStyle("mine", path=write(tmp_path, "mine.py", text), batch_size=None)

    if message is None:
        assert 7 == source.build(0, one_hot=False)
        return
    with pytest.raises(InvalidWorkload, match=re.escape(message)):
        source.build(0, one_hot=False)
