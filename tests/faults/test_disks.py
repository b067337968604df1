"""Every writer against every way in which a disk can refuse: one line, exit code 2, and the old file as it was."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STORED = Path(__file__).resolve().parent.parent.parent / "results" / "reference" / "default" / "journal.jsonl"


def _unwritable(place):
    """Make a folder of which the system says that it is read-only, where it can be made so."""
    place.mkdir()
    mount(place, "ro,size=64k")


def _full(place):
    """Make a disk with room for a few kilobytes."""
    place.mkdir()
    mount(place, "size=16k")


def _no_inodes(place):
    """Make a disk with room for no further file."""
    place.mkdir()
    mount(place, "size=64m,nr_inodes=1")


WAYS = {
    "a file": lambda place: place.write_text("a file"),
    "a dangling link": lambda place: place.symlink_to("nowhere/at/all"),
    "a link loop": lambda place: place.symlink_to(place),
    "read-only": _unwritable,
    "full": _full,
    "no inodes": _no_inodes,
}
_mounted: list[Path] = []


def mount(place, options):
    """Mount a small disk in memory; skip the test where that is not allowed."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    _mounted.append(place)


@pytest.fixture
def unmount():
    """Unmount whatever a test has mounted."""
    yield
    while _mounted:
        subprocess.run(["umount", "--lazy", _mounted.pop()], check=False)


@pytest.fixture
def stored(session):
    """Return a session with one stored run."""
    folder = session.folder / "results" / "20260101"
    folder.mkdir(parents=True)
    shutil.copy(STORED, folder)
    return session


def assert_refused(done, place):
    """One line with the path and a way out, exit code 2."""
    around = ("warning: ", "note: ", "round ", "Usage: ", "Try ")
    lines = [line for line in done.err.splitlines() if line and not line.startswith(around)]
    assert 2 == done.code, done.err
    assert "Traceback" not in done.err
    assert 1 == len(lines), done.err
    assert str(place) in lines[0]
    assert "; " in lines[0] or ". Set " in lines[0] or "Usage: " in done.err


@pytest.mark.usefixtures("unmount")
@pytest.mark.parametrize("way", WAYS)
def test_reports_on_a_disk_that_refuses(stored, way):
    """No half of a page is left."""
    place = stored.folder / "pages"
    WAYS[way](place)

    done = stored.bench("report", "20260101", "--reports-dir", "pages")

    assert_refused(done, "pages")
    if place.is_dir():
        assert [] == [path for path in place.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("unmount")
@pytest.mark.parametrize("way", WAYS)
def test_results_on_a_disk_that_refuses(session, way):
    """No run that cannot be read is left."""
    place = session.folder / "runs"
    WAYS[way](place)

    done = session.bench("run", "toy", "--results-dir", "runs", "--no-report")

    assert_refused(done, "runs")
    if way != "full" and place.is_dir():
        assert [] == list(place.iterdir())


@pytest.mark.usefixtures("unmount")
@pytest.mark.parametrize("way", [*WAYS, "missing"])
def test_an_export_to_a_disk_that_refuses_keeps_the_old_file(stored, way):
    """`--force` replaces a file by a whole one or not at all."""
    place = stored.folder / "exports"
    if way == "full":
        place.mkdir()
        mount(place, "size=16k")
        (place / "base.json").write_text("old")
    elif way != "missing":
        WAYS[way](place)

    done = stored.bench("export", "20260101", "--to", "pytest-benchmark", "-o", "exports/base.json", "--force")

    assert_refused(done, "exports/base.json")
    if way == "full":
        assert ["base.json"] == [path.name for path in place.iterdir()]
        assert "old" == (place / "base.json").read_text()


@pytest.mark.usefixtures("unmount")
@pytest.mark.parametrize("way", WAYS)
def test_a_cache_on_a_disk_that_refuses(session, way):
    """The data cannot be decoded, so nothing is measured."""
    place = session.folder / "cache"
    WAYS[way](place)

    done = session.bench("run", "toy", "--no-report", BENCH_CACHE_DIR=str(place))

    assert_refused(done, place)


@pytest.mark.usefixtures("unmount")
@pytest.mark.parametrize("way", ["read-only", "full", "no inodes"])
def test_a_run_on_a_disk_that_refuses_is_not_gone_on_with(stored, way):
    """Its journal stays as it was, to the byte."""
    content = STORED.read_bytes()
    place = stored.folder / "runs"
    place.mkdir()
    mount(place, {"full": "size=232k", "no inodes": "size=64m,nr_inodes=4"}.get(way, "size=64m"))
    (place / "one").mkdir()
    (place / "one" / "journal.jsonl").write_bytes(content)
    if way == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)

    done = stored.bench("run", "--resume", "one", "--results-dir", "runs", "--no-report", BENCH_DATASET="")

    assert (2, False) == (done.code, "Traceback" in done.err), done.err
    assert content == (place / "one" / "journal.jsonl").read_bytes()


@pytest.mark.parametrize("kilobytes", [1, 2, 3, 4, 6, 8, 12, 16, 24, 32])
def test_a_run_whose_files_may_not_grow_ends_in_one_line_and_goes_on_later(session, kilobytes):
    """Wherever the disk is full, in journal, log or table: what is stored can be read, and the run can be finished."""
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f {kilobytes}; exec {sys.executable} -m bench run toy toy-slow --no-report"],
        cwd=session.folder,
        env=session.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode in {0, 2, 5}, done.stderr
    assert "Traceback" not in done.stderr
    left = list((session.folder / "results").glob("*/journal.jsonl"))
    if done.returncode == 2 and left:
        again = session.bench("run", "--resume", left[0].parent.name, "--no-report")
        assert 0 == again.code, again.err
        assert 4 == len(session.run().trials)
    assert [] == list(session.folder.rglob(".partial-*"))


@pytest.mark.parametrize("cut", [1, 17, 2000, 30_000])
def test_a_journal_that_lost_its_end_is_finished(session, cut):
    """By lost power or a full disk; nothing that was whole is measured again, nothing is torn for ever."""
    first = session.bench("run", "toy", "toy-slow", "--no-report", "--rounds", "3")
    (journal,) = (session.folder / "results").glob("*/journal.jsonl")
    content = journal.read_bytes()
    kept = content[: max(content.find(b"\n") + 1, len(content) - cut)]
    journal.write_bytes(kept)

    done = session.bench("run", "--resume", journal.parent.name, "--no-report")

    assert (0, 0) == (first.code, done.code), done.err
    assert 6 == len(session.run().trials)
    assert journal.read_bytes().startswith(kept[: kept.rfind(b"\n") + 1])


def test_two_that_go_on_with_one_run_write_each_row_once(session):
    """One of them is told which process goes on."""
    session.bench("run", "toy", "toy-slow", "--no-report", "--rounds", "3")
    (journal,) = (session.folder / "results").glob("*/journal.jsonl")
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:2]))

    both = [session.start("run", "--resume", journal.parent.name, "--no-report") for _ in range(3)]
    told = [(process, process.communicate(timeout=300)[1]) for process in both]

    assert 0 in {process.returncode for process, _ in told}
    assert 6 == len(session.run().trials)
    for process, text in told:
        assert process.returncode == 0 or "is writing to this run" in text
