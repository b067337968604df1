"""However a command ends, it says so in one line and with a documented code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENTED = {0, 1, 2, 3, 4, 5, 70, 130}
BROKEN = """
import bench.cli.listing
def broken(*args, **options):
    raise {error}
bench.cli.listing.render = broken
from bench.cli.main import main
main(["list", "loops"], prog_name="bench")
"""


def shell(session, command):
    """Run a command line by a shell, `bench` as it is here."""
    done = subprocess.run(
        ["bash", "-c", command.replace("bench", f"{sys.executable} -m bench")],
        cwd=session.folder,
        env=session.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def broken(session, error, **variables):
    """Run a command in which something is raised that nobody expects."""
    return subprocess.run(
        [sys.executable, "-c", BROKEN.format(error=error)],
        cwd=session.folder,
        env=session.environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("bench list workloads > /dev/full", 2, "standard output: cannot be written (No space left on device); free"),
        ("bench --help > /dev/full", 2, "standard output: cannot be written (No space left on device); free"),
        ("bench list workloads >&-", 2, "standard output: cannot be written (Bad file descriptor); it was closed"),
        ("bench list workloads 2>&- <&- > out.txt", 0, ""),
        ("bench list nothing 2> /dev/full", 2, ""),
        ("bench list nothing <&- >&- 2>&-", 2, ""),
        ("bench list loops | head -c 1 > out.txt; exit ${PIPESTATUS[0]}", 0, ""),
        ("_BENCH_COMPLETE=nonsense bench", 2, ""),
        ("PYTHONIOENCODING=ascii bench list workloads > out.txt", 0, ""),
    ],
)
def test_streams_that_cannot_be_written_are_said_in_one_line(session, command, code, words):
    """Full, closed, or cut off by a reader that has had enough, which is no error."""
    done = shell(session, command)

    assert code == done.returncode, done.stderr
    assert words in done.stderr
    assert (1 if words else 0) == len(done.stderr.splitlines())


def test_a_fault_of_bench_itself_is_one_line_and_a_log(session):
    """The traceback is for a report of it, not for the terminal."""
    done = broken(session, "ZeroDivisionError('two\\nlines')", BENCH_CACHE_DIR=str(session.folder / "cache"))

    (line,) = done.stderr.splitlines()
    assert (70, "") == (done.returncode, done.stdout)
    assert line.startswith("Error: a fault of bench itself, ZeroDivisionError: two lines; its log")
    log = Path(line.rpartition(": ")[2])
    assert session.folder / "cache" / "faults" == log.parent
    assert "ZeroDivisionError" in log.read_text()
    assert "line 4, in broken" in log.read_text()


def test_a_log_that_cannot_be_written_is_no_second_fault(session):
    """It goes to the folder for temporary files then."""
    (session.folder / "cache").write_text("a file")

    done = broken(
        session, "ZeroDivisionError", BENCH_CACHE_DIR=str(session.folder / "cache"), TMPDIR=str(session.folder)
    )

    assert (70, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert Path(done.stderr.strip().rpartition(": ")[2]).parent == session.folder


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ("OSError(28, 'No space left on device', 'results/x')", 2, "results/x: No space left on device; free some"),
        ("PermissionError(13, 'Permission denied', 'a')", 2, "a: Permission denied; you lack the permission"),
        ("OSError('no number')", 2, "the system: no number; choose another place"),
        ("KeyboardInterrupt", 130, "Interrupted."),
        ("EOFError", 130, "Interrupted."),
        ("MemoryError", 70, "a fault of bench itself, MemoryError; its log"),
        ("__import__('click').FileError('x', hint='gone')", 2, "x"),
        ("__import__('click').ClickException('\\x1b[31mred')", 2, "red"),
    ],
)
def test_whatever_is_raised_ends_in_a_documented_code(session, error, code, words):
    """1 is kept for a confirmed regression and nothing else."""
    done = broken(session, error)

    assert code == done.returncode, done.stderr
    assert code in DOCUMENTED
    assert words in done.stderr
    assert not {"Traceback", "\x1b"} & set(done.stderr.split())


@pytest.mark.parametrize("name", [b"caf\xe9", b"\x1b]0;title\x07", b"two\nlines"])
def test_names_of_the_command_line_are_shown_harmlessly(session, name):
    """An error names them; a terminal must not obey them."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", "toy", os.fsdecode(name)],
        cwd=session.folder,
        env=session.environment,
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert (2, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert not set(b"\x1b\x07") & set(done.stderr)
