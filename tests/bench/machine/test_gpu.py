"""Nodes that accelerators have, and how fast accelerators run, from a fake `nvidia-smi`."""

from pathlib import Path

import pytest

from bench.machine import gpu
from bench.machine.gpu import has_accelerator_node
from bench.records.stored_run import AcceleratorState

NO_PROGRAMS = {"PATH": "/nowhere"}


def with_node(root, node):
    """Return a root folder with one file in it."""
    path = root / node
    path.parent.mkdir(parents=True)
    path.write_text("")
    return root


@pytest.mark.parametrize("node", ["dev/nvidia0", "dev/nvidia12", "dev/kfd", "dev/dxg", "Windows/System32/nvcuda.dll"])
def test_device_node_means_that_an_accelerator_may_be_there(tmp_path, node):
    """CUDA, ROCm, the Windows subsystem for Linux, and Windows itself."""
    assert has_accelerator_node(root=with_node(tmp_path, node))


@pytest.mark.parametrize("node", ["dev/nvidiactl", "dev/nvidia-uvm", "dev/dri/card0", "dev/null"])
def test_other_nodes_are_no_accelerator(tmp_path, node):
    """Driver nodes without a device, and plain graphics, do not count; nor does Apple's GPU, which has no node."""
    assert not has_accelerator_node(root=with_node(tmp_path, node))


def write(root: Path, files: dict[str, str]) -> Path:
    """Write each text below the root of a fake file tree."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def program(folder: Path, name: str, *, script: str) -> dict[str, str]:
    """Write a fake program; return an environment that finds it."""
    file = write(folder, {name: f"#!/bin/sh\n{script}\n"}) / name
    file.chmod(0o755)
    return {"PATH": str(folder)}


def test_clock_temperature_and_what_slows_a_gpu_down(tmp_path):
    """A mask of reasons; that it is idle, or that somebody set its clock, is none of them."""
    rows = (
        "echo '0, 1980, 45, 0x0000000000000000'\n"
        "echo '1, 1410, 88, 0x0000000000000024'\n"
        "echo '2, 345, [N/A], 0x0000000000000003'\n"
        "echo '3, [N/A], 40, [N/A]'"
    )

    found = gpu.accelerators(environment=program(tmp_path, "nvidia-smi", script=rows))

    assert [
        AcceleratorState(index=0, megahertz=1980.0, celsius=45.0, slowed_by=()),
        AcceleratorState(
            index=1, megahertz=1410.0, celsius=88.0, slowed_by=("power limit", "software thermal slowdown")
        ),
        AcceleratorState(index=2, megahertz=345.0, celsius=None, slowed_by=()),
    ] == list(found)


def test_an_older_driver_is_asked_by_the_older_name(tmp_path):
    """It refuses a question that has a field it does not know."""
    script = "case \"$*\" in *event*) exit 2;; *throttle*) echo '0, 1980, 45, 0x0000000000000008';; esac"

    (found,) = gpu.accelerators(environment=program(tmp_path, "nvidia-smi", script=script))

    assert ("hardware slowdown",) == found.slowed_by


def test_without_a_driver_no_gpu_has_a_clock():
    """Most machines."""
    assert () == gpu.accelerators(environment=NO_PROGRAMS)
