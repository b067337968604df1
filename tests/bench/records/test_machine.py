"""What makes it another machine, and what does not."""

import pytest

from bench.records.machine import NAME, machine_of

PASSPORT = {
    "cpu model": "AMD EPYC",
    "cpu cores logical": "4",
    "cpu cores usable": "2",
    "cgroup cpu quota": "none",
    "memory total MiB": "24105",
    "operating system": "Debian GNU/Linux 12 (bookworm)",
    "gpu 0 name": "NVIDIA H100",
    "load average 1 min": "0.1",
}


def test_a_machine_is_told_in_words():
    """Its name, or what it is."""
    machine = machine_of(PASSPORT)

    assert ("AMD EPYC, 2 of 4 cores", 24, ("NVIDIA H100",)) == (
        machine.title,
        machine.memory_gibibytes,
        machine.accelerators,
    )
    assert "box" == machine_of(PASSPORT | {NAME: "box"}).title


@pytest.mark.parametrize("change", [{"load average 1 min": "9"}, {"memory total MiB": "24100"}, {NAME: "box"}])
def test_what_passes_leaves_the_fingerprint_alone(change):
    """Load, a few MiB that a kernel keeps, a name."""
    assert machine_of(PASSPORT).fingerprint == machine_of(PASSPORT | change).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"cpu model": "Intel"},
        {"cpu cores usable": "4"},
        {"cgroup cpu quota": "1.5 cores"},
        {"memory total MiB": "8000"},
        {"gpu 0 name": "NVIDIA A100"},
        {"operating system": "Debian GNU/Linux 13 (trixie)"},
    ],
)
def test_another_machine_has_another_fingerprint(change):
    """Processor, cores, memory, accelerators, operating system."""
    assert machine_of(PASSPORT).fingerprint != machine_of(PASSPORT | change).fingerprint


def test_a_passport_without_facts_is_a_machine_too():
    """Of which nothing is known."""
    assert "unknown, unknown cores" == machine_of({}).title
