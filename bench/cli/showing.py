"""What is known of a loop: the answer of `bench show`."""

import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import units
from bench.machine import gpu
from bench.text import display_name
from bench.worker import frameworks
from loops import registry, selection
from loops.described import Description
from loops.source import place_of
from loops.user_file import SUFFIX


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One loop, as its source describes it; nothing of it is imported."""

    loop: str
    """Registered name."""
    title: str
    """What people call it; empty where its source does not say."""
    summary: str
    framework: str
    unavailable: str | None
    """Why it cannot run here, or None if it can."""
    change: str
    """What to type to have it, from a model that plain `fit()` trains; empty where its source does not say."""
    sources: tuple[str, ...]
    """Files: there are two where adversarial training has a body of its own."""
    cannot_train: dict[str, str]
    """Registered workload -> why not."""
    command: str
    """Measures it beside plain `fit()` of its framework, where there is one."""


def show(asked: Sequence[str]) -> tuple[Shown, ...]:
    """Return what is known of loops.

    Args:
        asked: Names, files, "all" or patterns.

    Raises:
        loops.errors.LoopError: If there is no such loop.
    """
    return tuple(_shown(name) for name in selection.chosen(asked))


def render(asked: Sequence[str], *, output_format: str) -> str:
    """Return the same as text: "table" for people, "json" for programs."""
    found = show(asked)
    if output_format == "json":
        return json.dumps([asdict(one) for one in found], indent=2)
    return "\n\n".join(_text(one) for one in found)


def _shown(name: str) -> Shown:
    """Look a loop up."""
    described = registry.describe_loop(name)
    workloads = {workload: registry.hole(name, workload) for workload in registry.workload_names()}
    able = [workload for workload, reason in workloads.items() if reason is None]
    bodies = [registry.describe_loop(name, workload=workload) for workload in able] or [described]
    return Shown(
        loop=name,
        title=described.title,
        summary=described.summary,
        framework=described.backend or "",
        unavailable=frameworks.unusable(described, device="gpu" if gpu.has_accelerator_node() else "cpu"),
        change=described.change,
        sources=tuple(dict.fromkeys(map(_source, bodies))),
        cannot_train={workload: reason for workload, reason in workloads.items() if reason is not None},
        command=_command(described, workloads=able),
    )


def _source(described: Description) -> str:
    """Return the file of a loop, as it is reached from here."""
    place = described.target.rpartition(":")[0]
    if not place.endswith(SUFFIX):
        place = place_of(place) or place
    path = Path(place)
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _command(described: Description, *, workloads: Sequence[str]) -> str:
    """Return what to type to measure a loop."""
    words = ["bench", "run"]
    if not described.is_plain_fit:
        words += [name for name in registry.LOOPS if _is_control(name, framework=described.backend)][:1]
    place = described.target.rpartition(":")[0]
    words.append(_source(described) if place.endswith(SUFFIX) else described.name)
    usual = registry.DEFAULT_WORKLOAD
    return shlex.join([*words, *([] if usual in workloads else ["--workload", *workloads[:1]])])


def _is_control(name: str, *, framework: str | None) -> bool:
    """Whether a loop is plain `fit()` of a framework."""
    described = registry.describe_loop(name)
    return described.is_plain_fit and described.backend == framework


def _text(shown: Shown) -> str:
    """Return one loop in lines for people."""
    rows = {
        "what it is": shown.title or shown.summary,
        "in its own words": shown.summary if shown.title else "",
        "framework": shown.framework + (f", not available: {shown.unavailable}" if shown.unavailable else ""),
        "in place of fit()": shown.change or units.NOT_AVAILABLE,
        "source": ", ".join(shown.sources),
        "cannot train": "; ".join(f"{workload}: {why}" for workload, why in shown.cannot_train.items()) or "-",
        "measure it": shown.command,
    }
    lines = [f"  {name:<18} {display_name(value)}" for name, value in rows.items() if value]
    return "\n".join([display_name(shown.loop), *lines])
