"""Whether something that lies in a cache was put there by this installation, for this very question.

    secret     32 random bytes in a file of the user's state folder that nobody else can read
    seal       a keyed hash (HMAC-SHA-256, RFC 2104) over what was asked and what was found
    own        refuse a folder that somebody else could have written to

A file name says what an entry is meant to be, and anybody can name a file. Only who can read the secret can seal.
"""

import hashlib
import hmac
import os
import secrets
import stat
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from loops.errors import UntrustedFolder

STATE_VARIABLE = "BENCH_STATE_DIR"
_SECRET_BYTES = 32


def seal(*parts: str | bytes) -> str:
    """Return what only this installation can write below these parts, in hex.

    Args:
        parts: What it is for, what was asked, what was found; none runs into the next.
    """
    mac = hmac.new(secret(state_folder()), digestmod=hashlib.sha256)
    for part in parts:
        content = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        mac.update(len(content).to_bytes(8, "big") + content)
    return mac.hexdigest()


def holds(given: object, *parts: str | bytes) -> bool:
    """Whether a seal was made here, of these parts."""
    return isinstance(given, str) and given.isascii() and hmac.compare_digest(given, seal(*parts))


def state_folder() -> Path:
    """Return where the secret is kept; `BENCH_STATE_DIR` chooses."""
    import platformdirs  # noqa: PLC0415 - only the harness seals, and only its interpreter needs this

    return Path(os.environ.get(STATE_VARIABLE) or platformdirs.user_state_dir("loopbench")).absolute()


@cache
def secret(folder: Path) -> bytes:
    """Return the secret of this installation, made when it is first asked for.

    Where none can be kept, as in a home that is read-only, it lasts as long as the process: nothing that was sealed
    before is believed then.

    Raises:
        UntrustedFolder: If the file is somebody else's, or others can read it.
    """
    file = folder / "secret"
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = folder / f".secret-{os.getpid()}-{secrets.token_hex(4)}"
        if not file.exists():
            try:
                with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
                    new.write(secrets.token_bytes(_SECRET_BYTES))
                with suppress(FileExistsError):  # another process was faster, and its secret is the one
                    file.hardlink_to(made)
            finally:
                made.unlink(missing_ok=True)
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return secrets.token_bytes(_SECRET_BYTES)
    with os.fdopen(descriptor, "rb") as opened:
        state = os.fstat(descriptor)
        content = opened.read(_SECRET_BYTES + 1) if stat.S_ISREG(state.st_mode) else b""
    private = sys.platform == "win32" or (state.st_uid in _trusted_users() and not state.st_mode & 0o077)
    if len(content) != _SECRET_BYTES or not private:
        raise UntrustedFolder(
            f"{file}: expected {_SECRET_BYTES} bytes that only you can read; delete it, and it is made anew"
        )
    return content


def own(folder: Path) -> Path:
    """Return a folder that only its user writes to, or that is not there yet.

    A folder of root's is as good as one's own. A group that is named after the user has nobody else in it.

    Raises:
        UntrustedFolder: If it belongs to another user, or others can write to it.
    """
    try:
        state = folder.stat()
    except OSError:
        return folder  # whoever writes to it says why that does not work
    if sys.platform == "win32":
        return folder
    if state.st_uid not in _trusted_users():
        found = f"belongs to {_name_of(state.st_uid)}"
    elif state.st_mode & stat.S_IWOTH:
        found = "can be written by everybody"
    elif state.st_mode & stat.S_IWGRP and not _is_private(state.st_gid):
        found = "can be written by its group"
    else:
        return folder
    raise UntrustedFolder(
        f"{folder}: {found}, and what lies in it would be believed and run; choose a folder of your own by "
        f"BENCH_CACHE_DIR, or make this one so: chown $(id -u) {folder}; chmod go-w {folder}"
    )


def _trusted_users() -> set[int]:
    """Return who may have written what is believed: this user, and root, who can do anything anyway."""
    return {os.geteuid(), 0}


def _name_of(user: int) -> str:
    """Return what a user is called."""
    import pwd  # noqa: PLC0415 - POSIX only

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _is_private(group: int) -> bool:
    """Whether a group is root's, or the one that many systems make for each user."""
    import grp  # noqa: PLC0415 - POSIX only

    if group == 0:
        return True
    try:
        found = grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == _name_of(os.geteuid()) and not found.gr_mem
