"""What a framework sees is asked in the interpreter and environment that would run its trials."""

import os
import subprocess
import sys

import numpy as np
import pytest

from bench.sides.launcher import Launcher
from bench.worker import sight
from bench.worker.sight import Sight, look


@pytest.fixture
def bare_python(tmp_path):
    """Return an interpreter that has the third-party libraries of this one, and neither `bench` nor `loops`."""
    folder = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin" / "python")


def test_an_interpreter_without_the_harness_is_asked_all_the_same(bare_python, tmp_path, monkeypatch):
    """Else `--device auto` runs on the CPU of a machine with a GPU, since "no module named bench" sees none."""
    monkeypatch.chdir(tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    with Launcher(interpreters={"torch": bare_python}, environment=environment) as launcher:
        prepared = launcher.environment(backend="torch", device="gpu", threads=None)
        seen = look("torch", interpreter=bare_python, environment=prepared)

    assert "torch" in (seen.reason or "")
    assert "No module named" not in (seen.reason or "")


def test_what_the_process_says_last_is_the_reason(tmp_path):
    """A framework that cannot be imported says why on its last line."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho first >&2\necho 'ImportError: libcuda.so.1' >&2\nexit 1\n")
    program.chmod(0o755)

    assert Sight(backend="torch", reason="ImportError: libcuda.so.1") == look(
        "torch", interpreter=str(program), environment={}
    )


def test_a_silent_end_names_its_code(tmp_path):
    """Better than no reason at all."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)

    assert "exited with code 7" == look("torch", interpreter=str(program), environment={}).reason


@pytest.mark.parametrize(("devices", "expected"), [(("cpu",), False), (("NVIDIA H100", "cpu"), True), ((), False)])
def test_anything_but_a_cpu_is_an_accelerator(devices, expected):
    """Frameworks name theirs as they like."""
    assert expected is Sight(backend="torch", devices=devices).sees_gpu


def test_a_framework_that_does_not_answer_is_told(tmp_path, monkeypatch):
    """A driver may hang while it is imported."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(sight, "PATIENCE", 0.01)

    assert "no answer within 0.01 s" == look("torch", interpreter=str(program), environment=os.environ).reason


def test_numpy_sees_the_processor():
    """In a process of its own, as any framework."""
    seen = look("numpy", interpreter=sys.executable, environment=os.environ)

    assert (("cpu",), None, False) == (seen.devices, seen.reason, seen.sees_gpu)
    assert f"numpy {np.__version__} sees cpu" == str(seen)


def test_what_cannot_be_used_is_named_with_its_reason():
    """In place of devices."""
    assert "torch: PyTorch is not installed" == str(Sight(backend="torch", reason="PyTorch is not installed"))
