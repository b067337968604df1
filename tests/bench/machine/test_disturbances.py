"""What is said of a machine on which times would not be its own."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.machine.activity import Activity
from bench.machine.disturbances import disturbances
from bench.machine.readings import Readings
from bench.records.busy import BusyProgram

CALM = Readings(
    cores_logical=8,
    cores_physical=4,
    cores_usable=6,
    load_average=0.5,
    steal_percent=0.25,
    memory_total_mebibytes=16000,
    memory_available_mebibytes=9000,
    swap_used_mebibytes=0,
    on_battery=False,
)

CPUS = "sys/devices/system/cpu"


def write(root: Path, files: dict[str, str]) -> Path:
    """Write each text below the root of a fake file tree."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_calm_machine_disturbs_nothing(tmp_path):
    """Limits themselves are still calm."""
    at_limits = replace(CALM, steal_percent=1.0, memory_available_mebibytes=2048)

    assert () == disturbances(environment={}, root=tmp_path, readings=at_limits)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"swap_used_mebibytes": 512},
            "512 MiB of swap are in use, and reading them back takes time; close other programs.",
        ),
        (
            {"memory_available_mebibytes": 2047},
            "Only 2047 MiB of memory are available; close other programs or use --schedule sequential.",
        ),
        (
            {"on_battery": True},
            "The machine runs on battery power, which lowers clock speeds; plug it in.",
        ),
        (
            {"steal_percent": 3.21},
            "Since boot, other guests of this host took 3.2 % of the processor time; use a quieter machine.",
        ),
    ],
)
def test_load_disturbs(tmp_path, change, expected):
    """Each sentence says what is the matter and what to do."""
    assert (expected,) == disturbances(environment={}, root=tmp_path, readings=replace(CALM, **change))


def test_other_programs_disturb_and_are_named(tmp_path):
    """By what they use now; a load average would still count what ended a minute ago."""
    make = BusyProgram(name="make", processes=2, cores=1.5)
    activity = Activity(seconds=1.0, others=1.6, programs=(make,))
    loaded = replace(CALM, load_average=99.0)

    found = disturbances(environment={}, root=tmp_path, readings=loaded, activity=activity)

    who = "Other programs keep 1.6 cores of 6 busy: make (2 processes, 1.5 cores)"
    assert (f"{who}; stop them or wait for them.",) == found


@pytest.mark.parametrize("others", [None, 0.25])
def test_what_a_desktop_does_all_the_time_disturbs_nothing(tmp_path, others):
    """Nor does what cannot be known."""
    activity = Activity(seconds=1.0, others=others, programs=())

    assert () == disturbances(environment={}, root=tmp_path, readings=CALM, activity=activity)


def test_unknown_readings_are_no_disturbance(tmp_path):
    """Nothing is announced that was not read."""
    unknown = replace(CALM, cores_logical=None, cores_usable=None, steal_percent=None, load_average=99.0)
    write(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 100000\n"})

    assert () == disturbances(environment={}, root=tmp_path, readings=unknown)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {f"{CPUS}/cpu0/cpufreq/scaling_governor": "powersave\n"},
            (
                "The CPU governor is powersave, so clock speeds follow the load; "
                "run: sudo cpupower frequency-set --governor performance"
            ),
        ),
        (
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "250000 100000\n"},
            "The cgroup quota allows 2.5 of 6 cores, and threads beyond it are paused; raise it or use --threads 2.",
        ),
        (
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"},
            "The cgroup quota allows 0.5 of 6 cores, and threads beyond it are paused; raise it or use --threads 1.",
        ),
        (
            {f"{CPUS}/intel_pstate/no_turbo": "0\n"},
            "Turbo is on, so clock speeds vary with heat and load: a note only, since rounds average it out.",
        ),
    ],
)
def test_processor_settings_disturb(tmp_path, files, expected):
    """Each sentence says what is the matter and what to do."""
    assert (expected,) == disturbances(environment={}, root=write(tmp_path, files), readings=CALM)


@pytest.mark.parametrize(
    "files",
    [
        {f"{CPUS}/cpu0/cpufreq/scaling_governor": "performance\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "600000 100000\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"},
        {f"{CPUS}/cpufreq/boost": "0\n"},
    ],
)
def test_good_processor_settings_disturb_nothing(tmp_path, files):
    """The performance governor, enough quota and no turbo are what a measurement wants."""
    assert () == disturbances(environment={}, root=write(tmp_path, files), readings=CALM)


@pytest.mark.parametrize("name", ["KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"])
def test_limits_of_keras_disturb(tmp_path, name):
    """Keras reads these variables and then trains less than it is asked to."""
    expected = (f"{name} is set, which makes Keras stop training early; unset it.",)

    assert expected == disturbances(environment={name: "1"}, root=tmp_path, readings=CALM)
