"""A process that is profiled: blocks under the framework's own profiler among blocks without it.

The parts of a step are named in the trace, as far as a loop calls them: `loops.contract.Parts` says how. What is timed
here is ranked nowhere, since a profiler takes time of its own: how much is told by the blocks without it.
"""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, final

from bench.records.profile import NAMED
from bench.records.trial import Block, BlockKind
from bench.units import Seconds
from bench.worker.ablation import Places
from bench.worker.messages import Finish, Profile, Profiled
from bench.worker.wire import Channel

MOST_TRACED_STEPS = 400
"""A trace of so many steps tells what one of ten times as many does; it is 5 MB where a step has 100 operations."""

Blocks = Callable[[BlockKind, int], Generator[int, None, Block]]
"""Hands steps to the loop and returns their block."""


@final
class NamedParts:
    """Has the calls of a step appear under their names while a trace is recorded, and costs next to nothing else."""

    def __init__(self, annotate: Callable[[str], Any]) -> None:
        """Name nothing yet.

        Args:
            annotate: Of the framework: name -> context in which what happens goes by it.
        """
        self.recording = False
        self._annotate = annotate
        self._named = set[tuple[int, str]]()

    def name(self, places: Places) -> None:
        """Take the place of these calls; of one that is named already, nothing changes."""
        for part, calls in places.items():
            for owner, name in calls:
                if (id(owner), name) not in self._named:
                    self._named.add((id(owner), name))
                    setattr(owner, name, self._called(getattr(owner, name), part=part))

    def _called(self, call: Callable[..., Any], *, part: str) -> Callable[..., Any]:
        """Return a function that does the same under the name of a part."""

        # A function rather than an object: as an attribute of a class it is handed the instance.
        def named(*arguments: Any, **options: Any) -> Any:
            if not self.recording:
                return call(*arguments, **options)
            with self._annotate(f"{NAMED}{part}"):
                return call(*arguments, **options)

        return named


def blocks(
    channel: Channel,
    *,
    block: Blocks,
    backend: Any,
    parts: NamedParts,
    step_seconds: Seconds,
    steps_per_call: int,
) -> Generator[int, None, None]:
    """Yield the steps of each block that the harness asks for, and answer with what came of it.

    Args:
        channel: For what the harness asks, up to `Finish`, and for the answers.
        block: Hands steps to the loop.
        backend: The framework's functions, see `bench.worker.frameworks.Backend`.
        parts: Of a step.
        step_seconds: What a step takes without a profiler.
        steps_per_call: What steps have to be a multiple of.
    """
    while isinstance(command := channel.receive(Profile, Finish), Profile):
        most = None if command.folder is None else MOST_TRACED_STEPS
        steps = steps_for(command.seconds, step_seconds=step_seconds, steps_per_call=steps_per_call, most=most)
        folder = None if command.folder is None else Path(command.folder)
        problem = None if folder is None else backend.start_trace(folder)
        parts.recording = folder is not None and problem is None
        done = yield from block(BlockKind.MEASURED, steps)
        trace = str(backend.stop_trace(folder)) if parts.recording else None
        parts.recording = False
        channel.send(Profiled(block=done, trace=trace, problem=problem))


def steps_for(seconds: Seconds, *, step_seconds: Seconds, steps_per_call: int, most: int | None) -> int:
    """Return how many steps take about so long, in whole calls; at most so many, but for a single call.

    >>> steps_for(1.0, step_seconds=0.002, steps_per_call=1, most=400)
    400
    >>> steps_for(1.0, step_seconds=0.002, steps_per_call=100, most=None)
    500
    """
    wanted = seconds / step_seconds if most is None else min(seconds / step_seconds, most)
    return max(1, round(wanted / steps_per_call)) * steps_per_call
