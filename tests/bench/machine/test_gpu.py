"""Nodes that accelerators have, and others."""

import pytest

from bench.machine.gpu import has_accelerator_node


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
