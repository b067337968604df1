"""What a trial's process imports, and how it lets go of the processor; the rest of it is tested in real processes."""

import subprocess
import sys

import pytest

from bench.worker import runner


def test_a_trial_starts_with_numpy_and_nothing_else_of_others():
    """What a process imports before its clock starts still costs start-up and memory, and may not be there at all."""
    code = "import bench.worker.runner, sys; print(*sorted(name for name in sys.modules if '.' not in name))"

    started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "numpy" in started
    assert not {"scipy", "pandas", "matplotlib", "keras", "msgspec", "click", "rich", "psutil"} & set(started)


class Processor:
    """A clock that only sleeping moves, and a process of which one thread spins for a while."""

    def __init__(self, *, spins_for):
        """Begin at zero."""
        self.now, self.spins_for = 0, spins_for

    def sleep(self, seconds):
        """Let time pass."""
        self.now += int(seconds * 1e9)

    def used(self):
        """Return nanoseconds of processor time so far."""
        return min(self.now, int(self.spins_for * 1e9))


@pytest.mark.parametrize(("spins_for", "waited"), [(0.0, 0.01), (0.1, 0.11), (60.0, 0.5)])
def test_a_process_hands_over_when_its_threads_have_gone_to_sleep(monkeypatch, spins_for, waited):
    """OpenBLAS' threads spin for a tenth of a second; one that never stops is not waited for."""
    processor = Processor(spins_for=spins_for)
    monkeypatch.setattr(runner, "sleep", processor.sleep)
    monkeypatch.setattr(runner, "perf_counter_ns", lambda: processor.now)
    monkeypatch.setattr(runner, "process_time_ns", processor.used)

    runner.rest()

    assert pytest.approx(waited) == processor.now / 1e9
