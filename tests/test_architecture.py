"""Imports point one way, and the harness never imports a framework."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GROUND = {"errors", "units", "text", "files", "redaction"}
"""Flat files on which every room stands."""
ROOMS = [
    *("records", "machine", "worker", "sides", "verify", "analysis", "runs", "report", "gate", "history"),
    *("fleet", "cli"),
]
"""From the ground up: a room imports only what stands before it."""
DOORS = {"__init__", "__main__", "api", "pytest_plugin"}
"""Flat files by which others come in; they stand above all rooms."""
NARROWER = {
    "analysis": {"records"},
    "report": set(ROOMS[: ROOMS.index("report")]) - {"runs"},
    "history": {"records", "analysis", "report"},
}
"""Rooms that may import less than all that stands before them."""
MOST_ARROWS = 90
MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_FIELDS = 400, 60, 20
LOOPS = [
    {"errors", "nested", "source"},
    {"samples"},
    {"contract", "seal", "regular", "recipe", "torch_metric", "torch_names", "described"},
    {
        *("workloads", "variants", "data", "hand_over", "guides", "skeletons", "user_file"),
        *("outcomes", "own_step", "jax_state", "drain", "intake", "precision", "keras_to_torch", "around_the_update"),
        "counting",
    },
    {"registry"},
    {"prepared", "preparation", "selection"},
    {"handed_in"},
]
FRAMEWORKS = {"tensorflow", "torch", "jax", "keras"}
TESTED_ELSEWHERE = {
    "tests/bench/records/test_forged.py": "forged journals meet the whole room, not one file of it",
    "tests/loops/data/test_hostile_archives.py": "hostile archives meet reader, cache and fixture alike",
    "tests/loops/test_hostile_files.py": "hostile files of users meet all that reads one",
}
"""Test file below `tests/bench` or `tests/loops` that has no source of its name -> why it stands there."""


def modules() -> list[Path]:
    """Return every source file."""
    return [path for package in ("bench", "loops") for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Return the dotted names a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def place(path: Path) -> str:
    """Return the room or flat file of a package in which a source file stands."""
    return path.relative_to(ROOT).with_suffix("").parts[1]


def allowed(room: str) -> set[str]:
    """Return what a place of `bench` may import beside itself."""
    if room in GROUND:
        return GROUND
    if room in DOORS:
        return GROUND | set(ROOMS) | DOORS
    return GROUND | {"__version__"} | NARROWER.get(room, set(ROOMS[: ROOMS.index(room)]))


def arrows() -> set[tuple[str, str]]:
    """Return which place of `bench` imports which other one."""
    parts = GROUND | set(ROOMS) | DOORS
    return {
        (place(path), name.split(".")[1])
        for path in modules()
        for name in imported(path)
        if path.relative_to(ROOT).parts[0] == "bench" and name.startswith("bench.")
        if name.split(".")[1] in parts and name.split(".")[1] != place(path)
    }


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    """A place imports what stands before it; `loops` never imports `bench`."""
    package = path.relative_to(ROOT).parts[0]
    own = place(path)
    for name in imported(path):
        target, *rest = name.split(".")
        assert (package, target) != ("loops", "bench"), f"{path.name} imports {name}"
        if target != package or not rest or rest[0] == own:
            continue
        if package == "bench":
            assert rest[0] in allowed(own), f"{path.relative_to(ROOT)} imports {name}"
        elif own != "__init__":
            heights = {part: height for height, parts in enumerate(LOOPS) for part in parts}
            assert heights.get(rest[0], 0) <= heights[own], f"{path.name} imports {name}"


def test_every_module_has_its_place():
    """A new file or room is placed on purpose."""
    known = {"bench": GROUND | set(ROOMS) | DOORS, "loops": {"__init__"}.union(*LOOPS)}

    assert [] == [path for path in modules() if place(path) not in known[path.relative_to(ROOT).parts[0]]]


def test_every_test_file_mirrors_its_source():
    """`tests/bench/gate/test_judge.py` tests `bench/gate/judge.py`, and `test_init.py` an `__init__.py`."""
    special = {"init": "__init__", "main": "__main__"}
    tests = [path for package in ("bench", "loops") for path in (ROOT / "tests" / package).rglob("test_*.py")]
    sources = {}
    for path in tests:
        name = path.stem.removeprefix("test_")
        folder = ROOT / path.relative_to(ROOT / "tests").parent
        sources[str(path.relative_to(ROOT))] = [folder / f"{stem}.py" for stem in (name, special.get(name, name))]

    without = {test for test, candidates in sources.items() if not any(path.is_file() for path in candidates)}
    assert len(tests) > 50
    assert without == set(TESTED_ELSEWHERE)


def test_few_arrows_run_between_the_places():
    """Whoever looks for a thing follows few of them; `pytest -s` shows how many."""
    found = arrows()
    print(f"\n{len(found)} arrows between {len(GROUND | set(ROOMS) | DOORS)} places of bench")

    assert len(found) <= MOST_ARROWS


def lines(node: ast.stmt) -> int:
    """Return how many lines a statement takes."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_nothing_is_too_long_to_be_read_at_once():
    """No module over 400 lines, no function over 60."""
    files = [*modules(), *sorted((ROOT / "tools").glob("*.py"))]
    trees = {path: ast.parse(path.read_text()) for path in files}
    functions = [
        (f"{path.relative_to(ROOT)}: {node.name}", lines(node))
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    whole = [(str(path.relative_to(ROOT)), len(path.read_text().splitlines())) for path in files]

    assert [] == [one for one in whole if one[1] > MOST_LINES]
    assert [] == [one for one in functions if one[1] > MOST_LINES_OF_A_FUNCTION]


def test_a_record_of_many_fields_says_why():
    """Below the first line of its docstring."""
    classes = [
        node for path in modules() for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
    ]
    large = [one for one in classes if sum(isinstance(part, ast.AnnAssign) for part in one.body) > MOST_FIELDS]

    assert {"Trial", "Plan", "Options", "Report"} == {one.name for one in large}
    assert all("because" in (ast.get_docstring(one) or "") for one in large)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for(room):
    """Its caption is the first line that a reader of the folder meets."""
    assert ast.get_docstring(ast.parse((ROOT / "bench" / room / "__init__.py").read_text()))


def test_no_room_bears_the_name_of_a_public_function():
    """`bench.run` and its like are to be functions."""
    assert not {"run", "measure", "load", "ab", "load_history"} & set(ROOMS)


def test_the_harness_imports_no_framework():
    """Not even with everything it has; frameworks load in trials only."""
    code = (
        "import bench.cli.main, bench.runs.session, bench.cli.listing, bench.report, bench.runs.progress, sys;"
        f"print(*({FRAMEWORKS!r} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "" == done.stdout.strip()
