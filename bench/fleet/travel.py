"""What travels to another machine: this tool's own source, the user's files, and what is typed; nothing else.

Of the environment only options travel, `BENCH_*`, and of these none that looks secret. Everything else a machine has
from where its part of the cluster was started.
"""

import ast
import io
import json
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import final

from bench import redaction
from bench.errors import FileTrouble, UsageError
from bench.files import explained

PACKAGES = ("bench", "loops")
SOURCE, FILES, ORDER = "source", "files", "order.json"
"""Where a parcel has the packages, the user's files, and what is typed."""
MOST_BYTES = 2**30
_SUFFIXES = (".py", ".keras", ".npz")
_THEN = (1980, 1, 1, 0, 0, 0)
"""The date of everything in a parcel: alike content is alike, byte for byte."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is typed on each machine."""

    words: tuple[str, ...]
    variables: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """What is sent, as the bytes of a zip archive."""

    content: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that it holds."""
        return sha256(self.content).hexdigest()

    @property
    def order(self) -> Order:
        """What is typed."""
        try:
            with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
                order = json.loads(archive.read(ORDER))
            return Order(words=tuple(order["words"]), variables=dict(order["variables"]))
        except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
            raise FileTrouble(f"what was sent to the machines cannot be read back ({error}); start anew") from error


def packed(
    words: Sequence[str], *, variables: Mapping[str, str], sent: Collection[Path], tree: Path, folder: Path
) -> Parcel:
    """Pack what a run needs.

    Args:
        words: Behind `bench run`, without what says where; files in them are found and sent.
        variables: Options of the environment, `BENCH_*`.
        sent: Further files and folders of the user's, which his code reads.
        tree: The folder that holds our packages.
        folder: The user's current one, which relative paths are of.

    Raises:
        UsageError: If a file is not there, or all are too large.
        FileTrouble: If one cannot be read.
    """
    luggage = _Luggage(folder)
    for path in sent:
        luggage.take_all(path)
    changed = tuple(luggage.word(word) for word in words)
    carried = {
        name: luggage.word(value) for name, value in sorted(variables.items()) if not redaction.is_secret(name, value)
    }
    carried |= _data(changed)
    contents = {f"{SOURCE}/{name}": path for name, path in _sources(tree)}
    contents |= {f"{FILES}/{name}": path for name, path in luggage.places.items()}
    total = sum(path.stat().st_size for path in contents.values())
    if total > MOST_BYTES:
        raise UsageError(
            f"your files have {total:,} bytes, and {MOST_BYTES:,} travel at most; leave some where they are"
        )
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        order = json.dumps({"words": changed, "variables": carried}).encode()
        archive.writestr(zipfile.ZipInfo(ORDER, _THEN), order)
        for name, path in sorted(contents.items()):
            with explained(path, doing="read"):
                archive.writestr(zipfile.ZipInfo(name, _THEN), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return Parcel(content=archived.getvalue())


def _sources(tree: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file of our packages, by its name below the tree."""
    for package in PACKAGES:
        for path in sorted((tree / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield path.relative_to(tree).as_posix(), path


def _data(words: Sequence[str]) -> dict[str, str]:
    """Return the variable that says again what `--data` says: going on with a run asks for the data alone."""
    found = [value for word, value in pairwise(words) if word == "--data"]
    found += [word.removeprefix("--data=") for word in words if word.startswith("--data=")]
    return {"BENCH_DATA": found[-1]} if found else {}


@final
class _Luggage:
    """The user's files, and where each lies on another machine."""

    def __init__(self, folder: Path) -> None:
        """Nothing is packed."""
        self._folder = folder.resolve()
        self.places: dict[str, Path] = {}

    def word(self, word: str) -> str:
        """Return a word as it is typed on another machine: the path that a file has there; its file is taken."""
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        if not value.endswith(_SUFFIXES) or not (self._folder / value).is_file():
            return word
        return f"{option}{equals}{self.take(self._folder / value)}"

    def take(self, path: Path) -> str:
        """Take a file and what it imports from beside it, and return its path on another machine."""
        path = path.resolve()
        place = self._place(path)
        if place not in self.places:
            self.places[place] = path
            for beside in _imported_from_beside(path):
                self.take(beside)
        return place

    def take_all(self, path: Path) -> None:
        """Take a file, or all of a folder.

        Raises:
            UsageError: If it is not there.
        """
        whole = (self._folder / path).resolve()
        if not whole.exists():
            raise UsageError(f"--send {path}: there is no such file")
        for one in sorted(whole.rglob("*")) if whole.is_dir() else [whole]:
            if one.is_file() and "__pycache__" not in one.parts:
                self.take(one)

    def _place(self, path: Path) -> str:
        """Return where a file lies on another machine: below the current folder as here, or beside its neighbours."""
        if path.is_relative_to(self._folder):
            return path.relative_to(self._folder).as_posix()
        return str(PurePosixPath("elsewhere") / sha256(str(path.parent).encode()).hexdigest()[:8] / path.name)


def _imported_from_beside(path: Path) -> Iterator[Path]:
    """Yield the modules and packages beside a Python file that it imports, found without running it."""
    if path.suffix != ".py":
        return
    try:
        with explained(path, doing="read"):
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # the machine says so, as a run here does
        return
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
        for name in {name.partition(".")[0] for name in names}:
            module, package = path.with_name(f"{name}.py"), path.with_name(name)
            if module.is_file():
                yield module
            elif (package / "__init__.py").is_file():
                yield from sorted(package.rglob("*.py"))
