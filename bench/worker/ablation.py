"""Where the time of a step goes, found by leaving parts of it out.

    turns         says how many blocks the rest takes
    pipeline      times handing over batches, and nothing else
    step_alone    times the step on one and the same batch
    ablate        times the whole step, then without metric, without optimizer too, and so on, at last without any step

Parts are left out on top of one another, so what they save adds up to the step. Each block is a turn among those of
the other processes, as in the measurement that it explains: one that runs on and on finds its data in the caches, and
is faster than what is ranked. A loop calls its parts through objects that it holds: such a call is answered with what
it returned last. Where a framework has compiled the step nothing in it is called any more: it is left out as a whole,
and what remains is the loop around it, `fit()` itself where that is the loop.
The optimizer does not see all steps, so what the loop learns is worth nothing: the process that is ranked is another
one.

Which calls do which part, and how batches are had, a loop says itself: `parts` and `epochs` of `loops.contract`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice, repeat
from time import perf_counter_ns
from typing import Any, final

from bench.records.trial import Ablation, interquartile_mean
from bench.units import Seconds
from loops.contract import Loop
from loops.errors import UnsupportedCell

INNER = ("metric", "optimizer", "backward", "forward")
WHOLE = ("step", "fit step")
"""All of a step; either is there, or neither. It can be left out where it was compiled, too."""
PARTS = (*INNER, *WHOLE)
"""In the order in which they are left out: the last ones of a step first. The loss is part of the forward pass."""

REPEATS = 12
"""Blocks of each kind, in turn."""

Places = Mapping[str, tuple[tuple[Any, str], ...]]
"""Part -> the calls that do it, as object or class and name."""

_FETCHING_TURNS = 1 + (1 + REPEATS)
"""Of the pipeline and of the step alone, whose first block is not timed."""
MOST_TURNS = _FETCHING_TURNS + 1 + len(PARTS) * REPEATS

Turn = Callable[[], None]
"""Waits until this process may run a block; called before each."""

NANOSECONDS = 1e9


def refuse_older_contract() -> None:
    """Refuse loops of an older commit, which do not say what their parts are.

    Raises:
        UnsupportedCell: If the contract that they come with knows no parts.
    """
    if not hasattr(Loop, "parts"):
        raise UnsupportedCell(
            "these loops come from a commit whose contract does not name the parts of a step: they can be measured, "
            "but not broken down"
        )


def places(loop: Loop, *, backward: tuple[Any, str] | None, compiled: bool) -> Places:
    """Return through which calls a loop does the parts of a step, in the order in which they are left out.

    Args:
        loop: Prepared and warm.
        backward: Object and name of the function that does the backward pass; None where nobody calls one.
        compiled: Whether calls inside of a step would only be noticed when it is compiled anew.
    """
    parts = loop.parts()
    found: dict[str, tuple[tuple[Any, str], ...]] = {
        "metric": parts.metric,
        "optimizer": parts.optimizer,
        "backward": (backward,) if backward else (),
        "forward": parts.forward,
        "step": getattr(parts, "step", ()),  # an older commit's contract knows no such part
        "fit step": getattr(parts, "fit_step", ()),
    }
    return {part: found[part] for part in (WHOLE if compiled else PARTS) if found[part]}


def ablate(loop: Loop, *, parts: Places, steps: int, turn: Turn) -> tuple[Ablation, ...]:
    """Time blocks of a loop with more and more left out.

    Args:
        loop: Prepared and warm; it can train no further afterwards.
        parts: As `places` returned them.
        steps: Of a block, as the loop can do them.
        turn: Called before each turn, of which the first is not timed.

    Returns:
        The whole step first. Nothing where no part is called by the loop.
    """
    if not parts:
        return ()
    switches = {part: [_Switch(owner, name) for owner, name in calls] for part, calls in parts.items()}
    ladder = [tuple(parts)[:count] for count in range(len(parts) + 1)]
    times: dict[tuple[str, ...], list[Seconds]] = defaultdict(list)

    def blocks() -> Iterator[int]:
        turn()
        yield steps
        for left_out in (ladder + ladder[::-1]) * (REPEATS // 2):  # so that none always follows the same one
            for part, found in switches.items():
                for switch in found:
                    switch.left_out = part in left_out
            yield from _timed(loop, steps=steps, times=times[left_out], turn=turn)

    loop.train(blocks())
    called = {part for part, found in switches.items() if any(switch.answered for switch in found)}
    if not called:
        return ()
    return tuple(
        Ablation(
            left_out=tuple(part for part in left_out if part in called),
            step_seconds=interquartile_mean(seconds),
            block_step_seconds=tuple(seconds),
        )
        for left_out, seconds in times.items()
        if not left_out or left_out[-1] in called
    )


def turns(loop: Loop, *, parts: Places) -> int:
    """Return how many turns a breakdown takes.

    Args:
        loop: Prepared.
        parts: As `places` returned them.
    """
    laddered = 1 + (1 + len(parts)) * REPEATS if parts else 0
    return _FETCHING_TURNS * (loop.epochs() is not None) + laddered


def pipeline(loop: Loop, *, steps: int, turn: Turn) -> Seconds | None:
    """Time handing over batches, in seconds per batch, in one turn; None where a framework fetches them itself."""
    batches = loop.epochs()
    if batches is None:
        return None
    turn()
    times = []
    for _ in range(REPEATS):
        begin = _now(loop)
        for _ in islice(batches, steps // loop.steps_per_call):
            pass
        times.append((_now(loop) - begin) / steps)
    return interquartile_mean(times)


def step_alone(loop: Loop, *, steps: int, turn: Turn) -> Seconds | None:
    """Time steps that all get the same batch, in seconds; None where a framework fetches batches itself."""
    batches = loop.epochs()
    if batches is None:
        return None
    batch = next(batches)
    epochs = loop.epochs
    loop.epochs = lambda: repeat(batch)  # type: ignore[method-assign]
    times: list[Seconds] = []

    def blocks() -> Iterator[int]:
        turn()
        yield steps
        for _ in range(REPEATS):
            yield from _timed(loop, steps=steps, times=times, turn=turn)

    loop.train(blocks())
    loop.epochs = epochs  # type: ignore[method-assign]
    return interquartile_mean(times)


@final
class _Switch:
    """A function that can be left out: its calls go through, or are answered with what it returned last.

    What a class calls, such as `model(x)`, is looked up in the class, so there the owner is the class.
    """

    def __init__(self, owner: Any, name: str) -> None:
        """Take the function's place."""
        self.left_out = False
        self.answered = False
        self._call: Callable[..., Any] = getattr(owner, name)
        self._last: Any = None

        # A function rather than this object: as an attribute of a class it is handed the instance.
        def method(*arguments: Any, **options: Any) -> Any:
            return self._answer(*arguments, **options)

        setattr(owner, name, method)

    def _answer(self, *arguments: Any, **options: Any) -> Any:
        """Do it, or leave it out."""
        if self.left_out:
            self.answered = True
        else:
            self._last = self._call(*arguments, **options)
        return self._last


def _timed(loop: Loop, *, steps: int, times: list[Seconds], turn: Turn) -> Iterator[int]:
    """Hand two blocks to the loop when it is its turn, and add the seconds of one step of the second.

    Steps take longer after a pause, and after a block that left almost everything out.
    """
    turn()
    yield steps
    begin = _now(loop)
    yield steps
    times.append((_now(loop) - begin) / steps)


def _now(loop: Loop) -> Seconds:
    """Return the time when the device is idle."""
    loop.synchronise()
    return perf_counter_ns() / NANOSECONDS
