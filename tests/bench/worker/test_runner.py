"""How a trial's process tells of its failure; the rest of it is tested in real processes."""

import json
import subprocess
import sys

import pytest

from bench.worker import failure, runner
from loops import user_file


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Return a folder with a user's loop that fails in a model of the user's, both registered."""
    (tmp_path / "my_model.py").write_text("def forward(x):\n    return 1 / x\n")
    (tmp_path / "my_loop.py").write_text("def step(forward):\n    return forward(0)\n")
    paths = [str(tmp_path / name) for name in ("my_model.py", "my_loop.py")]
    monkeypatch.setenv(failure.FILES_VARIABLE, json.dumps(paths))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_error_is_told_with_the_users_line_nearest_to_it(files):
    """The loop called the model, and the model failed."""
    model, loop = (user_file.load(str(files / name)) for name in ("my_model.py", "my_loop.py"))

    with pytest.raises(ZeroDivisionError) as caught:
        loop.step(model.forward)

    assert "ZeroDivisionError: division by zero (my_model.py, line 2)" == failure.told(caught.value)


def test_what_tensorflow_tells_of_a_graph_is_made_one_line(files):
    """Its traceback stands in the message, and what was raised at the end."""
    message = (
        f'in user code:\n\n    File "{files}/my_model.py", line 2, in forward  *\n\n    ValueError: too many values\n'
    )

    assert "ValueError: too many values (my_model.py, line 2)" == failure.told(ValueError(message))


def test_a_trial_starts_with_numpy_and_nothing_else_of_others():
    """What a process imports before its clock starts still costs start-up and memory, and may not be there at all."""
    code = "import bench.worker.runner, sys; print(*sorted(name for name in sys.modules if '.' not in name))"

    started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "numpy" in started
    assert not {"scipy", "pandas", "matplotlib", "keras", "msgspec", "click", "rich", "psutil"} & set(started)


def test_an_error_of_ours_has_no_place():
    """Nor has one without words."""
    assert ("KeyError: 'x'", "MemoryError") == (failure.told(KeyError("x")), failure.told(MemoryError()))


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
