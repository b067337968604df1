"""Which logical CPUs a process is put on, and how it leaves them to others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.machine import cpus


@pytest.fixture
def machine(tmp_path):
    """Return a function that lays out which logical CPUs share a core."""

    def lay_out(*cores):
        for core in cores:
            for cpu in core:
                folder = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/topology"
                folder.mkdir(parents=True)
                (folder / "thread_siblings_list").write_text(",".join(map(str, core)) + "\n")
        return tmp_path

    return lay_out


def test_threads_get_a_core_each_where_logical_cpus_share_them(machine):
    """CPUs 2 and 3 are one core: two threads there would take its turns, and be slower than apart."""
    root = machine((0, 1), (2, 3))

    assert (1, 3) == cpus.apart((0, 1, 2, 3), count=2, root=root)


def test_cores_that_are_numbered_in_two_rows_are_told_apart_too(machine):
    """Most processors of Intel's number the first threads of all cores, then the second ones."""
    root = machine((0, 2), (1, 3))

    assert (2, 3) == cpus.apart((0, 1, 2, 3), count=2, root=root)


def test_more_threads_than_cores_share(machine):
    """The last cores are full then; none is left out."""
    root = machine((0, 1), (2, 3))

    assert (1, 2, 3) == cpus.apart((0, 1, 2, 3), count=3, root=root)


def test_only_what_the_process_may_use_counts(machine):
    """A container that was given one half of a core has that core to itself here."""
    root = machine((0, 1), (2, 3))

    assert (0, 3) == cpus.apart((0, 3), count=2, root=root)


def test_without_word_of_cores_the_last_ones_are_taken(tmp_path):
    """As on systems that do not say which logical CPUs share a core."""
    assert (2, 3) == cpus.apart((0, 1, 2, 3), count=2, root=tmp_path)


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="this system has no such policy")
def test_every_thread_of_a_process_that_steps_aside_runs_when_nobody_else_wants_to():
    """That of a real process with two; it goes on, and others are as they were."""
    script = "import sys, threading as t; t.Thread(target=sys.stdin.read).start(); print('begun', flush=True)"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        before = [os.sched_getscheduler(int(task.name)) for task in Path(f"/proc/{process.pid}/task").iterdir()]

        cpus.step_aside(process.pid)

        after = [os.sched_getscheduler(int(task.name)) for task in Path(f"/proc/{process.pid}/task").iterdir()]
        process.stdin.close()

    assert 0 == process.returncode
    assert [os.SCHED_OTHER] * 2 == before
    assert [os.SCHED_IDLE] * 2 == after
    assert os.SCHED_OTHER == os.sched_getscheduler(0)


def test_a_process_that_is_gone_need_not_step_aside():
    """It may have ended since it was found."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    cpus.step_aside(process.pid)
