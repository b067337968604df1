"""What can be read of a machine now."""

from collections import namedtuple

import psutil
import pytest

from bench.machine.readings import read_now


def test_this_machine_can_be_read():
    """A real machine has cores and memory."""
    now = read_now()

    assert (True, True) == (
        0 < (now.cores_usable or 0),
        0 < now.memory_available_mebibytes < now.memory_total_mebibytes,
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({"user": 60.0, "idle": 39.0, "steal": 1.0}, 1.0), ({"user": 0.0, "steal": 0.0}, None), ({"user": 9.0}, None)],
)
def test_steal_is_a_share_of_all_processor_time(monkeypatch, fields, expected):
    """Systems that do not count it, or count nothing, give none."""
    times = namedtuple("times", fields)(**fields)  # noqa: PYI024 - psutil gives one too
    monkeypatch.setattr(psutil, "cpu_times", lambda: times)

    assert expected == read_now().steal_percent


@pytest.mark.parametrize(
    ("power_plugged", "expected"),
    [(False, True), (True, False), (None, False)],
)
def test_battery_counts_only_when_it_is_in_use(monkeypatch, power_plugged, expected):
    """An unknown power source is not called a battery."""
    battery = namedtuple("battery", ["power_plugged"])(power_plugged)  # noqa: PYI024 - psutil gives one too
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery)

    assert expected == read_now().on_battery


def test_hidden_power_supplies_are_no_battery(monkeypatch):
    """Some containers hide the folder that psutil lists."""

    def hidden() -> None:
        raise FileNotFoundError

    monkeypatch.setattr(psutil, "sensors_battery", hidden)

    assert not read_now().on_battery
