"""Nodes that accelerators have, and what their driver says of them, from a fake `pynvml`."""

import subprocess
import sys
from dataclasses import dataclass, field
from threading import Event
from types import SimpleNamespace

import pynvml
import pytest

from bench.machine import gpu
from bench.machine.gpu import has_accelerator_node
from bench.records.stored_run import AcceleratorState


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


UNKNOWN = None
"""What a GPU does not tell."""


@dataclass(kw_only=True)
class Gpu:
    """What a GPU tells its driver, in the driver's units."""

    name: str | None = "NVIDIA H200"
    memory: int | None = 143771 * 2**20 + 1
    milliwatts: int | None = 700_000
    clock: int | None = 1980
    temperature: int | None = 45
    persistence: int | None = 1
    partitions: list[int] | None = field(default_factory=lambda: [0, 0])
    event_reasons: int | None = 0
    throttle_reasons: int | None = UNKNOWN


class Driver:
    """`pynvml`'s functions, on GPUs that are told what to say."""

    NVMLError = pynvml.NVMLError
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU
    NVML_CLOCK_SM = pynvml.NVML_CLOCK_SM
    NVML_FEATURE_ENABLED = pynvml.NVML_FEATURE_ENABLED
    NVML_FEATURE_DISABLED = pynvml.NVML_FEATURE_DISABLED

    def __init__(self, *gpus):
        """Know these, where None stands for one that is lost."""
        self.gpus = gpus
        self.open = 0

    def nvmlInit(self):  # noqa: N802
        self.open += 1

    def nvmlShutdown(self):  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self):  # noqa: N802
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return self._told(self.gpus[index], pynvml.NVML_ERROR_GPU_IS_LOST)

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return "570.86"

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return self._told(handle.name)

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        return SimpleNamespace(total=self._told(handle.memory))

    def nvmlDeviceGetPowerManagementLimit(self, handle):  # noqa: N802
        return self._told(handle.milliwatts)

    def nvmlDeviceGetClockInfo(self, handle, kind):  # noqa: N802
        assert pynvml.NVML_CLOCK_SM == kind
        return self._told(handle.clock)

    def nvmlDeviceGetTemperature(self, handle, sensor):  # noqa: N802
        assert pynvml.NVML_TEMPERATURE_GPU == sensor
        return self._told(handle.temperature)

    def nvmlDeviceGetPersistenceMode(self, handle):  # noqa: N802
        return self._told(handle.persistence)

    def nvmlDeviceGetMigMode(self, handle):  # noqa: N802
        return self._told(handle.partitions)

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle):  # noqa: N802
        return self._told(handle.event_reasons, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):  # noqa: N802
        return self._told(handle.throttle_reasons)

    def _told(self, value, error=pynvml.NVML_ERROR_NOT_SUPPORTED):
        assert self.open, "asked before it was opened"
        if value is UNKNOWN:
            raise pynvml.NVMLError(error)
        return value


@pytest.fixture
def driven_by(tmp_path, monkeypatch):
    """Return a function that puts a driver in the place of `pynvml`, and returns the root of a tree with a node."""

    def put(driver):
        monkeypatch.setitem(sys.modules, "pynvml", driver)
        return with_node(tmp_path, "dev/nvidia0")

    return put


def test_clock_temperature_and_what_slows_a_gpu_down(driven_by):
    """A mask of reasons; that it is idle, or that somebody set its clock, is none of them."""
    driver = Driver(
        Gpu(), Gpu(clock=1410, temperature=88, event_reasons=0x24), Gpu(clock=345, temperature=UNKNOWN, event_reasons=3)
    )

    found = gpu.accelerators(root=driven_by(driver))

    assert [
        AcceleratorState(index=0, megahertz=1980.0, celsius=45.0, slowed_by=()),
        AcceleratorState(
            index=1, megahertz=1410.0, celsius=88.0, slowed_by=("power limit", "software thermal slowdown")
        ),
        AcceleratorState(index=2, megahertz=345.0, celsius=None, slowed_by=()),
    ] == list(found)
    assert 0 == driver.open


def test_a_gpu_that_is_lost_or_has_no_clock_leaves_the_others_theirs(driven_by):
    """One has fallen off the bus, one is a partition; numbers stay those of the driver."""
    driver = Driver(UNKNOWN, Gpu(clock=UNKNOWN), Gpu(event_reasons=UNKNOWN))

    found = gpu.accelerators(root=driven_by(driver))

    assert (AcceleratorState(index=2, megahertz=1980.0, celsius=45.0, slowed_by=()),) == found
    assert 0 == driver.open


def test_an_older_driver_is_asked_by_the_older_name(driven_by):
    """Before 535 it lacks the function of the newer one."""
    driver = Driver(Gpu(event_reasons=UNKNOWN, throttle_reasons=0x08))

    (found,) = gpu.accelerators(root=driven_by(driver))

    assert ("hardware slowdown",) == found.slowed_by


def test_the_reasons_are_those_of_the_library():
    """Bit by bit."""
    reasons = {
        "SwPowerCap": "power limit",
        "HwSlowdown": "hardware slowdown",
        "SyncBoost": "sync boost",
        "SwThermalSlowdown": "software thermal slowdown",
        "HwThermalSlowdown": "hardware thermal slowdown",
        "HwPowerBrakeSlowdown": "power brake",
    }

    assert {getattr(pynvml, f"nvmlClocksEventReason{name}"): word for name, word in reasons.items()} == gpu._SLOWED_BY


def test_each_gpu_has_its_facts(driven_by):
    """What a GPU does not tell is left out, and the others keep their numbers."""
    tesla = Gpu(
        name="Tesla T4",
        memory=15360 * 2**20,
        milliwatts=70_000,
        clock=300,
        temperature=40,
        persistence=0,
        partitions=UNKNOWN,
    )

    facts = gpu.facts(root=driven_by(Driver(Gpu(), UNKNOWN, tesla)))

    assert {
        "gpu 0 name": "NVIDIA H200",
        "gpu 0 driver version": "570.86",
        "gpu 0 memory total MiB": "143771",
        "gpu 0 power limit W": "700.00",
        "gpu 0 SM clock MHz": "1980",
        "gpu 0 temperature Celsius": "45",
        "gpu 0 persistence mode": "Enabled",
        "gpu 0 MIG mode": "Disabled",
        "gpu 2 name": "Tesla T4",
        "gpu 2 driver version": "570.86",
        "gpu 2 memory total MiB": "15360",
        "gpu 2 power limit W": "70.00",
        "gpu 2 SM clock MHz": "300",
        "gpu 2 temperature Celsius": "40",
        "gpu 2 persistence mode": "Disabled",
    } == facts


def test_the_fake_has_only_what_the_library_has():
    """Every name that is asked of it, in the version that is installed."""
    assert [] == [name for name in vars(Driver) if name.lower().startswith("nvml") and not hasattr(pynvml, name)]


def test_without_a_driver_nothing_is_said_of_gpus(tmp_path):
    """A node may be left behind, or the driver be another's; the real library says so."""
    if gpu.has_accelerator_node():
        pytest.skip("this machine has an accelerator")
    root = with_node(tmp_path, "dev/nvidia0")

    assert ((), {}) == (gpu.accelerators(root=root), gpu.facts(root=root))


def test_without_the_library_nothing_is_said_of_gpus(driven_by):
    """No error: it may have been taken out."""
    root = driven_by(None)

    assert ((), {}) == (gpu.accelerators(root=root), gpu.facts(root=root))


def test_a_hanging_driver_is_given_up(driven_by, monkeypatch):
    """A GPU that fell off the bus must not hold up the run."""
    monkeypatch.setattr(gpu, "_PATIENCE", 0.01)
    answer = Event()

    class Hanging(Driver):
        def nvmlInit(self):  # noqa: N802
            answer.wait(60)
            super().nvmlInit()

    assert () == gpu.accelerators(root=driven_by(Hanging(Gpu())))
    answer.set()


def test_without_a_node_the_library_is_not_loaded(tmp_path):
    """It would take its time at every start."""
    code = (
        "import sys; from pathlib import Path; import bench.cli.main; from bench.machine import gpu;"
        f"gpu.facts(root=Path({str(tmp_path)!r})); gpu.accelerators(root=Path({str(tmp_path)!r}));"
        "print('pynvml' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == done.stdout.strip()
