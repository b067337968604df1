"""Entries of a cache that are believed: each says what was asked, and is sealed by this installation."""

import json
from hashlib import sha256
from pathlib import Path

from bench.files import make_folder, write_whole
from loops import seal

LONGEST_ENTRY_BYTES = 16 << 20
"""A curve or a verification is a few kilobytes."""


def read(folder: Path, *, purpose: str, key: str) -> bytes | None:
    """Return what was written below a key, or None: nothing, something else, or nothing of this installation's.

    Args:
        folder: Of the cache.
        purpose: What its entries are.
        key: Everything that the entry depends on; it is not stored, for it may hold what is secret.
    """
    path = _path(folder, key=key)
    try:
        if not path.is_file() or path.stat().st_size > LONGEST_ENTRY_BYTES:
            return None
        entry = json.loads(path.read_bytes())
        content = str(entry["content"]).encode()
        return content if seal.holds(entry["seal"], purpose, key, content) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write(folder: Path, *, purpose: str, key: str, content: bytes) -> None:
    """Write JSON below a key."""
    make_folder(folder)
    entry = {"seal": seal.seal(purpose, key, content), "content": content.decode()}
    write_whole(_path(folder, key=key), json.dumps(entry).encode() + b"\n")


def _path(folder: Path, *, key: str) -> Path:
    """Return the file of a key."""
    return folder / f"{sha256(key.encode(errors='surrogateescape')).hexdigest()[:32]}.json"
