"""The sides of a gate: base made ready first, then head, then the anchor, and what they have to do with each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import UsageError
from bench.gate import listed
from bench.gate.settings import FILE, Settings
from bench.records.cell import ANCHOR, BASE, HEAD, Side
from bench.sides import commit, recipe
from bench.sides.build import Build
from bench.sides.recipe import Place, Recipe, Tell

NAMES = (BASE, HEAD)
"""Sides that every gate has."""
ANCHOR_LEFT_OUT = "the anchor {} is left out: it is measured where the base is a commit too"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Base and head, ready to be measured."""

    base: Side
    head: Side
    listed: Settings | None
    """What the base's own pyproject.toml asks for; None where it is no commit or has none."""
    same: str | None
    """Why there is nothing to compare, in words; None where there is."""
    anchor: Side | None = None
    """The commit that many small changes are held against together."""

    @property
    def all(self) -> tuple[Side, ...]:
        """Base first, then head."""
        return (self.base, self.head) if self.anchor is None else (self.base, self.head, self.anchor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What was asked for."""

    base: str
    head: str
    from_merge_base: bool
    """Whether the base is where this branch left the commit that was named."""
    settings: Settings
    outputs: tuple[Path, ...]
    """Files and folders that a gate writes itself: no change of the working tree."""


def prepare(wanted: Wanted, *, place: Place, tell: Tell) -> Sides:
    """Make the sides ready.

    Raises:
        UsageError: If a side cannot be had.
        BuildFailed: If the project's own build fails for one.
    """
    recipes = {name: recipe.parse(text, name=name) for name, text in ((BASE, wanted.base), (HEAD, wanted.head))}
    base = _from_merge_base(recipes[BASE], place=place, tell=tell) if wanted.from_merge_base else recipes[BASE]
    place = replace(
        place,
        build_of=lambda tree, repository: _build(tree, repository=repository, settings=wanted.settings),
        working_tree=base.ref is not None and recipes[HEAD].description == recipe.UNCHANGED,
    )
    ready = {name: recipe.prepare(one, place=place, tell=tell) for name, one in ((BASE, base), (HEAD, recipes[HEAD]))}
    tree = ready[BASE].tree
    same = _same(base, recipes[HEAD], ready=ready, place=place, outputs=wanted.outputs)
    return Sides(
        base=ready[BASE],
        head=ready[HEAD],
        listed=None
        if tree is None
        else listed.of_base(Path(tree), repository=Path(ready[BASE].facts["repository"]), settings=wanted.settings),
        same=same,
        anchor=None if same is not None else _anchor(wanted.settings, base=ready[BASE], place=place, tell=tell),
    )


def again(found: Sequence[Side], *, settings: Settings) -> Sides:
    """Return the sides of a run that is gone on with, as they were made ready then."""
    base, head, *more = found
    return Sides(
        base=base,
        head=head,
        listed=None
        if base.tree is None
        else listed.of_base(Path(base.tree), repository=Path(base.facts["repository"]), settings=settings),
        same=None,
        anchor=more[0] if more else None,
    )


def _anchor(settings: Settings, *, base: Side, place: Place, tell: Tell) -> Side | None:
    """Make the anchor ready; None where none is wanted, or it would tell nothing that the base does not.

    Raises:
        UsageError: If there is no such commit here.
    """
    if settings.anchor is None:
        return None
    if "commit" not in base.facts:
        tell(ANCHOR_LEFT_OUT.format(settings.anchor))
        return None
    try:
        found = commit.commit_of(settings.anchor, folder=place.folder, environment=place.environment)
    except UsageError as error:
        raise UsageError(
            f"{FILE}: [tool.bench.gate] anchor = '{settings.anchor}': {error}; 'git fetch --tags' gets tags"
        ) from error
    if found == base.facts["commit"]:
        tell(f"the anchor {settings.anchor} is the base itself, and is not measured twice")
        return None
    return recipe.prepare(recipe.parse(f"ref={settings.anchor}", name=ANCHOR), place=place, tell=tell)


def _from_merge_base(base: Recipe, *, place: Place, tell: Tell) -> Recipe:
    """Return the base with the commit where this branch left the one that was named; what it is called stays."""
    if base.ref is None:
        return base
    try:
        named = commit.commit_of(base.ref, folder=place.folder, environment=place.environment)
    except UsageError as error:
        raise UsageError(f"side {base.name} ({base.description}): {error}") from error
    found = commit.merge_base(base.ref, folder=place.folder, environment=place.environment)
    if found is None:
        tell(f"warning: {base.ref} and HEAD share no history here, as in a shallow clone; comparing with its tip")
    elif found != named:
        tell(f"base: {found[:12]}, where this branch left {base.ref}; --base-tip compares with {named[:12]} instead")
    return replace(base, ref=found or named)


def _build(tree: Path, *, repository: Path, settings: Settings) -> Build | None:
    """Return how files are built: as their own pyproject.toml says, else as the head's does."""
    base = listed.of_base(tree, repository=repository, settings=settings)
    command = (base.build if base is not None else None) or settings.build
    if command is None or settings.file is None:
        return None
    return Build(command=command, folder=settings.file.parent.relative_to(repository.resolve()))


def _same(
    base: Recipe, head: Recipe, *, ready: Mapping[str, Side], place: Place, outputs: tuple[Path, ...]
) -> str | None:
    """Return in words that both sides are the same thing, or None if they are not."""
    bare = base.description == f"ref={base.description.removeprefix('ref=')}" and base.pip is base.python is None
    if base.ref is None or not bare or base.variables:
        return None
    here = commit.commit_of("HEAD", folder=place.folder, environment=place.environment)
    found = ready[BASE].facts["commit"]
    if head.description != recipe.UNCHANGED:
        same = head.ref is not None and ready[HEAD].facts.get("commit") == found
        bare = head.pip is head.python is None and not head.variables
        return f"base and head are the same commit, {found[:12]}" if same and bare else None
    if found != here or _changed(place, outputs=outputs):
        return None
    return f"base and head are the same commit, {found[:12]}, and the working tree has no change"


def _changed(place: Place, *, outputs: tuple[Path, ...]) -> bool:
    """Whether anything but a gate's own output is not as it was committed."""
    top = commit.top_of(place.folder, environment=place.environment).resolve()
    own = [path.resolve() for path in (*outputs, place.cache)]
    changed = [(top / path).resolve() for path in commit.changes(place.folder, environment=place.environment)]
    return any(not any(path.is_relative_to(mine) for mine in own) and not _is_made(path) for path in changed)


def _is_made(path: Path) -> bool:
    """Whether a file is made by installing or importing."""
    return any(part.endswith(".egg-info") or part == "__pycache__" for part in path.parts)
