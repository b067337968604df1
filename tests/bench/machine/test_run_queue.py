"""How long threads waited for a processor, from a fake file tree and from this process."""

import time

import pytest

from bench.machine import run_queue


@pytest.fixture
def tasks(tmp_path):
    """Return a function that writes what threads have waited, and the folder."""

    def write(**threads):
        for name, text in threads.items():
            (tmp_path / name.lstrip("_")).mkdir(exist_ok=True)
            (tmp_path / name.lstrip("_") / "schedstat").write_text(text)
        return tmp_path

    return write


def test_all_threads_count_and_new_ones_from_their_beginning(tasks):
    """OpenMP starts its threads when it needs them."""
    before = run_queue.read(tasks(_7="100 2000000 5\n"))
    after = run_queue.read(tasks(_7="900 3000000 9\n", _8="50 500000 2\n"))

    assert 0.0015 == run_queue.between(before, after)


def test_a_thread_that_has_ended_takes_nothing_back(tasks):
    """What it waited is lost, and no time is negative."""
    before = run_queue.read(tasks(_7="100 2000000 5\n", _8="50 9000000 2\n"))

    assert 0.0 == run_queue.between(before, {"7": 2_000_000})


@pytest.mark.parametrize("text", ["0 0 0\n", "", "nonsense\n"], ids=["not counted", "empty", "unreadable"])
def test_what_is_not_counted_is_not_zero(tasks, text):
    """Some kernels write zeros, some sandboxes nothing."""
    assert run_queue.read(tasks(_7=text)) is None


def test_other_systems_have_no_such_file(tmp_path):
    """Nor an error."""
    assert run_queue.read(tmp_path / "nowhere") is None
    assert run_queue.between(None, {"7": 1}) is None


def test_sleeping_is_no_waiting():
    """A loop that waits for its input has lost nothing: shown with the real counters."""
    before = run_queue.read()
    if before is None:
        pytest.skip("this system does not count")

    time.sleep(0.1)

    waited = run_queue.between(before, run_queue.read())
    assert waited is not None
    assert waited < 0.05
