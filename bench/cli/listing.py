"""What exists and what is available here: the answers of `bench list` and `bench env`."""

import json
import os
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import units
from bench.files import SOURCE_TREE
from bench.machine import gpu
from bench.text import display_name, table
from bench.worker import frameworks
from loops import guides, registry
from loops.described import Description
from loops.errors import LoopError

Row = dict[str, str]

_LIST_WIDTH, _LEAST_BESIDE = 80, 28
A_LOOK: units.Seconds = 1.0
"""For so long the machine is looked at, to say who is busy."""


def render(what: str, *, results: Path, output_format: str, limit: int = 20) -> str:
    """Return a list of loops, workloads, devices or runs as text.

    Args:
        what: "loops", "workloads", "guides", "devices" or "runs".
        results: Where runs are stored.
        output_format: "table" or "json".
        limit: The most runs that are listed, the newest.
    """
    listings: dict[str, Callable[[], list[Row]]] = {
        "loops": loops,
        "workloads": workloads,
        "guides": systems,
        "devices": devices,
        "runs": lambda: runs(results, limit=limit),
    }
    rows = listings[what]()
    if output_format == "json":
        return json.dumps(rows, indent=2)
    if not rows:
        return f"no {what} yet: {results}"
    room = width(os.environ)
    return _by_framework(rows, width=room) if what == "loops" else _fitting(rows, width=room)


def width(environment: Mapping[str, str]) -> int:
    """Return how wide the terminal is that is written to; 0 where there is none, as in a pipe."""
    said = environment.get("COLUMNS", "")
    if said.isdigit() and int(said):
        return int(said)
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0


def _by_framework(rows: Sequence[Row], *, width: int) -> str:
    """Return loops below the names of their frameworks, each with what it is in a few words, or why it is not here.

    Args:
        rows: Of all loops.
        width: Of the terminal; 0 where there is none. Where the words have no room beside the names, they go below.
    """
    lines: list[str] = []
    frameworks_of_rows = dict.fromkeys(row["framework"] for row in rows)
    longest = max(len(row["loop"]) for row in rows)
    room = min(width or _LIST_WIDTH, _LIST_WIDTH)
    is_wide = room - longest - 4 >= _LEAST_BESIDE
    indent = " " * (longest + 4 if is_wide else 4)
    for framework in frameworks_of_rows:
        lines += ["", framework or "not readable"] if lines else [framework or "not readable"]
        for row in (one for one in rows if one["framework"] == framework):
            beside = row["title"] or row["what it is"] if row["available"] == "yes" else row["available"]
            words = textwrap.wrap(beside, max(_LEAST_BESIDE, room - len(indent)), break_long_words=False) or [""]
            if is_wide:
                lines.append(f"  {row['loop']:<{longest}}  {words.pop(0)}".rstrip())
            else:
                lines.append(f"  {row['loop']}")
            lines += [indent + rest for rest in words]
    last = textwrap.wrap("bench show LOOP says what to type to have one, and what it cannot train.", room)
    return "\n".join([*lines, "", *last])


def _fitting(rows: Sequence[Row], *, width: int) -> str:
    """Return a table where it fits, else row by row: a name that is cut or folded is another name.

    Args:
        rows: All with the same columns; the first one names a row.
        width: Of the terminal; 0 where there is none, as in a pipe.
    """
    whole = table(rows)
    if not width or max(len(line) for line in whole.splitlines()) <= width:
        return whole
    lines = []
    for row in rows:
        (_, name), *others = row.items()
        lines.append(name)
        for column, value in others:
            indent = " " * (len(column) + 4)
            folded = textwrap.wrap(
                value, max(_LEAST_BESIDE, width - len(indent)), break_long_words=False, break_on_hyphens=False
            )
            lines += [f"  {column}: {folded[0]}", *(indent + rest for rest in folded[1:])] if folded else []
    return "\n".join(lines)


def render_environment(*, environment: Mapping[str, str], output_format: str) -> str:
    """Return the machine's passport and what would disturb a measurement, as text."""
    from bench.machine import activity, passport  # noqa: PLC0415 - psutil is needed here only
    from bench.machine import disturbances as disturbing  # noqa: PLC0415

    facts = passport.passport(environment=environment, source_tree=SOURCE_TREE)
    disturbances = disturbing.disturbances(environment=environment, activity=activity.of_the_next(A_LOOK))
    if output_format == "json":
        return json.dumps({"passport": facts, "disturbances": disturbances}, indent=2)
    lines = [f"{display_name(fact):<28}  {display_name(value)}" for fact, value in facts.items()]
    quiet = ["nothing found that would disturb a measurement"]
    return "\n".join([*lines, "", *(f"! {sentence}" for sentence in disturbances or ()), *(quiet * (not disturbances))])


def loops() -> list[Row]:
    """Return every loop, and whether what it needs is here."""
    device = "gpu" if gpu.has_accelerator_node() else "cpu"
    rows = []
    for name, description in _described().items():
        if isinstance(description, LoopError):
            rows.append(dict.fromkeys(LOOP_COLUMNS, "") | {"loop": name, "available": f"no: {description}"})
            continue
        reason = frameworks.unusable(description, device=device)
        rows.append(
            {
                "loop": name,
                "framework": description.backend or "",
                "available": "yes" if reason is None else f"no: {reason}",
                "trains": _trained(name),
                "title": description.title,
                "what it is": description.summary,
            }
        )
    return rows


def workloads() -> list[Row]:
    """Return every workload, and which loops can train it: all of them, or which, or all but which and why not."""
    rows = []
    every = [loop for loop, found in _described().items() if not isinstance(found, LoopError)]
    for name in registry.workload_names():
        holes = {loop: reason for loop in every if (reason := registry.hole(loop, name)) is not None}
        able = [loop for loop in every if loop not in holes]
        reasons = "; ".join(dict.fromkeys(holes.values()))
        carried = f"{', '.join(able)}; the others are {reasons}"
        if len(holes) < len(able):
            carried = f"all but {', '.join(holes)}, {reasons}" if holes else "all"
        rows.append({"workload": name, "loops": carried, "what it is": registry.describe_workload(name).summary})
    return rows


def systems() -> list[Row]:
    """Return every system of the guides, and the loop and workload that stand for it here."""
    return [
        {
            "guides": system.name,
            "teaches": system.teaches,
            "loop": ", ".join(system.loops),
            "workload": system.workload,
            "the guide's figure": system.figure,
            "command": f"bench run --track guide --workload {system.workload} {' '.join(system.loops)}",
        }
        for system in guides.SYSTEMS
    ]


def _described() -> dict[str, Description | LoopError]:
    """Return what each loop's source says, or why that of another package cannot be read."""
    found: dict[str, Description | LoopError] = {}
    for name in registry.loop_names():
        try:
            found[name] = registry.describe_loop(name)
        except LoopError as error:
            found[name] = error
    return found


def _trained(loop: str) -> str:
    """Return which workloads a loop can train, in words."""
    holes = [name for name in registry.workload_names() if registry.hole(loop, name) is not None]
    return f"all but {', '.join(holes)}" if holes else "all"


def devices() -> list[Row]:
    """Return what each framework sees; each is asked in a process of its own, which takes seconds."""
    from bench.worker.sight import look  # noqa: PLC0415

    used = dict.fromkeys(found.backend or "" for found in _described().values() if not isinstance(found, LoopError))
    sights = [
        look(backend, interpreter=sys.executable, environment=os.environ)
        for backend in used
        if backend in frameworks.DISTRIBUTIONS
    ]
    return [
        {
            "framework": sight.backend,
            "version": sight.versions.get(sight.backend, "n/a"),
            "sees": sight.reason or ", ".join(sight.devices),
        }
        for sight in sights
    ]


def runs(results: Path, *, limit: int) -> list[Row]:
    """Return the newest stored runs, oldest of them first; one that cannot be read is listed with the reason."""
    from bench.history import reader, sources  # noqa: PLC0415 - SciPy, which other lists need not load

    rows = []
    for source in list(sources.sources(results).values())[-limit:]:
        found = reader.read(results, [source])
        problem = found["source_rows"]["problem"][0] if found["source_rows"]["run"] else "gone"
        if problem is not None:
            rows.append(dict.fromkeys(RUN_COLUMNS, "") | {"run": source.run, "state": f"unreadable: {problem}"})
            continue
        run = {name: column[0] for name, column in found["run_rows"].items()}
        rows.append(
            {
                "run": source.run,
                "started": f"{run['started']:%Y-%m-%d %H:%M}" if run["started"] else units.NOT_AVAILABLE,
                "machine": display_name(run["machine_title"]),
                "commit": (run["commit"] or "")[:10],
                "name": display_name(run["name"] or ""),
                "headline": _headline(found["loop_rows"]),
                "state": "complete" if run["complete"] else "incomplete",
                "trials": str(run["processes"]),
                "command": display_name(run["command"]),
            }
        )
    return rows


LOOP_COLUMNS = ("loop", "framework", "available", "trains", "title", "what it is")

RUN_COLUMNS = ("run", "started", "machine", "commit", "name", "headline", "state", "trials", "command")


def _headline(loops: Mapping[str, Sequence[Any]]) -> str:
    """Return the fastest loop of a run and its step time, and how many others there were."""
    places = [place for place, state in enumerate(loops["state"]) if state == "measured" and loops["as_is"][place]]
    if not places:
        return "nothing was measured"
    best = min(places, key=lambda place: loops["step_seconds"][place])
    beside = f" (of {len(places)})" if len(places) > 1 else ""
    step = units.milliseconds(loops["step_seconds"][best])
    return f"{display_name(loops['loop'][best])} {step} ms/step{beside}"
