"""Files that are written whole or not at all, folders that are made once, and what the system says in one line.

explained       turns what the system refuses into one line with the path and a way out
open_regular    a file to read from, and never a pipe that nobody writes to
make_folder     a folder and those above it
write_whole     one file: the old content or the new one, never a mixture and never half of it
write_all       several files of one folder: nothing is changed before all of them are written
pages_of        which folders of a folder hold a page to lead to
build_once      a folder that costs time to make and is kept
temporary_folder    one that goes with its process, however that ends
SOURCE_TREE     where the sources of the harness and of the loops lie
"""

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import BinaryIO

from bench.errors import FileTrouble, UsageError

SOURCE_TREE = Path(__file__).resolve().parent.parent
"""The folder that holds `bench` and `loops`: other interpreters import them from there, and caches are keyed by it."""
PAGE = "index.html"
"""What a browser and a web server open in a folder."""
_PARTIAL = re.compile(r"\.partial-\d+-[0-9a-f]{16}")
"""What is being written: the process, and what nobody can guess."""

_WAYS_OUT = {
    errno.ENOSPC: "free some space (df -h) or inodes (df -i), or choose another place",
    errno.EDQUOT: "your quota is used up; free some space or choose another place",
    errno.EFBIG: "the limit on the size of a file is reached (ulimit -f); raise it or choose another place",
    errno.EROFS: "it lies on a read-only file system; choose another place",
    errno.EACCES: "you lack the permission; change it (chmod, chown) or choose another place",
    errno.EPERM: "you lack the permission; change it (chmod, chown) or choose another place",
    errno.ENOENT: "a folder on the way is not there, or a link leads nowhere; make it or choose another place",
    errno.EEXIST: "a file or a link that leads nowhere has its name; move it away or choose another place",
    errno.ENOTDIR: "a file stands where a folder should be; move it away or choose another place",
    errno.EISDIR: "a folder stands where the file should be; move it away or choose another place",
    errno.ELOOP: "links lead in a circle; remove them or choose another place",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EMFILE: "too many files are open (ulimit -n); raise the limit",
    errno.EINVAL: "a pipe or a device stands where the file should be; move it away or choose another place",
    errno.EIO: "the disk fails; look at the system's log and choose another place",
}
_UNFINISHED = ".unfinished-"

_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF)
"""What file systems answer that cannot flush a folder."""


def way_out(error: OSError) -> str:
    """Return what a person can do about it."""
    return _WAYS_OUT.get(error.errno or 0, "choose another place, or look at the system's log")


@contextmanager
def explained(path: Path | str, *, doing: str = "written", otherwise: str | None = None) -> Iterator[None]:
    """Turn what the system refuses inside into one line.

    Args:
        path: What is named.
        doing: What cannot be done with it: "written", "read", "made".
        otherwise: The way out, where there is a better one than the system's words suggest.

    Raises:
        FileTrouble: In place of any OSError.
    """
    try:
        yield
    except OSError as error:
        raise FileTrouble(
            f"{path}: cannot be {doing} ({error.strerror or error}); {otherwise or way_out(error)}"
        ) from error


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read its bytes; what is no regular file is refused, as a pipe would be waited for without end.

    Raises:
        OSError: If it cannot be opened, or is no file.
    """
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return file


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are not there.

    Raises:
        FileTrouble: If they cannot be made.
    """
    with explained(folder, doing="made"):
        folder.mkdir(parents=True, exist_ok=True)


def write_whole(path: Path, content: bytes, *, overwrite: bool = True) -> None:
    """Write a file so that whoever looks, whenever, finds the old content or the new one.

    It is written under a name of this process' own, flushed to the disk and renamed. What is no regular file, such as a
    pipe or `/dev/stdout`, is written as it is. A link stays, its target is replaced.

    Raises:
        FileExistsError: If it is there and is not to be overwritten.
        FileTrouble: If it cannot be written; nothing is left behind and the old file is as it was.
    """
    if _is_special(path):
        with explained(path), path.open("wb", buffering=0) as stream:
            _put(stream, content)
        return
    if not overwrite and os.path.lexists(path):
        raise _there_already(path)
    with explained(path):
        target = Path(os.path.realpath(path))
        if target.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    sweep(target.parent)
    with ExitStack() as unfinished:
        partial = _written(target, content, unfinished=unfinished, named=path)
        with explained(path):
            if overwrite:
                partial.replace(target)
            taken = not overwrite and not _took_free_name(partial, target)
            _flush_folder(target.parent)
    if taken:
        raise _there_already(path)


def write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write several files into a folder, which is made; the order is kept, and the last one is renamed last.

    Raises:
        FileTrouble: If one of them cannot be written; then none is, and the old ones are as they were.
    """
    make_folder(folder)
    for name in contents:
        if (folder / name).is_dir():
            with explained(folder / name):
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    sweep(folder)
    with ExitStack() as unfinished:
        written = {
            folder / name: _written(folder / name, content, unfinished=unfinished, named=folder / name)
            for name, content in contents.items()
        }
        for target, partial in written.items():
            with explained(target):
                partial.replace(target)
        with explained(folder):
            _flush_folder(folder)


def pages_of(folder: Path) -> set[str]:
    """Return the names of folders in a folder that hold a page; none where it is not there."""
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_dir() and Path(entry.path, PAGE).exists()}


def sweep(folder: Path) -> None:
    """Remove what processes that died while writing have left in a folder; whoever still writes holds a lock."""
    with suppress(OSError):
        left = [entry.path for entry in os.scandir(folder) if _PARTIAL.fullmatch(entry.name)]
        for path in left:
            with suppress(OSError), open(path, "rb") as file:  # noqa: PTH123 - a path as scandir gives it
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)  # noqa: PTH108


def _is_special(path: Path) -> bool:
    """Return whether a path leads to something that is neither a file nor a folder."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _written(target: Path, content: bytes, *, unfinished: ExitStack, named: Path) -> Path:
    """Write beside the target and return where; it is removed with `unfinished` unless it was renamed by then.

    Raises:
        FileTrouble: If it cannot be written.
    """
    with explained(named):
        file, partial = _claimed(target.parent)
        unfinished.enter_context(file)  # whose lock tells others that somebody still needs it
        unfinished.callback(partial.unlink, missing_ok=True)
        with suppress(FileNotFoundError):
            os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
        _put(file, content)
        os.fsync(file.fileno())
    return partial


def _claimed(folder: Path) -> tuple[BinaryIO, Path]:
    """Return a new, locked file of this process in a folder, and its name; nobody's sweep has removed it."""
    while True:
        partial = folder / f".partial-{os.getpid()}-{secrets.token_hex(8)}"
        file = partial.open("xb", buffering=0)
        with suppress(OSError):  # no locks on this file system: then nobody sweeps either
            fcntl.flock(
                file, fcntl.LOCK_EX
            )  # a sweep that came between holds it for a moment, and the file is gone then
        if partial.exists():
            return file, partial
        file.close()


def _put(file: BinaryIO, content: bytes) -> None:
    """Write all of it; the system may take it piece by piece."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _took_free_name(partial: Path, target: Path) -> bool:
    """Give what was written its name, unless another process has taken it since."""
    try:
        target.hardlink_to(partial)
    except FileExistsError:
        return False
    except OSError:  # no such links on this file system
        partial.replace(target)
    return True


def _there_already(path: Path) -> FileExistsError:
    """Return what says that a file is not to be overwritten."""
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _flush_folder(folder: Path) -> None:
    """Have the disk keep the names as well."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def sweep_unfinished(folder: Path) -> None:
    """Remove folders that processes have begun and were killed before they were made; their owners hold locks."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            if entry.name.startswith(_UNFINISHED) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError), _locked(Path(entry.path)):
                    shutil.rmtree(entry.path)


def _claimed_folder(parent: Path) -> tuple["TemporaryDirectory[str]", ExitStack]:
    """Return a new folder that goes when it is left, and the lock that tells others that somebody needs it."""
    while True:
        unfinished = TemporaryDirectory(dir=parent, prefix=_UNFINISHED, ignore_cleanup_errors=True)
        lock = ExitStack()
        with suppress(OSError):  # no locks on this file system: then nobody sweeps either
            lock.enter_context(_locked(Path(unfinished.name), wait=True))  # for a sweep that came between
        if Path(unfinished.name).exists():
            return unfinished, lock
        lock.close()
        unfinished.cleanup()


def _is_own(folder: Path) -> bool:
    """Make a folder for this user alone, and return whether it is that now."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        there = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(there.st_mode) and there.st_uid == os.getuid() and not there.st_mode & 0o077


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder for as long as this process needs it; what killed processes have left behind goes before.

    All lie in one folder of the user's below the system's for temporary files; where that one is not the user's own,
    each stands by itself, and nobody sweeps.
    """
    parent = Path(gettempdir()) / f"bench-{os.getuid()}"
    if not _is_own(parent):
        with TemporaryDirectory(prefix="bench-") as alone:
            yield Path(alone)
        return
    sweep_unfinished(parent)
    folder, lock = _claimed_folder(parent)
    with lock, folder as place:
        yield Path(place)


@contextmanager
def _locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a folder.

    Raises:
        OSError: If somebody else holds it, and is not to be waited for.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def build_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return a folder, which is made if it is not there.

    Args:
        folder: Where it is kept.
        build: Makes it in the place that it is given, which is not there yet; what it raises leaves nothing behind.

    Raises:
        UsageError: If it cannot be written.
    """
    if folder.exists():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        sweep_unfinished(folder.parent)
        unfinished, lock = _claimed_folder(folder.parent)
    except OSError as error:
        raise UsageError(f"cannot write {folder.parent}: {error.strerror}; choose by BENCH_CACHE_DIR") from error
    with lock, unfinished as place:
        made = Path(place) / "made"
        build(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was faster, and what it made is as good
                raise
    return folder
