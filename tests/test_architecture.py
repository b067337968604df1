"""Imports point one way, and the harness never imports a framework."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {
    "bench": [
        {"errors", "records", "backends", "cpus", "device_nodes", "blocks"},
        {
            "stats",
            "family",
            "effort",
            "resampling",
            "steady",
            "trace",
            "ablation",
            "breakdown",
            "scaling",
            "envelope",
            "reference",
            "reference_dcgan",
            "built",
            "expectation",
        }
        | {"machine", "ceilings", "store", "schedule", "channel", "units", "markdown", "columns", "tidy", "probe"},
        {"worker", "worker_process", "launch", "trial_process", "measure", "compare", "parity", "conditions"}
        | {"checkout", "installation", "lookup", "sides"},
        {"verify_worker", "verify"},
        {"pacing", "floor"},
        {"progress", "report", "run", "export", "across"},
        {"listing", "gate", "skeletons"},
        {"verification", "gating"},
        {"judged"},
        {"cli", "pytest_plugin"},
        {"__main__"},
    ],
    "loops": [
        {"errors"},
        {"contract", "source"},
        {"workloads", "variants", "data", "hand_over", "guides", "skeletons", "user_file"},
        {"registry"},
    ],
}
FRAMEWORKS = {"tensorflow", "torch", "jax", "keras"}


def modules() -> list[Path]:
    """Return every source file."""
    return [path for package in LAYERS for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Return the dotted names a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer(package: str, part: str) -> int | None:
    """Return how far up a part of a package stands."""
    return next((level for level, parts in enumerate(LAYERS[package]) if part in parts), None)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    """A part imports its own layer or lower ones; `loops` never imports `bench`."""
    package, *rest = path.relative_to(ROOT).with_suffix("").parts
    own = layer(package, rest[0])
    for name in imported(path):
        target, *parts = name.split(".")
        if target in LAYERS and parts and (level := layer(target, parts[0])) is not None:
            assert (package, target) != ("loops", "bench"), f"{path.name} imports {name}"
            assert package != target or own is None or level <= own, f"{path.name} imports {name}"


def test_every_module_has_its_layer():
    """A new module is placed on purpose."""
    parts = {path.relative_to(ROOT).with_suffix("").parts[:2] for path in modules()}

    assert [] == [part for part in parts if part[1] != "__init__" and layer(*part) is None]


def test_the_harness_imports_no_framework():
    """Not even with everything it has; frameworks load in trials only."""
    code = (
        "import bench.cli.main, bench.runs.session, bench.cli.listing, bench.report, bench.runs.progress, sys;"
        f"print(*({FRAMEWORKS!r} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "" == done.stdout.strip()
