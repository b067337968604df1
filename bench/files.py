"""Folders that cost time to make and are kept: made under another name first, so that half of one is never used."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.errors import UsageError


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
        unfinished = TemporaryDirectory(dir=folder.parent, prefix=".unfinished-")
    except OSError as error:
        raise UsageError(f"cannot write {folder.parent}: {error.strerror}; choose by BENCH_CACHE_DIR") from error
    with unfinished as place:
        made = Path(place) / "made"
        build(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was faster, and what it made is as good
                raise
    return folder
