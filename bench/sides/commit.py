"""The files of a git commit in a folder of their own; the user's repository keeps no trace of it.

No `git worktree`: it would stay registered in the repository when the cache is emptied. No `git archive`: it leaves
out what `.gitattributes` marks as `export-ignore`, and benchmarks often are. An index of our own does neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError
from bench.files import build_once
from bench.machine import kept
from bench.machine.passport import GIT_REDIRECTIONS


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """A commit and where its files lie."""

    tree: Path
    """The files, read only by convention: other runs use them too."""
    repository: Path
    """Top folder of the user's working tree."""
    commit: str
    """Full hash."""
    subject: str
    """First line of its message."""


def check_out(reference: str, *, folder: Path, cache: Path, environment: Mapping[str, str]) -> Checkout:
    """Lay out a commit of the repository that holds a folder; done once per commit.

    Args:
        reference: Branch, tag, hash or whatever else git takes for a commit.
        folder: Anywhere in the working tree.
        cache: Commits lie in `refs` below it.
        environment: Git is run in it.

    Raises:
        UsageError: If this is no repository or it has no such commit, with what git says.
    """
    # Set while git runs a hook; they would point it at another index or repository.
    environment = {name: value for name, value in environment.items() if name not in GIT_REDIRECTIONS}
    repository = Path(_git("rev-parse", "--show-toplevel", folder=folder, environment=environment))
    try:
        commit = _git(
            "rev-parse",
            "--verify",
            "--end-of-options",
            f"{reference}^{{commit}}",
            folder=folder,
            environment=environment,
        )
    except UsageError as error:
        raise UsageError(
            f"{error}; is '{reference}' a commit here? a shallow clone may have to fetch it first"
        ) from error

    def lay_out(files: Path) -> None:
        files.mkdir()  # a commit may be empty
        with_index = environment | {"GIT_INDEX_FILE": str(files.with_name("index"))}
        _git("read-tree", "--no-sparse-checkout", commit, folder=repository, environment=with_index)
        _git("checkout-index", "--all", f"--prefix={files}/", folder=repository, environment=with_index)

    tree = build_once(cache.absolute() / "refs" / commit, lay_out)
    subject = _git("show", "--no-patch", "--format=%s", commit, folder=folder, environment=environment)
    return Checkout(tree=tree, repository=repository, commit=commit, subject=subject)


def _git(*arguments: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return what a git command prints.

    Raises:
        UsageError: If git is not there or says no.
    """
    try:
        done = kept.run(["git", *arguments], environment=dict(environment) | {"LC_ALL": "C"}, folder=folder)
    except FileNotFoundError:
        raise UsageError("git is not on the path; install it, or compare environments by python= or pip=") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(f"git says: {said[0] if said else f'exit code {done.returncode}'}")
    return done.stdout.decode(errors="replace").strip()
