"""The files of a git commit in a folder of their own; the user's repository keeps no trace of it.

No `git worktree`: it would stay registered in the repository when the cache is emptied. No `git archive`: it leaves
out what `.gitattributes` marks as `export-ignore`, and benchmarks often are. An index of our own does neither.
Submodules are laid out at the version that the commit records.
"""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError
from bench.files import build_once
from bench.machine import kept
from bench.machine.passport import GIT_REDIRECTIONS

SUBMODULE_MODE = "160000"
"""How a tree of git marks a commit of another repository."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Submodule:
    """Another repository within a commit."""

    path: str
    """From the top of the repository that it is part of."""
    commit: str


def check_out(
    reference: str, *, folder: Path, cache: Path, environment: Mapping[str, str], variant: str = ""
) -> Checkout:
    """Lay out a commit of the repository that holds a folder; done once per commit.

    Args:
        reference: Branch, tag, hash or whatever else git takes for a commit.
        folder: Anywhere in the working tree.
        cache: Commits lie in `refs` below it.
        environment: Git is run in it.
        variant: Tells files that something else will be made of from those as they are.

    Raises:
        UsageError: If this is no repository or it has no such commit, with what git says; if a submodule is in use and
            its recorded version is not here.
    """
    environment = without_redirections(environment)
    repository = top_of(folder, environment=environment)
    commit = commit_of(reference, folder=folder, environment=environment)
    submodules = list(_submodules(commit, folder=repository, environment=environment))

    def lay_out(files: Path) -> None:
        _lay_out(commit, files=files, repository=repository, environment=environment, within=Path())

    # Earlier versions left submodules out, so that theirs is another folder.
    name = "-".join(part for part in (commit, "submodules" if submodules else "", variant) if part)
    tree = build_once(cache.absolute() / "refs" / name, lay_out)
    subject = _git("show", "--no-patch", "--format=%s", commit, folder=folder, environment=environment)
    return Checkout(tree=tree, repository=repository, commit=commit, subject=subject)


def without_redirections(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what git sets while it runs a hook: it would point it at another repository."""
    return {name: value for name, value in environment.items() if name not in GIT_REDIRECTIONS}


def top_of(folder: Path, *, environment: Mapping[str, str]) -> Path:
    """Return the top folder of the working tree that holds a folder.

    Raises:
        UsageError: If there is none, or no git.
    """
    return Path(_git("rev-parse", "--show-toplevel", folder=folder, environment=without_redirections(environment)))


def commit_of(reference: str, *, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the full hash of what git takes for a commit.

    Raises:
        UsageError: If there is no such commit.
    """
    environment = without_redirections(environment)
    try:
        return _git(
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


def merge_base(reference: str, *, folder: Path, environment: Mapping[str, str]) -> str | None:
    """Return the commit from which this branch left another one, or None where the history here does not tell.

    Raises:
        UsageError: If there is no such commit.
    """
    environment = without_redirections(environment)
    commit = commit_of(reference, folder=folder, environment=environment)
    done = _run_git("merge-base", commit, "HEAD", folder=folder, environment=environment)
    return done.stdout.decode().strip() or None


def contains(commit: str, ancestor: str, *, folder: Path, environment: Mapping[str, str]) -> bool:
    """Whether a commit is another one or comes after it.

    Raises:
        UsageError: If there is no such commit.
    """
    environment = without_redirections(environment)
    found = commit_of(ancestor, folder=folder, environment=environment)
    told = _run_git("merge-base", "--is-ancestor", found, commit, folder=folder, environment=environment)
    return told.returncode == 0


def changes(folder: Path, *, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is not as it was committed: one path per changed or untracked file, from the top of the repository.

    Raises:
        UsageError: If this is no repository.
    """
    said = _git(
        "status",
        "--porcelain",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        folder=top_of(folder, environment=environment),
        environment=without_redirections(environment),
    )
    return tuple(entry[3:] for entry in said.split("\0") if entry)


def _lay_out(commit: str, *, files: Path, repository: Path, environment: Mapping[str, str], within: Path) -> None:
    """Write the files of a commit, and those of its submodules below them."""
    files.mkdir(parents=True, exist_ok=True)  # a commit may be empty
    with_index = dict(environment) | {"GIT_INDEX_FILE": str(files.with_name(f".index-of-{files.name}"))}
    _git("read-tree", "--no-sparse-checkout", commit, folder=repository, environment=with_index)
    _git("checkout-index", "--all", f"--prefix={files}/", folder=repository, environment=with_index)
    Path(with_index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
    for submodule in _submodules(commit, folder=repository, environment=environment):
        place = within / submodule.path
        store = _store(submodule, commit=commit, repository=repository, place=place, environment=environment)
        if store is None:
            continue  # nor is it there in the working tree, so neither side has it
        _lay_out(
            submodule.commit, files=files / submodule.path, repository=store, environment=environment, within=place
        )


def _submodules(commit: str, *, folder: Path, environment: Mapping[str, str]) -> Iterator[_Submodule]:
    """Yield the submodules of a commit."""
    listed = _git("ls-tree", "-r", "-z", "--full-tree", commit, folder=folder, environment=environment)
    for entry in listed.split("\0"):
        facts, _, path = entry.partition("\t")
        if facts.startswith(SUBMODULE_MODE):
            yield _Submodule(path=path, commit=facts.split()[2])


def _store(
    submodule: _Submodule, *, commit: str, repository: Path, place: Path, environment: Mapping[str, str]
) -> Path | None:
    """Return a folder in which git finds the recorded version of a submodule; None if the submodule is not in use.

    Raises:
        UsageError: If it is in use here, or gone from the working tree, and the recorded version is nowhere.
    """
    folder = repository / submodule.path
    name = _name(submodule, commit=commit, repository=repository, environment=environment)
    kept = _git("rev-parse", "--git-path", f"modules/{name}", folder=repository, environment=environment)
    stores = [found for found in (folder, repository / kept) if (found / ".git").exists() or (found / "HEAD").exists()]
    for store in stores:
        found = _run_git("cat-file", "-e", f"{submodule.commit}^{{commit}}", folder=store, environment=environment)
        if found.returncode == 0:
            return store
    if not stores and folder.is_dir() and not any(folder.iterdir()):
        return None
    raise UsageError(
        f"submodule {place} is recorded at {submodule.commit[:12]} there, which is not in this clone; "
        f"fetch it first: git submodule update --init --recursive, or git -C {place} fetch origin {submodule.commit}"
    )


def _name(submodule: _Submodule, *, commit: str, repository: Path, environment: Mapping[str, str]) -> str:
    """Return what a commit calls a submodule, under which git keeps it; by default it is its path."""
    said = _run_git(
        *("config", "--blob", f"{commit}:.gitmodules", "--get-regexp", r"^submodule\..*\.path$"),
        folder=repository,
        environment=environment,
    )
    for line in said.stdout.decode(errors="replace").splitlines():
        key, _, path = line.partition(" ")
        if path == submodule.path:
            return key.removeprefix("submodule.").removesuffix(".path")
    return submodule.path


def _git(*arguments: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return what a git command prints.

    Raises:
        UsageError: If git is not there or says no.
    """
    done = _run_git(*arguments, folder=folder, environment=environment)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(f"git says: {said[0] if said else f'exit code {done.returncode}'}")
    text = done.stdout.decode(errors="replace")
    return text if "-z" in arguments else text.strip()


def _run_git(*arguments: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a git command to its end.

    Raises:
        UsageError: If git is not there.
    """
    where = {"LC_ALL": "C"}
    if (folder / "HEAD").exists() and not (folder / ".git").exists():
        # Where git keeps a submodule; its settings name a working tree that may be gone.
        where |= {"GIT_DIR": str(folder), "GIT_WORK_TREE": str(folder)}
    try:
        return kept.run(["git", *arguments], environment=dict(environment) | where, folder=folder)
    except FileNotFoundError:
        raise UsageError("git is not on the path; install it, or compare environments by python= or pip=") from None
