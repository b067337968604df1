"""Names of loops and workloads, read without importing any framework."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from loops import guides, registry
from loops.errors import LoopError, UnknownName


@pytest.mark.parametrize("name", registry.LOOPS)
def test_every_loop_says_what_it_is_and_what_it_needs(name):
    """One sentence and a backend, from the source alone."""
    description = registry.describe_loop(name)

    assert description.summary.endswith(".")
    assert description.backend in {"tensorflow", "torch", "jax", "numpy"}


@pytest.mark.parametrize("name", registry.LOOPS)
def test_every_loop_is_named_framework_first(name):
    """`tf-` means TensorFlow."""
    framework = {"tf": "tensorflow"}.get(name.partition("-")[0], name.partition("-")[0])

    assert framework == registry.describe_loop(name).backend


@pytest.mark.parametrize("name", registry.WORKLOADS)
def test_every_workload_says_what_it_is(name):
    """One sentence, and its class carries its registered name."""
    assert registry.describe_workload(name).summary.endswith(".")
    assert name == registry.load_workload(name).name


@pytest.mark.parametrize("path", sorted(Path(registry.__file__).parent.glob("variants/*.py")), ids=lambda p: p.stem)
def test_loop_files_hold_the_loop_and_nothing_else(path):
    """No clock, no printing, no progress bar, and short enough to be read at one go."""
    text = path.read_text()

    assert [] == [word for word in ("import time", "perf_counter", "print(", "tqdm", "verbose=1") if word in text]
    assert len(text.splitlines()) <= 130


@pytest.mark.parametrize("path", sorted(Path(registry.__file__).parent.glob("variants/*_*.py")), ids=lambda p: p.stem)
def test_a_loop_is_whole_once_it_is_prepared(path):
    """Whatever it holds is made in one place: no attribute appears in training, or only after the first step."""
    loops = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)][-1:]
    made = {
        method.name: {
            node.attr
            for node in ast.walk(method)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self"
        }
        for loop in loops
        for method in loop.body
        if isinstance(method, ast.FunctionDef)
    }

    assert {name: set() for name in made} == {name: found - made["prepare"] for name, found in made.items()}


def test_two_workloads_in_a_file_describe_themselves():
    """What they share stands at the top of the file, what they are in their classes."""
    summaries = [registry.describe_workload(name).summary for name in ("mnist-mlp", "mnist-mlp-sgd")]

    assert ["by Adam in batches of 32.", "by plain gradient descent in batches of 64."] == [
        summary.partition("trained ")[2] for summary in summaries
    ]


def test_an_unknown_name_gets_the_nearest_one():
    """A slip of the finger is recognised."""
    with pytest.raises(UnknownName, match=r"there is no loop 'tf-fucntion'\. Did you mean 'tf-function'\?"):
        registry.describe_loop("tf-fucntion")


def test_a_name_stands_for_another_body_where_two_models_are_trained():
    """The way of writing is the same, the loop is not."""
    supervised = registry.describe_loop("tf-eager", workload="mnist-mlp")
    adversarial = registry.describe_loop("tf-eager", workload="mnist-dcgan")

    assert "loops.variants.tf_eager:TfEager" == supervised.target
    assert "loops.variants.tf_eager_dcgan:TfEagerDcgan" == adversarial.target
    assert supervised.backend == adversarial.backend


@pytest.mark.parametrize("name", registry.ADVERSARIAL_LOOPS)
def test_every_adversarial_loop_has_a_supervised_one_of_its_name_and_backend(name):
    """A row of the matrix is one way of writing."""
    assert (
        registry.describe_loop(name, workload="mnist-mlp").backend
        == registry.describe_loop(name, workload="mnist-dcgan").backend
    )


def test_a_hole_in_the_matrix_has_its_reason():
    """Nothing is said about what fits."""
    assert "not written for adversarial training" == registry.hole("tf-fit-stock", "mnist-dcgan")
    assert registry.hole("tf-fit-stock", "mnist-mlp") is None
    assert registry.hole("tf-fit", "mnist-dcgan") is None
    assert "two hidden layers" in registry.hole("numpy-cpp", "regression")


def test_the_loops_of_a_workload_are_those_without_a_hole():
    """Asked either way, the answer is the same."""
    for workload in registry.workload_names():
        able = registry.loop_names(workload)
        assert able == [name for name in registry.loop_names() if registry.hole(name, workload) is None]


def test_a_hole_of_something_unknown_is_an_unknown_name():
    """A slip of the finger is no hole."""
    with pytest.raises(UnknownName):
        registry.hole("tf-fucntion", "mnist-mlp")
    with pytest.raises(UnknownName):
        registry.hole("tf-function", "mnist")


def test_the_guides_ask_for_nothing_that_does_not_exist():
    """Fifteen systems, each a loop that can train its workload."""
    assert [f"S{number}" for number in range(1, 16)] == [system.name for system in guides.SYSTEMS]
    for system in guides.SYSTEMS:
        assert [] == [reason for loop in system.loops if (reason := registry.hole(loop, system.workload)) is not None]


def test_the_guides_loops_are_named_once_per_workload():
    """S1 and S2 are the same cell, with and without a look at the metric."""
    wanted = guides.loops_by_workload()

    assert ("tf-eager", "tf-function", "torch-native", "torch-keras") == wanted["mnist-mlp"]
    assert ("tf-function", "tf-fit") == wanted["mnist-dcgan"]


def test_a_loop_of_another_package_is_found_by_its_entry_point(tmp_path):
    """Installed is enough; nothing here needs to know it."""
    plugin(tmp_path, "mine = mine:Mine", source='"""My loop."""\nclass Mine:\n    backend = "torch"\n')

    assert "My loop. torch" == described(tmp_path, "mine")


def test_a_loop_that_names_no_backend_is_refused(tmp_path):
    """The harness has to know before it imports anything."""
    plugin(tmp_path, "mine = mine:Mine", source='"""My loop."""\nclass Mine:\n    pass\n')

    assert "class Mine does not say which backend it needs" in described(tmp_path, "mine")


@pytest.mark.parametrize("target", ["nowhere:Mine", "no.where:Mine", "mine.inside:Mine"])
def test_an_entry_point_that_leads_nowhere_is_named(tmp_path, target):
    """The message shows what was registered."""
    plugin(tmp_path, f"mine = {target}", source="")

    assert f"loop 'mine' is registered as '{target}', which cannot be found" == described(tmp_path, "mine")


def plugin(folder: Path, entry: str, *, source: str) -> None:
    """Write what an installed distribution looks like."""
    information = folder / "mine-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[bench.loops]\n{entry}\n")
    (folder / "mine.py").write_text(source)


def described(folder: Path, name: str) -> str:
    """Return how a fresh interpreter with this folder on its path describes a loop."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from loops import registry\n"
        "try:\n"
        "    found = registry.describe_loop(sys.argv[2]); print(found.summary, found.backend)\n"
        "except registry.LoopError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, folder, name], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_errors_of_the_registry_are_loop_errors():
    """The command line turns them into one line."""
    assert issubclass(UnknownName, LoopError)


def test_compiled_models_of_ours_are_prepared_as_those_of_users_are():
    """Their modules hold `model()` and `data(digits)`, and nothing is imported to plan with them."""
    assert {"mnist-cnn", "mnist-lstm", "mnist-transformer"} == registry.COMPILED
    assert all(map(registry.is_prepared, registry.COMPILED))
    assert not registry.is_prepared("mnist-mlp")
    assert not registry.is_prepared("mnist-dcgan")
    assert {32} == {registry.outline_workload(name).batch_size for name in registry.COMPILED}


def test_every_hole_names_a_loop_and_a_workload_that_there_are():
    """A renamed one would be tried again, and fail."""
    for loop, workloads in registry.HOLES.items():
        assert loop in registry.LOOPS
        assert workloads.keys() <= registry.WORKLOADS.keys()


def test_loops_that_write_the_model_themselves_cannot_train_compiled_ones():
    """All of them, and with a reason."""
    own = [name for name in registry.LOOPS if "own_model: ClassVar[bool] = True" in source_of(name)]

    assert {"written for chains of dense layers only"} == {
        registry.hole(loop, workload) for loop in own for workload in registry.COMPILED
    }
    assert {None} == {registry.hole("torch-native", workload) for workload in registry.COMPILED}


def source_of(loop):
    """Return the text of a loop."""
    module = registry.LOOPS[loop].partition(":")[0]
    return (Path(registry.__file__).parents[1] / f"{module.replace('.', '/')}.py").read_text()
