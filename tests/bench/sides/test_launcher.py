"""Which interpreter and which environment a process gets, and that a side never changes what measures."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from tempfile import gettempdir

import pytest

from bench.files import SOURCE_TREE
from bench.records.cell import Side
from bench.sides.launcher import Launcher, holds_loops


@pytest.fixture
def launcher():
    """Return a launcher for a user who has two interpreters and something on the path."""
    environment = {"PATH": "/bin", "PYTHONPATH": "/mine", "TF_ENABLE_ONEDNN_OPTS": "1"}
    with Launcher(interpreters={"torch": "/opt/torch/python"}, environment=environment) as launcher:
        yield launcher


def environment_of(launcher, side=None, *, backend="tensorflow", device="cpu", threads=None):
    """Return the environment of a cell."""
    return launcher.environment(backend=backend, device=device, threads=threads, side=side)


def side(**settings):
    """Return a side."""
    return Side(name="A", description="as written", **settings)


def test_without_a_side_the_environment_is_passed_on_whole(launcher):
    """And what makes a cell what it is on top."""
    environment = environment_of(launcher)

    assert ("/bin", "tensorflow", "-1") == tuple(
        environment[name] for name in ("PATH", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES")
    )
    assert "/mine" == environment["PYTHONPATH"].partition(os.pathsep)[2]


def test_what_processes_write_for_themselves_goes_with_the_harness(launcher):
    """A killed TensorFlow leaves its translated Python behind; what PyTorch has compiled is wanted again."""
    with Launcher(interpreters={}, environment={"TMPDIR": "/elsewhere"}) as other:
        environment = environment_of(other)
        Path(environment["TMPDIR"], "__autograph_generated_file.py").touch()

    assert not Path(environment["TMPDIR"]).exists()
    assert Path(environment["TORCHINDUCTOR_CACHE_DIR"]).parent == Path(gettempdir())
    assert environment["TMPDIR"] != environment_of(launcher)["TMPDIR"]


def test_a_users_own_cache_of_compiled_code_is_used():
    """Whoever names one means it."""
    with Launcher(interpreters={}, environment={"TORCHINDUCTOR_CACHE_DIR": "/mine"}) as launcher:
        assert "/mine" == environment_of(launcher)["TORCHINDUCTOR_CACHE_DIR"]


def test_the_folder_for_temporary_files_leaves_room_for_the_name_of_a_socket(tmp_path, monkeypatch):
    """`multiprocessing` puts its sockets there, and the system allows 104 bytes; else the system's own is kept."""
    deep = tmp_path / ("deep" * 10)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))

    with Launcher(interpreters={}, environment={}) as launcher:
        assert "TMPDIR" not in environment_of(launcher)


def test_a_file_that_is_called_like_a_module_hides_it_from_no_process(tmp_path):
    """`json.py` or `keras.py` beside the user used to break every process that was started there."""
    for name in ("json", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hidden')")
    (tmp_path / "mine.py").write_text("HERE = True")
    code = "from bench.worker import entry; entry.look_here_last(); import json, numpy, mine; print(mine.HERE)"
    with Launcher(interpreters={}, environment=os.environ) as launcher:
        environment = environment_of(launcher)

        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    assert "True\n" == done.stdout, done.stderr


def test_a_users_folder_that_is_called_loops_is_not_taken_for_ours(tmp_path):
    """Even if it has a registry."""
    (tmp_path / "loops").mkdir()
    (tmp_path / "loops" / "registry.py").touch()

    assert not holds_loops(tmp_path)


def test_the_interpreter_is_the_sides_then_the_backends_then_ours(launcher):
    """The most particular one wins."""
    own = side(interpreter="/side/python")

    assert ["/side/python", "/opt/torch/python", "/opt/torch/python", sys.executable] == [
        launcher.interpreter("torch", side=own),
        launcher.interpreter("torch", side=side()),
        launcher.interpreter("torch"),
        launcher.interpreter("tensorflow", side=side()),
    ]


def test_variables_of_a_side_win(launcher):
    """Over the parent's and over what the harness sets: whoever names one means it."""
    own = side(variables={"TF_ENABLE_ONEDNN_OPTS": "0", "OMP_NUM_THREADS": "7", "KERAS_BACKEND": "jax"})

    environment = environment_of(launcher, own, threads=2)

    assert ("0", "7", "2", "jax") == tuple(
        environment[name] for name in ("TF_ENABLE_ONEDNN_OPTS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "KERAS_BACKEND")
    )


def test_a_side_does_not_make_a_cell_another_one(launcher):
    """Backend and hidden GPUs stay, unless the side names them."""
    environment = environment_of(launcher, side(variables={"A": "1"}))

    assert ("tensorflow", "-1") == (environment["KERAS_BACKEND"], environment["CUDA_VISIBLE_DEVICES"])


def test_the_harness_stands_before_everything_a_side_brings(launcher, tmp_path):
    """Folders of the side, then PYTHONPATH; the current folder is not put before them."""
    (tmp_path / "bench").mkdir()

    environment = environment_of(launcher, side(python_path=(str(tmp_path), "/other")))

    first, *others = environment["PYTHONPATH"].split(os.pathsep)
    assert {"bench": SOURCE_TREE / "bench", "loops": SOURCE_TREE / "loops"} == {
        link.name: link.readlink() for link in Path(first).iterdir()
    }
    assert ([str(tmp_path), "/other", "/mine"], "1") == (others, environment["PYTHONSAFEPATH"])


def test_a_commit_of_this_project_brings_its_own_loops(launcher, tmp_path):
    """And still not its own harness."""
    (tmp_path / "loops").mkdir()
    for name in ("registry.py", "contract.py"):
        (tmp_path / "loops" / name).touch()

    environment = environment_of(launcher, side(python_path=(str(tmp_path),)))

    first = environment["PYTHONPATH"].split(os.pathsep)[0]
    assert ["bench"] == [link.name for link in Path(first).iterdir()]


def test_a_side_cannot_hide_the_harness_by_pythonpath(launcher):
    """Its value comes where the parent's would."""
    environment = environment_of(launcher, side(variables={"PYTHONPATH": "/theirs"}))

    first, *others = environment["PYTHONPATH"].split(os.pathsep)
    assert (True, ["/theirs"]) == ((Path(first) / "bench").is_symlink(), others)


def test_what_is_laid_out_is_gone_afterwards():
    """Whether or not a side has loops of its own."""
    with Launcher(interpreters={}, environment={}) as launcher:
        folder = environment_of(launcher, side())["PYTHONPATH"]
        there = Path(folder).exists()

    assert (True, False) == (there, Path(folder).exists())
