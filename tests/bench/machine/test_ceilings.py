"""How fast this processor multiplies and copies, measured in a process of its own."""

import json
import os
import sys
from types import SimpleNamespace

import pytest

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


def test_a_process_that_does_not_end_leaves_no_ceilings(monkeypatch):
    """A machine that is busy beyond reason."""
    monkeypatch.setattr(ceilings, "PATIENCE", 0.01)

    assert ceilings.measure(ceilings.Request(copied_bytes=(), stay_on=()), environment={}) is None


def test_the_fastest_of_all_tries_counts(monkeypatch):
    """Whatever disturbs a try makes it slower, and a ceiling is what nothing disturbs."""
    durations = iter([9, 3, *([5] * (ceilings.TRIES - 2))])
    clock = SimpleNamespace(now=0)

    def work():
        clock.now += next(durations) * 1_000_000_000

    monkeypatch.setattr(ceilings, "perf_counter_ns", lambda: clock.now)

    assert 3.0 == ceilings._fastest(work)
    assert next(durations, None) is None


@pytest.mark.parametrize("size", [1, 4, 660_600])
def test_small_arrays_are_copied_again_and_again(monkeypatch, size):
    """A clock could not tell the copy of one number; what is read and what is written both count."""
    monkeypatch.setattr(ceilings, "COPIED_AT_ONCE_BYTES", 1_000_000)
    monkeypatch.setattr(ceilings, "_fastest", lambda copy: copy() or 0.5)
    array_bytes = max(4, size - size % 4)

    assert pytest.approx(2.0 * array_bytes * (1_000_000 // array_bytes) / 0.5) == ceilings._copy(size)


def test_the_process_answers_what_it_was_asked(monkeypatch):
    """On the CPUs that trials stay on."""
    results, write = os.pipe()
    stayed = []
    monkeypatch.setattr(ceilings.cpus, "stay_on", stayed.append)
    monkeypatch.setattr(ceilings, "_matrix_product", lambda: 2e9)
    monkeypatch.setattr(ceilings, "_copy", lambda size: size * 10.0)
    request = json.dumps({"copied_bytes": [3, 5], "stay_on": [1]})
    monkeypatch.setattr(sys, "argv", ["ceilings", request, str(write)])

    ceilings.main()

    os.close(write)
    with os.fdopen(results) as said:
        assert {"operations_per_second": 2e9, "bytes_per_second": {"3": 30.0, "5": 50.0}} == json.load(said)
    assert [[1]] == stayed
