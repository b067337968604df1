"""Sides of a comparison: what a user writes for an environment, and how it is made ready before anything is measured.

A side changes what is measured, never what measures: `bench.sides.launcher` keeps the running harness in front of it.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import which

from bench import redaction
from bench.errors import UsageError
from bench.records.cell import Side
from bench.sides.build import Build, once, run
from bench.sides.commit import Checkout, check_out, top_of
from bench.sides.launcher import holds_loops
from bench.sides.requirement import examine, install

UNCHANGED = "here"
"""How a side is written that changes nothing."""

KINDS = ("python", "ref", "pip", "env")
_FORMS = "python=PATH, ref=GIT-REF, pip=REQUIREMENT, env=NAME=VALUE, several of them separated by commas, or 'here'"
_BETWEEN_PARTS = re.compile(rf",(?=(?:{'|'.join(KINDS)})=)")

Tell = Callable[[str], None]
"""Told what takes long, one line at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A side as it was written."""

    name: str
    description: str
    python: str | None = None
    """Interpreter, not looked for yet."""
    ref: str | None = None
    """Commit, as git takes it."""
    pip: str | None = None
    """Requirement, as pip takes it."""
    variables: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a side is made ready."""

    folder: Path
    """The user's current directory."""
    cache: Path
    """Commits and environments are kept here."""
    environment: Mapping[str, str]
    """The parent's."""
    build_of: Callable[[Path, Path], Build | None] = lambda _tree, _repository: None
    """Files and top folder of the working tree -> the command that makes what git does not track, if there is one."""
    working_tree: bool = False
    """Whether "here" is compared with a commit: then it imports from the same folders, whatever is installed."""


def parse(text: str, *, name: str) -> Recipe:
    """Read what a user wrote for a side; nothing is looked up yet.

    Args:
        text: Such as "env=OMP_NUM_THREADS=1" or "ref=main,pip=keras>=3,<4"; a comma separates only before a kind.
        name: What the side is called.

    Raises:
        UsageError: If it cannot be read.
    """
    given: dict[str, str] = {}
    variables: dict[str, str] = {}
    for part in [] if text == UNCHANGED else _BETWEEN_PARTS.split(text):
        kind, _, value = part.partition("=")
        if kind not in KINDS or not value:
            raise UsageError(f"side {name}: '{part}' is no environment; write {_FORMS}")
        if kind == "env":
            variable, equals, content = value.partition("=")
            if not (variable and equals):
                raise UsageError(f"side {name}: '{part}' gives no value; write env={value or 'NAME'}=VALUE")
            variables[variable] = content
        elif kind in given:
            raise UsageError(f"side {name}: {kind}= is given twice, '{given[kind]}' and '{value}'; give one of them")
        else:
            given[kind] = value
    return Recipe(name=name, description=text, variables=variables, **given)


def prepare(recipe: Recipe, *, place: Place, tell: Tell) -> Side:
    """Make ready what a side needs: find the interpreter, lay out the commit, install the requirement.

    Raises:
        UsageError: If any of it cannot be had, with what git or pip said.
    """
    _remember(recipe.variables)
    try:
        return _prepare(recipe, place=place, tell=lambda text: tell(f"side {recipe.name}: {text}"))
    except UsageError as error:
        raise UsageError(f"side {recipe.name} ({recipe.description}): {error}") from error


def restored(side: Side, *, environment: Mapping[str, str]) -> Side:
    """Return a side that was read back as it was: with paths below the home folder, and with the values of variables.

    A value that looked secret was not stored. It has to be given again, by a variable of its own, so that the other
    side does not get it.

    Raises:
        UsageError: If a value is missing or is another one.
    """
    variables = {}
    for name, stored in side.variables.items():
        given_by = f"BENCH_VALUE_{side.name}_{name}"
        value = environment.get(given_by, "") if redaction.is_mark(stored) else stored
        if redaction.is_mark(stored) and not redaction.stands_for(stored, name=name, value=value):
            found = "the value there is another one" if value else "it is not stored"
            raise UsageError(f"{side} cannot go on without the value of {name}: {found}; set {given_by} to it")
        variables[name] = value
    restored = replace(
        side,
        interpreter=None if side.interpreter is None else redaction.at_home(side.interpreter),
        python_path=tuple(redaction.at_home(path) for path in side.python_path),
        tree=None if side.tree is None else redaction.at_home(side.tree),
        facts=side.facts
        | {name: redaction.at_home(side.facts[name]) for name in ("repository",) if name in side.facts},
        variables=variables,
    )
    _remember(restored.variables)
    return restored


def _remember(variables: Mapping[str, str]) -> None:
    """Have values that look secret taken out of all that is stored from now on."""
    for name, value in variables.items():
        if redaction.is_secret(name, value):
            redaction.remember(name, value)


def still_there(side: Side) -> bool:
    """Whether everything that was made ready for a side exists."""
    places = [*side.python_path, *([side.interpreter] if side.interpreter else [])]
    return all(Path(path).exists() for path in places)


def _prepare(recipe: Recipe, *, place: Place, tell: Tell) -> Side:
    """Put the parts together: the commit's files first, then what was installed, then the user's folder."""
    facts: dict[str, str] = {}
    python_path: list[str] = []
    tree: str | None = None
    interpreter = None if recipe.python is None else _find(recipe.python, place=place)
    if interpreter is not None:
        facts["python"] = examine(interpreter, environment=place.environment).version
    if recipe.ref is not None:
        found = _built(recipe.ref, interpreter=interpreter or sys.executable, place=place, tell=tell)
        facts |= {"commit": found.commit, "subject": found.subject, "repository": str(found.repository)}
        python_path += _folders(found.tree, repository=found.repository, place=place)
        tree = str(found.tree)
    if recipe.pip is not None:
        installed = install(
            recipe.pip,
            base=examine(interpreter or sys.executable, environment=place.environment),
            cache=place.cache,
            environment=place.environment,
            tell=tell,
        )
        interpreter = installed.interpreter
        python_path.append(installed.folder)  # named, because the user's folder and PYTHONPATH must not hide it
        facts |= installed.versions
    if recipe.ref is None and place.working_tree:
        python_path += _working_tree(place, tell=tell)
    elif recipe.ref is None and not holds_loops(place.folder):
        python_path.append(str(place.folder))  # as `python -m` has it; with a commit, it would hide what is asked for
    return Side(
        name=recipe.name,
        description=recipe.description,
        interpreter=interpreter,
        python_path=tuple(python_path),
        variables=recipe.variables,
        tree=tree,
        facts=facts,
    )


def _find(program: str, *, place: Place) -> str:
    """Find an interpreter as a shell would.

    Raises:
        UsageError: If there is none.
    """
    found = which(program, path=place.environment.get("PATH"))
    if found is None:
        raise UsageError("there is no such program; give the path of a Python")
    return str(Path(found).absolute())  # not resolved: a virtual environment is known by the link


def _built(reference: str, *, interpreter: str, place: Place, tell: Tell) -> Checkout:
    """Lay out a commit, and make what git does not track; the files as they are stay beside those that were built."""
    lay_out = partial(check_out, reference, folder=place.folder, cache=place.cache, environment=place.environment)
    found = lay_out()
    build = place.build_of(found.tree, found.repository)
    if build is None:
        return found
    found = lay_out(variant=build.variant(interpreter=interpreter))
    once(build, tree=found.tree, environment=place.environment, tell=tell)
    return found


def _working_tree(place: Place, *, tell: Tell) -> list[str]:
    """Return where the working tree's code is imported from, when a commit is imported from the same folders."""
    repository = top_of(place.folder, environment=place.environment)
    build = place.build_of(repository, repository)
    if build is not None:
        run(build, top=repository, environment=place.environment, tell=tell)
    folders = _folders(repository, repository=repository, place=place)
    return [folder for folder in folders if not holds_loops(Path(folder))]


def _folders(tree: Path, *, repository: Path, place: Place) -> list[str]:
    """Return where code in a repository's files is imported from: what the user has on the path, as it was then."""
    here = place.folder.resolve()
    inherited = [Path(part).resolve() for part in place.environment.get("PYTHONPATH", "").split(os.pathsep) if part]
    top = repository.resolve()
    wanted = [here, here / "src", *inherited, top, top / "src"]
    then = [tree / path.relative_to(top) for path in wanted if path.is_relative_to(top)]
    return list(dict.fromkeys(str(path) for path in then if path.is_dir()))
