"""What a side has of the loops and workloads: `python -m bench.sides.inventory ANSWER`, in a process of that side.

Its sources, entry points and libraries may be others than the harness', so the harness asks before it measures.
"""

import json
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.files import SOURCE_TREE, temporary_folder
from bench.machine import kept
from bench.records.cell import Cell, Side
from bench.records.trial import Failure, FailureKind, Trial
from bench.sides.launcher import Launcher
from bench.units import Seconds
from bench.worker import frameworks, origin
from loops import registry
from loops.errors import InvalidSource, LoopError

PATIENCE: Seconds = 120.0
"""Finding a module imports the packages around it, which are the user's."""

ENTRY_POINTS = ("bench.loops", "bench.adversarial_loops", "bench.workloads")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A loop and a workload, as a side's own sources describe them."""

    loop: str
    workload: str
    backend: str = ""
    loop_sha256: str | None = None
    workload_sha256: str | None = None
    sources: tuple[str, ...] = ()
    """The files of both."""
    missing: str | None = None
    """Why the side does not have them."""
    broken: str | None = None
    """Why their source cannot be read although it is there."""
    framework: str | None = None
    """Why the framework cannot be used."""
    needs_gpu: bool = False
    """Whether there is nothing to measure on a CPU."""


Inventory = Mapping[tuple[str, str], Found]
"""What one side has: loop and workload -> what was found."""


def look(side: Side, *, loops: Collection[str], workloads: Collection[str], launcher: Launcher) -> Inventory:
    """Ask one side for every loop on every workload.

    Raises:
        UsageError: If the side cannot answer.
    """
    with temporary_folder() as folder:
        answer = folder / "inventory.json"
        try:
            asked = kept.run(
                [launcher.interpreter("", side=side), "-m", "bench.sides.inventory", str(answer)],
                text=json.dumps({"loops": list(loops), "workloads": list(workloads)}),
                environment=launcher.environment(backend="", device="cpu", threads=None, side=side),
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise UsageError(f"{side}: no answer within {PATIENCE:g} s") from None
        text = answer.read_text() if answer.exists() else ""
    if asked.returncode != 0:
        lines = asked.stderr.decode(errors="replace").strip().splitlines() or [f"exited with code {asked.returncode}"]
        raise UsageError(f"{side}: its loops cannot be read: {lines[-1]}")
    rows = [_convert(row, side=side) for row in json.loads(text)]
    return {(found.loop, found.workload): found for found in rows}


def row(cell: Cell, found: Found, *, side: Side, ask_framework: bool) -> Trial | None:
    """Return the row of a cell that this side cannot measure, or None if it can.

    Args:
        cell: To be measured.
        found: What the side has of it.
        side: Where.
        ask_framework: False where another interpreter will run it.
    """
    if found.missing is not None:
        kind, message = FailureKind.UNAVAILABLE, f"{side} has no {cell.loop}: {found.missing}"
    elif found.broken is not None:
        kind, message = FailureKind.RAISED, f"{side} cannot import {cell.loop}: {found.broken}"
    elif found.framework is not None and ask_framework:
        kind, message = FailureKind.UNAVAILABLE, f"{side}: {found.framework}"
    elif found.needs_gpu and cell.device == "cpu":
        kind, message = FailureKind.UNAVAILABLE, f"{side}: {frameworks.NO_GPU}"
    else:
        return None
    return Trial(cell=cell, round=0, failure=Failure(kind=kind, phase="start", message=message))


def _convert(row: dict[str, Any], *, side: Side) -> Found:
    """Read one row of the answer; what comes from the user's working tree is not the commit's."""
    found = Found(**row | {"sources": tuple(row["sources"])})
    repository = side.facts.get("repository")
    strangers = [] if repository is None else [s for s in found.sources if _strange(Path(s), side, Path(repository))]
    if not strangers:
        return found
    return Found(loop=found.loop, workload=found.workload, missing=f"{strangers[0]} is not part of that commit")


def _strange(source: Path, side: Side, repository: Path) -> bool:
    """Whether a file is the working tree's, which stands behind the commit's files on the path."""
    source, repository = source.resolve(), repository.resolve()
    ours = repository != SOURCE_TREE and source.is_relative_to(SOURCE_TREE)
    asked_for = any(source.is_relative_to(Path(folder).resolve()) for folder in side.python_path)
    return source.is_relative_to(repository) and not (ours or asked_for or "site-packages" in source.parts)


def _describe(loop: str, workload: str) -> Found:
    """Describe one pair from here."""
    try:
        described, trained = registry.describe_loop(loop, workload=workload), registry.describe_workload(workload)
        sources = tuple(_source(one.target) for one in (described, trained))
    except InvalidSource as error:
        return Found(loop=loop, workload=workload, broken=str(error))
    except LoopError as error:
        return Found(loop=loop, workload=workload, missing=str(error))
    except (ImportError, SyntaxError) as error:  # the registry of an older commit lets the second one through
        if isinstance(error, ModuleNotFoundError) and error.name in _packages(loop, workload):
            return Found(loop=loop, workload=workload, missing=str(error))
        return Found(loop=loop, workload=workload, broken=f"{type(error).__name__}: {error}")
    backend = described.backend or ""
    facts = asdict(described)  # the registry may be an older commit's, which knows nothing of what a loop needs
    return Found(
        loop=loop,
        workload=workload,
        backend=backend,
        loop_sha256=described.sha256,
        workload_sha256=trained.sha256,
        sources=sources,
        framework=frameworks.missing(backend, requires=facts.get("requires", "")),
        needs_gpu=facts.get("needs_gpu", False),
    )


def _packages(*names: str) -> set[str]:
    """Return the packages around the modules that other distributions register under these names."""
    points = [point for group in ENTRY_POINTS for point in entry_points(group=group) if point.name in names]
    return {
        ".".join(parts[:length])
        for point in points
        for parts in [point.module.split(".")]
        for length in range(1, len(parts) + 1)
    }


def _source(target: str) -> str:
    """Return the file of "module:Class", or of "path:Class"."""
    module = target.rpartition(":")[0]
    if module.endswith(".py"):
        return module
    specification = find_spec(module)
    return (specification and specification.origin) or ""


def main() -> None:
    """Answer one request."""
    origin.keep_to_commit()
    request = json.load(sys.stdin)
    found = [_describe(loop, workload) for workload in request["workloads"] for loop in request["loops"]]
    Path(sys.argv[1]).write_text(json.dumps([asdict(one) for one in found]))


if __name__ == "__main__":
    main()
