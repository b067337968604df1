"""Machines that are made up."""

from collections.abc import Callable

import pytest

from bench.fleet.placement import Node


@pytest.fixture
def make_node() -> Callable[..., Node]:
    """Return a function that makes a machine."""

    def make(name: str, kind: str = "x", **settings) -> Node:
        defaults = {"node_id": f"id-{name}", "title": f"kind {kind}", "cpus": 4.0, "gpus": 0.0}
        return Node(name=name, kind=kind, **defaults | settings)

    return make
