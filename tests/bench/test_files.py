"""Files are written whole or not at all, whatever the disk says and whoever else writes."""

import fcntl
import multiprocessing
import os
import resource
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import files
from bench.errors import FileTrouble, UsageError


@contextmanager
def no_file_beyond(limit):
    """Have the system refuse to let files grow beyond so many bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder):
    """Return what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path):
    """Whoever made it private does not find it open to all."""
    path = tmp_path / "page.html"
    path.write_text("old")
    path.chmod(0o600)

    files.write_whole(path, b"new")

    assert (b"new", 0o600, ["page.html"]) == (path.read_bytes(), stat.S_IMODE(path.stat().st_mode), names(tmp_path))


def test_a_disk_that_is_full_half_way_keeps_the_old_file(tmp_path):
    """And nothing else: no half of the new one under any name."""
    path = tmp_path / "base.json"
    path.write_text("old")

    with (
        no_file_beyond(1000),
        pytest.raises(FileTrouble, match=r"base\.json: cannot be written \(File too large\); .*"),
    ):
        files.write_whole(path, b"x" * 5000)

    assert ("old", ["base.json"]) == (path.read_text(), names(tmp_path))


def test_of_several_files_none_is_changed_when_one_does_not_fit(tmp_path):
    """A page and its plots belong together."""
    files.write_all(tmp_path, {"plot.svg": b"old plot", "index.html": b"old page"})

    with no_file_beyond(1000), pytest.raises(FileTrouble, match=r"index\.html: cannot be written"):
        files.write_all(tmp_path, {"plot.svg": b"new plot", "index.html": b"x" * 5000})

    assert ["index.html", "plot.svg"] == names(tmp_path)
    assert (b"old plot", b"old page") == ((tmp_path / "plot.svg").read_bytes(), (tmp_path / "index.html").read_bytes())


def test_a_file_that_is_there_is_overwritten_only_when_asked(tmp_path):
    """A link that leads nowhere counts as well."""
    path, link = tmp_path / "base.json", tmp_path / "link.json"
    path.write_text("old")
    link.symlink_to(tmp_path / "nothing")

    for taken in (path, link):
        with pytest.raises(FileExistsError):
            files.write_whole(taken, b"new", overwrite=False)
    files.write_whole(tmp_path / "free.json", b"new", overwrite=False)

    assert ("old", b"new") == (path.read_text(), (tmp_path / "free.json").read_bytes())
    assert ["base.json", "free.json", "link.json"] == names(tmp_path)


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path):
    """As writing into it would do."""
    (tmp_path / "far").mkdir()
    link = tmp_path / "near.json"
    link.symlink_to(tmp_path / "far" / "real.json")

    files.write_whole(link, b"new")

    assert (True, b"new") == (link.is_symlink(), (tmp_path / "far" / "real.json").read_bytes())


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda path: path.mkdir(), "a folder stands where the file should be"),
        (lambda path: path.symlink_to(path), "links lead in a circle"),
        (lambda path: path.symlink_to(path.parent / "no" / "where"), "a folder on the way is not there"),
    ],
)
def test_what_stands_in_the_way_of_a_file_is_named(tmp_path, prepare, words):
    """One line with the path, the system's reason and a way out; no traceback, nothing left behind."""
    path = tmp_path / "base.json"
    prepare(path)

    with pytest.raises(FileTrouble, match=words) as caught:
        files.write_whole(path, b"new")

    assert str(caught.value).startswith(f"{path}: cannot be written (")
    assert ["base.json"] == names(tmp_path)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda path: path.write_text("a file"), "a file or a link"),
        (lambda path: path.symlink_to("nowhere"), "a file or a link"),
        (lambda path: path.symlink_to(path), "cannot be made"),
    ],
)
def test_what_stands_in_the_way_of_a_folder_is_named(tmp_path, prepare, words):
    """Reports are written below it."""
    folder = tmp_path / "reports"
    prepare(folder)

    with pytest.raises(FileTrouble, match=words):
        files.write_all(folder, {"index.html": b"page"})


def test_a_device_is_written_as_it_is():
    """`-o /dev/full` is refused by the system, not replaced by a file."""
    with pytest.raises(FileTrouble, match=r"/dev/full: cannot be written \(No space left on device\)"):
        files.write_whole(Path("/dev/full"), b"new")

    assert Path("/dev/full").is_char_device()


def _write_often(path, content):
    """Write the same content again and again, in a process of its own."""
    for _ in range(60):
        files.write_whole(path, content)


def test_writers_at_the_same_time_never_mix(tmp_path):
    """Every read finds one writer's content as a whole, and nothing else is left in the end."""
    path = tmp_path / "verdict.json"
    files.write_whole(path, b"a" * 20_000)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_often, args=(path, letter * 20_000)) for letter in (b"a", b"b", b"c")]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        content = path.read_bytes()
        seen.add((len(content), len(set(content))))
    for writer in writers:
        writer.join()

    assert {(20_000, 1)} == seen
    assert [0, 0, 0] == [writer.exitcode for writer in writers]
    assert ["verdict.json"] == names(tmp_path)


@pytest.fixture
def sweep_in_between(monkeypatch):
    """Have another process' sweep take the first lock that anybody wants, and remove what it locked.

    At once, for whoever waits for that lock; after the next look at whether it is there, for whoever does not.
    """
    real_flock, real_exists, doomed = fcntl.flock, Path.exists, []

    def remove():
        path = doomed[0]
        (path.rmdir if path.is_dir() else path.unlink)()

    def flock(file, operation):
        if not doomed:
            doomed.append(Path(f"/proc/self/fd/{file if isinstance(file, int) else file.fileno()}").readlink())
            if operation & fcntl.LOCK_NB:
                raise BlockingIOError
            remove()
        real_flock(file, operation)

    def exists(path):
        found = real_exists(path)
        if found and path in doomed:
            remove()
        return found

    monkeypatch.setattr(files.fcntl, "flock", flock)
    monkeypatch.setattr(Path, "exists", exists)


@pytest.mark.usefixtures("sweep_in_between")
def test_a_file_that_is_swept_before_it_is_locked_is_begun_again(tmp_path):
    """Between its making and its lock it looks like one that a dead process left."""
    files.write_whole(tmp_path / "page.html", b"new")

    assert ["page.html"] == names(tmp_path)


@pytest.mark.usefixtures("sweep_in_between")
def test_a_folder_that_is_swept_before_it_is_locked_is_made_again(tmp_path):
    """The same for what is made as a whole folder."""
    made = files.build_once(tmp_path / "kernel", Path.mkdir)

    assert made.is_dir()
    assert ["kernel"] == names(tmp_path)


def test_what_dead_writers_left_is_removed_and_what_living_ones_write_is_not(tmp_path):
    """The kernel lets go of a lock when its holder dies; nobody has to guess from ages or process numbers."""
    dead, alive = tmp_path / f".partial-1-{'0' * 16}", tmp_path / f".partial-1-{'1' * 16}"
    similar = tmp_path / ".partial-mine"
    for path in (dead, alive, similar):
        path.write_text("half")
    with alive.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        files.write_whole(tmp_path / "page.html", b"new")

    assert {similar.name, alive.name, "page.html"} == set(names(tmp_path))


def test_what_is_half_made_is_never_used(tmp_path):
    """Whatever ends the making leaves nothing behind."""

    def fail(folder):
        folder.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.build_once(tmp_path / "cache" / "thing", fail)

    assert [] == list((tmp_path / "cache").iterdir())


def test_another_process_may_be_faster(tmp_path):
    """What it has made is as good."""

    def build(folder):
        folder.mkdir()
        (tmp_path / "thing").mkdir()
        (tmp_path / "thing" / "theirs").touch()

    folder = files.build_once(tmp_path / "thing", build)

    assert ["theirs"] == [path.name for path in folder.iterdir()]


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path):
    """With the variable that chooses another one."""
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="choose by BENCH_CACHE_DIR"):
        files.build_once(tmp_path / "file" / "thing", lambda folder: folder.mkdir())


def test_what_a_killed_process_has_begun_is_gone_at_the_next_start(tmp_path):
    """Its lock went with it; one whose owner lives is left alone."""
    (tmp_path / ".unfinished-dead" / "made").mkdir(parents=True)

    def build(place):
        place.mkdir()
        files.sweep_unfinished(tmp_path)
        assert [place.parent] == [path for path in tmp_path.iterdir() if path.name.startswith(".unfinished-")]

    files.build_once(tmp_path / "kept", build)

    assert ["kept"] == [path.name for path in tmp_path.iterdir()]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the folder for temporary files, an empty one."""
    monkeypatch.setattr("bench.files.gettempdir", lambda: str(tmp_path))
    return tmp_path


def test_a_temporary_folder_is_there_for_its_process_and_gone_after_it(temporary):
    """Several of one process do not meet."""
    with files.temporary_folder() as first, files.temporary_folder() as second:
        (first / "made").touch()
        assert first != second
        assert [] == list(second.iterdir())

    assert [] == list((temporary / f"bench-{os.getuid()}").iterdir())


def test_a_temporary_folder_of_a_killed_process_goes_at_the_next_start(temporary):
    """Whatever is in it; nobody can clean up after SIGKILL but the next one."""
    code = (
        "import os, signal, tempfile\n"
        f"tempfile.tempdir = {str(temporary)!r}\n"
        "from bench.files import temporary_folder\n"
        "with temporary_folder() as folder:\n"
        "    (folder / 'made').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (left,) = (temporary / f"bench-{os.getuid()}").iterdir()

    with files.temporary_folder() as mine:
        assert [mine] == list(left.parent.iterdir())


def test_a_folder_that_others_could_have_made_is_not_used(temporary):
    """On a machine that is shared, its name can be guessed."""
    theirs = temporary / f"bench-{os.getuid()}"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o777)

    with files.temporary_folder() as folder:
        assert theirs not in folder.parents

    assert not folder.exists()


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_regular_file_is_not_read(tmp_path, make):
    """A pipe that nobody writes to would be waited for without end."""
    make(tmp_path / "journal.jsonl")

    with pytest.raises(OSError, match=r"no regular file|Is a directory"):
        files.open_regular(tmp_path / "journal.jsonl")


def test_runs_with_a_page_are_found(tmp_path):
    """Folders without one are not, nor is a folder that is not there."""
    (tmp_path / "with").mkdir()
    (tmp_path / "with" / "index.html").touch()
    (tmp_path / "without").mkdir()

    assert {"with"} == files.pages_of(tmp_path)
    assert set() == files.pages_of(tmp_path / "nowhere")
