"""Whose code a process of a commit runs: everything that lies in the user's repository is the commit's, or an error.

Whatever leads Python into the repository (PYTHONPATH, `.pth` files, links, the import hooks of editable installs of
every build backend) leads into the working tree, on both sides of a comparison. So a finder of our own stands before
all others: it asks them, and of what they find below the repository it takes the same file of the commit. What they
find by other ways still is found out afterwards, by `check`.

Only the standard library is imported here, because the worker needs it.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import metadata
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, final
from urllib.parse import unquote, urlsplit

VARIABLE = "BENCH_COMMIT_TREE"
"""Environment variable with what `Commit` is made of, as JSON; set for the processes of a side that is a commit."""

_MISSING_NAME = re.compile(r"cannot import name '(\w+)'")


class OutsideCommit(Exception):
    """Code of the working tree was run for the commit's, or the commit lacks a file that git does not track."""


@final
class Commit:
    """The files of a commit, and the repository that they stand for."""

    def __init__(self, *, repository: str, tree: str, allowed: Sequence[str]) -> None:
        """Remember where things lie.

        Args:
            repository: Top folder of the user's working tree.
            tree: The commit's files; they may be kept below the repository.
            allowed: Folders below the repository that are nobody's to replace: the harness, what was installed.
        """
        self.repository = _real(repository)
        self.tree = _real(tree)
        interpreter = (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)
        self._allowed = [self.tree, *(_real(folder) for folder in (*allowed, *interpreter))]

    def is_strange(self, path: str) -> bool:
        """Whether a file or a folder is the working tree's."""
        real = _real(path)
        if not real.is_relative_to(self.repository):
            return False
        # An interpreter may have the repository's own top for its prefix; what it has installed is told by its name.
        inside = any(real.is_relative_to(folder) for folder in self._allowed if folder != self.repository)
        return not (inside or {"site-packages", "dist-packages"} & set(real.relative_to(self.repository).parts))

    def then(self, path: str) -> str | None:
        """Return what stood there in the commit, None if nothing did; what is not the working tree's stays as it is."""
        if not self.is_strange(path):
            return path
        before = self.tree / _real(path).relative_to(self.repository)
        return str(before) if before.exists() else None

    @cached_property
    def copies(self) -> frozenset[Path]:
        """The files that were installed as copies from this repository: one copy cannot be two commits."""
        return frozenset(path for one in metadata.distributions() for path in self._copied(one))

    def _copied(self, distribution: metadata.Distribution) -> Iterator[Path]:
        """Yield the modules of a distribution that pip installed from a place below the repository (PEP 610)."""
        said = distribution.read_text("direct_url.json")
        address = urlsplit(json.loads(said).get("url", "")) if said else None
        if address is None or address.scheme != "file":
            return
        if not _real(unquote(address.path)).is_relative_to(self.repository):
            return
        for file in distribution.files or ():
            if "editable" not in file.name:  # hooks that lead to the sources are no copies of them
                yield _real(str(distribution.locate_file(file)))

    def strangers(self) -> Iterator[tuple[str, str]]:
        """Yield name and file of the imported modules that are not the commit's though they should be."""
        for name, module in sorted(sys.modules.items()):
            package = name.partition(".")[0]
            # The harness is never the commit's; its loops are where the repository is the harness' own.
            if package == "bench" or name == "__main__":
                continue
            for path in _places(module):
                if self.is_strange(path) or (package != "loops" and _real(path) in self.copies):
                    yield name, path
                    break

    def not_tracked(self, error: BaseException) -> str | None:
        """Return the file, relative to the repository, that an error misses in the commit, if git does not track it."""
        for missing in _missing(error):
            path = _real(missing)
            if not path.is_relative_to(self.tree):
                continue
            relative = path.relative_to(self.tree)
            for found in (self.repository / relative.parent).glob(f"{relative.name}*"):
                named = found.name == relative.name or found.name.startswith(f"{relative.name}.")
                if named and not (self.tree / relative.parent / found.name).exists() and not self._tracks(found):
                    return str(found.relative_to(self.repository))
        return None

    def _tracks(self, path: Path) -> bool:
        """Whether git tracks a file of the working tree, or a file below a folder of it."""
        try:
            command = ["git", "ls-files", "--", str(path)]
            done = subprocess.run(command, cwd=self.repository, capture_output=True, check=False)
        except OSError:
            return True
        return done.returncode != 0 or bool(done.stdout.strip())


@final
class CommitFinder(MetaPathFinder):
    """Finds what the other finders do, in the commit's files wherever they lead into the repository."""

    def __init__(self, commit: Commit) -> None:
        """Stand for a commit."""
        self._commit = commit

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        """Return where a module of the commit lies, or None if no finder knows it.

        Raises:
            ModuleNotFoundError: If it lies in the working tree and the commit has nothing of the name.
        """
        refused = ""
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            found = None if find is None or finder is self else find(name, path, target)
            if found is None:
                continue
            before = self._then(found)
            if before is not None:
                return before
            refused = found.origin or name
        if refused:
            raise ModuleNotFoundError(f"no module named '{name}' in that commit: {refused} is not its", name=name)
        return None

    def _then(self, found: ModuleSpec) -> ModuleSpec | None:
        """Return a specification with every place of the working tree replaced by the commit's."""
        places = list(found.submodule_search_locations or ())
        origin = found.origin if found.has_location else None
        before = None if origin is None else self._commit.then(origin)
        folders = [folder for place in places if (folder := self._commit.then(place)) is not None]
        if before == origin and folders == places:
            return found
        if origin is None:
            if not folders:
                return None
            spread = ModuleSpec(found.name, None, is_package=True)
            spread.submodule_search_locations = folders
            return spread
        if before is None:
            return None
        return spec_from_file_location(found.name, before, submodule_search_locations=folders if places else None)


_commit: list[Commit] = []
"""The commit that this process runs, once `keep_to_commit` was told of one."""


def keep_to_commit() -> None:
    """Have this process import the commit's files in place of the working tree's, if it was started for a commit."""
    said = os.environ.get(VARIABLE)
    if not said:
        return
    commit = Commit(**json.loads(said))
    _commit[:] = [commit]
    folders = [commit.then(os.path.abspath(entry)) for entry in sys.path]  # noqa: PTH100 - "" is the current folder
    sys.path[:] = list(dict.fromkeys(folder for folder in folders if folder is not None))
    for name, module in list(sys.modules.items()):  # what a `.pth` file has imported
        if name.partition(".")[0] not in {"bench", "loops", "__main__"} and any(
            map(commit.is_strange, _places(module))
        ):
            del sys.modules[name]
    sys.meta_path.insert(0, CommitFinder(commit))


def check() -> None:
    """Make sure that no code of the working tree was imported for the commit's.

    Raises:
        OutsideCommit: If some was; names the module and its file.
    """
    for commit in _commit:
        for name, path in commit.strangers():
            advice = (
                "it was installed as a copy: install with pip install --editable"
                if _real(path) in commit.copies
                else "it was loaded by its path"
            )
            raise OutsideCommit(f"module {name} is not the commit's: it comes from {path}; {advice}")


def lacking(error: BaseException) -> str | None:
    """Return what a commit lacks because it was not built there, if that is what an error says."""
    for commit in _commit:
        path = commit.not_tracked(error)
        if path is not None:
            return (
                f"{path} is not in that commit, as git does not track it; "
                'make it by [tool.bench.gate] build = "COMMAND", which is run in the files of each side'
            )
    return None


def _missing(error: BaseException | None) -> Iterator[str]:
    """Yield the paths, without suffix where it is a module, that an error and those before it did not find."""
    while error is not None:
        if isinstance(error, ImportError) and error.name:
            package, _, name = error.name.rpartition(".")
            chosen = _MISSING_NAME.search(str(error))
            package, name = (error.name, chosen[1]) if chosen else (package, name)
            for place in getattr(sys.modules.get(package), "__path__", []) if package else sys.path:
                yield str(Path(place) / name)
        elif isinstance(error, FileNotFoundError) and isinstance(error.filename, str):
            yield os.path.abspath(error.filename)  # noqa: PTH100 - not resolved yet
        error = error.__cause__ or error.__context__


def _places(module: Any) -> Iterator[str]:
    """Yield where a module lies: its file, or the folders of a package that has none.

    Some are made by code and say a file that is none: `torch.classes` says "_classes.py".
    """
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        if Path(file).exists():
            yield file
        return
    paths = getattr(module, "__path__", None)
    if isinstance(paths, Sequence) or hasattr(paths, "_path"):  # a namespace package's is no sequence
        yield from (str(path) for path in paths or ())


def _real(path: str) -> Path:
    """Return a path with every link followed."""
    return Path(os.path.realpath(path))
