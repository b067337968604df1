"""Names of loops and workloads, read without importing any framework."""

import subprocess
import sys
from pathlib import Path

import pytest

from loops import registry
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


def test_an_unknown_name_gets_the_nearest_one():
    """A slip of the finger is recognised."""
    with pytest.raises(UnknownName, match=r"there is no loop 'tf-fucntion'\. Did you mean 'tf-function'\?"):
        registry.describe_loop("tf-fucntion")


def test_a_loop_of_another_package_is_found_by_its_entry_point(tmp_path):
    """Installed is enough; nothing here needs to know it."""
    plugin(tmp_path, "mine = mine:Mine", source='"""My loop."""\nclass Mine:\n    backend = "torch"\n')

    assert "My loop. torch" == described(tmp_path, "mine")


def test_a_loop_that_names_no_backend_is_refused(tmp_path):
    """The harness has to know before it imports anything."""
    plugin(tmp_path, "mine = mine:Mine", source='"""My loop."""\nclass Mine:\n    pass\n')

    assert "class Mine does not say which backend it needs" in described(tmp_path, "mine")


def test_an_entry_point_that_leads_nowhere_is_named(tmp_path):
    """The message shows what was registered."""
    plugin(tmp_path, "mine = nowhere:Mine", source="")

    assert "loop 'mine' is registered as 'nowhere:Mine', which cannot be found" == described(tmp_path, "mine")


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
