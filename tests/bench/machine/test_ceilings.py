"""How fast this processor multiplies and copies, measured in a process of its own."""

from bench.machine import ceilings
from bench.sides.launcher import Launcher


def test_ceilings_are_measured_in_a_process_of_their_own():
    """A processor of this century does more than a billion operations a second, and none a thousand trillion."""
    with Launcher(interpreters={}, environment={}) as launcher:
        environment = launcher.environment(backend="numpy", device="cpu", threads=1)
    found = ceilings.measure(ceilings.Request(copied_bytes=(660_600,), stay_on=()), environment=environment)

    assert found is not None
    assert 1e9 < found.operations_per_second < 1e15
    assert 1e8 < found.bytes_per_second[660_600] < 1e13


def test_without_an_answer_there_is_no_floor(monkeypatch):
    """A report goes without it; nothing else depends on it."""
    monkeypatch.setattr(ceilings.sys, "executable", "/bin/false")

    assert ceilings.measure(ceilings.Request(copied_bytes=(), stay_on=()), environment={}) is None
