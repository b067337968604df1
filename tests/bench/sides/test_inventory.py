"""What a side says of its loops, whose registry may be that of an older commit."""

from dataclasses import make_dataclass, replace

import pytest

from bench.records.cell import Side
from bench.records.trial import FailureKind
from bench.sides import inventory

SIDE = Side(name="A", description="ref=HEAD~1")


def test_a_registry_that_knows_nothing_of_needs_is_understood(monkeypatch):
    """It was written before loops could say what they need; comparing with such a commit goes on."""
    known = inventory.registry.describe_loop("numpy")
    fields = ("name", "target", "summary", "backend", "kind", "sha256")
    then = make_dataclass("Description", fields)(*(getattr(known, field) for field in fields))
    monkeypatch.setattr(inventory.registry, "describe_loop", lambda *_, **__: then)

    found = inventory._describe("numpy", "mnist-mlp")

    assert (None, None, False) == (found.missing, found.framework, found.needs_gpu)
    assert known.sha256 == found.loop_sha256


@pytest.mark.parametrize(("device", "reason"), [("cpu", "side A (ref=HEAD~1): it needs a GPU"), ("gpu", None)])
def test_a_loop_for_gpus_is_a_row_with_its_reason_on_a_cpu(make_cell, device, reason):
    """No process is started to find that out."""
    found = inventory.Found(loop="a", workload="mnist-mlp", needs_gpu=True)

    row = inventory.row(replace(make_cell("a"), device=device), found, side=SIDE, ask_framework=True)

    assert reason == (row and row.failure.message)
    assert row is None or row.failure.kind is FailureKind.UNAVAILABLE
