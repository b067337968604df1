"""Python files read as text, never run: which classes they define, from which they derive, what these say.

Importing a loop would import its framework, so whatever has to be known before is read here. Inheritance is followed
within a file and into other files that the import would find: our own, installed ones, those beside the file.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import final

CONTRACT = "loops.contract"

_WITHOUT_MEMBERS = {"abc", "typing"}
"""Modules whose classes, bases of others, define nothing that a loop is asked for."""

_LARGEST_BYTES = 4 << 20
"""Of a file that an ancestor is looked for in."""


@final
class SourceFile:
    """One file and the classes in it."""

    def __init__(self, source: bytes, *, folder: Path | None = None, module: str = "", package: str = "") -> None:
        """Parse it.

        Args:
            source: Its text.
            folder: Where it lies, if modules beside it can be imported by it.
            module: Its dotted name, where it was found by that.
            package: What its relative imports start from.

        Raises:
            SyntaxError: If it is not Python.
        """
        self._folder, self.module = folder, module
        self._tree = ast.parse(source)
        self.classes = {node.name: node for node in self._tree.body if isinstance(node, ast.ClassDef)}
        self.imported = _imports(self._tree, package=package)
        self._constants = dict(_named_constants(self._tree))

    def summary(self, name: str) -> str:
        """Return the first line of the module's docstring, or of the class' where a module holds several."""
        meant = [leaf for leaf in self.leaves() if self.contract_of(leaf) is not None]
        described = self.classes[name] if name in meant and len(meant) > 1 else self._tree
        return (ast.get_docstring(described) or "").partition("\n")[0]

    def defines(self, name: str) -> bool:
        """Whether the module has something of this name at its top: a function, an import, or a value."""
        functions = {node.name for node in self._tree.body if isinstance(node, ast.FunctionDef)}
        assigned = {target for target, _ in _assignments(self._tree)}
        return name in functions | assigned | self.imported.keys() | _imported_names(self._tree)

    def module_constant(self, name: str) -> str | int | None:
        """Return the text or whole number that stands under a name at the top of the module, or None."""
        return self._constants.get(name)

    def leaves(self) -> list[str]:
        """Return the classes from which no other one in the file derives."""
        bases = [self.resolved(base) for node in self.classes.values() for base in node.bases]
        return [name for name in self.classes if [name] not in bases]

    def contract_of(self, name: str) -> str | None:
        """Return from which class of the contract a class derives, the nearest one: "Loop", "Workload", ..."""
        return next((node.name for file, node in self.lineage(name) if file.module == CONTRACT), None)

    def constant(self, name: str, attribute: str) -> str | int | None:
        """Return the text or whole number that a class or its nearest ancestor assigns to an attribute, or None."""
        for file, node in self.lineage(name):
            for assigned, value in _assignments(node):
                if assigned == attribute and isinstance(value, ast.Constant) and isinstance(value.value, str | int):
                    return value.value
                if assigned == attribute and isinstance(value, ast.Name):
                    return file.module_constant(value.id)
        return None

    def own_constant(self, name: str, attribute: str) -> str | None:
        """Return the text that a class itself assigns to an attribute, whatever its ancestors say."""
        values = [value for assigned, value in _assignments(self.classes[name]) if assigned == attribute]
        texts = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
        return texts[0] if texts else None

    def left_open(self, name: str) -> list[str]:
        """Return what a class is asked for and does not define: class variables without a value, abstract methods.

        Other annotations without a value are fields of its instances. Nothing where an ancestor stands in a file that
        is not read: it may define them.
        """
        asked: dict[str, None] = {}
        defined: set[str] = set()
        for _, node in self.lineage(name):
            asked |= dict.fromkeys(_open_class_variables(node))
            defined |= {assigned for assigned, value in _assignments(node) if value is not None}
            for method in (statement for statement in node.body if isinstance(statement, ast.FunctionDef)):
                (asked.setdefault(method.name) if _is_abstract(method) else defined.add(method.name))
        return [] if self._has_strange_ancestor(name) else [member for member in asked if member not in defined]

    def _has_strange_ancestor(self, name: str) -> bool:
        """Whether a class, or one that it derives from, derives from one that is not found."""
        bases = [(file, file.resolved(base)) for file, node in self.lineage(name) for base in node.bases]
        return any(base[0] not in _WITHOUT_MEMBERS and file.find(base) is None for file, base in bases)

    def lineage(
        self, name: str, *, below: frozenset[tuple[str, str]] = frozenset()
    ) -> Iterator[tuple["SourceFile", ast.ClassDef]]:
        """Yield a class and its ancestors, depth first, with the file of each.

        Classes that derive from one another, which Python refuses once they are run, are yielded once: those ``below``
        are on the way already.
        """
        node = self.classes.get(name)
        if node is None or (self.module, name) in below:
            return
        yield self, node
        for base in node.bases:
            if (found := self.find(self.resolved(base))) is not None:
                file, base_name = found
                yield from file.lineage(base_name, below=below | {(self.module, name)})

    def find(
        self, name: Sequence[str], *, below: frozenset[tuple[str, ...]] = frozenset()
    ) -> "tuple[SourceFile, str] | None":
        """Return in which file a class stands, and what it is called there; modules may hand on what they import."""
        *package, last = name
        file = _other(".".join(package), folder=self._folder) if package else self
        if file is None or tuple(name) in below:
            return None
        if last in file.classes:
            return file, last
        handed_on = file.imported.get(last) if package else None
        return None if handed_on is None else file.find(handed_on.split("."), below=below | {tuple(name)})

    def resolved(self, expression: ast.expr) -> list[str]:
        """Return a base as written, its first part replaced by what was imported under that name."""
        first, *rest = ast.unparse(expression).split(".")
        return [*self.imported.get(first, first).split("."), *rest]


@cache
def _other(module: str, *, folder: Path | None) -> SourceFile | None:
    """Return the source of another module, or None where there is none, or none in Python.

    Args:
        module: Its name, dotted.
        folder: Where it is looked for when it is not installed, as an import does it.
    """
    found = place_of(module)
    way = Path() if folder is None else folder.joinpath(*module.split("."))
    beside = [] if folder is None else [way / "__init__.py", way.with_name(f"{way.name}.py")]
    place = next((one for one in [*([Path(found)] if found else []), *beside] if one.is_file()), None)
    if place is None or place.suffix != ".py" or place.stat().st_size > _LARGEST_BYTES:
        return None
    package = module if place.name == "__init__.py" else module.rpartition(".")[0]
    with suppress(SyntaxError, ValueError):
        return SourceFile(place.read_bytes(), folder=folder, module=module, package=package)
    return None


def place_of(module: str) -> str | None:
    """Return the file of a module, or None if there is none.

    Unlike by `importlib.util.find_spec`, nothing is imported for it: packages around a module of others may be gone,
    raise whatever they like, or take seconds.

    Raises:
        ModuleNotFoundError: If a finder refuses it, as that of a commit does.
    """
    folders: Sequence[str] | None = None
    origin: str | None = None
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        name = ".".join(parts[:length])
        finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
        try:
            found = next((spec for finder in finders if (spec := finder.find_spec(name, folders)) is not None), None)
        except KeyError:  # a folder without __init__.py: Python asks for the package around it, as it was imported
            folders, origin = [f"{folder}/{parts[length - 1]}" for folder in folders or ()], None
            continue
        if found is None or (length < len(parts) and found.submodule_search_locations is None):
            return None
        folders, origin = found.submodule_search_locations, found.origin
    return origin


def _imports(tree: ast.Module, *, package: str) -> dict[str, str]:
    """Return the names that a file imports at its top -> where they come from, dotted."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (place := _named_from(node, package=package)):
            found |= {alias.asname or alias.name: f"{place}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return found


def _named_from(node: ast.ImportFrom, *, package: str) -> str:
    """Return the module that names are imported from, dotted; nothing for a relative one outside of any package."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: max(0, len(parts) - node.level + 1)]
    return ".".join([*kept, *([node.module] if node.module else [])]) if kept else ""


def _imported_names(tree: ast.Module) -> set[str]:
    """Return the names that a file imports at its top from modules beside it, too."""
    nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name for node in nodes for alias in node.names}


def _named_constants(tree: ast.Module) -> Iterator[tuple[str, str | int]]:
    """Yield the texts and whole numbers that are assigned at the top of a file, names for other names followed."""
    known: dict[str, str | int] = {}
    for name, value in _assignments(tree):
        if isinstance(value, ast.Constant) and isinstance(value.value, str | int):
            known[name] = value.value
        elif isinstance(value, ast.Name) and value.id in known:
            known[name] = known[value.id]
    yield from known.items()


def _assignments(node: ast.ClassDef | ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield what the body of a class or a module assigns; None stands for a mere annotation."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign | ast.Assign):
            targets = [statement.target] if isinstance(statement, ast.AnnAssign) else statement.targets
            yield from ((target.id, statement.value) for target in targets if isinstance(target, ast.Name))


def _open_class_variables(node: ast.ClassDef) -> Iterator[str]:
    """Yield the class variables that a class body declares without a value."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and statement.value is None:
            declared = ast.unparse(statement.annotation).startswith("ClassVar")
            yield from [statement.target.id] if declared and isinstance(statement.target, ast.Name) else []


def _is_abstract(function: ast.FunctionDef) -> bool:
    """Whether a method is left for a subclass to write."""
    return any(ast.unparse(decorator).endswith("abstractmethod") for decorator in function.decorator_list)
