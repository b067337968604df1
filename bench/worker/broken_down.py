"""A process that leaves parts of its step out, block by block as the harness says."""

from collections.abc import Callable
from typing import Any

from bench.worker import ablation
from bench.worker.messages import BrokenDown, Measure, Measured
from bench.worker.wire import Channel
from loops.contract import AdversarialWorkload, Loop, Workload


def broken_down(
    loop: Loop, *, parts: ablation.Places, steps: int, channel: Channel, rest: Callable[[], None]
) -> BrokenDown:
    """Return where the time of a step goes; as many blocks are done as `ablation.turns` has said.

    Args:
        loop: Prepared and warm.
        parts: What can be left out.
        steps: Of a block.
        channel: To the harness, which says when a block is to begin.
        rest: Waits until this process is quiet.
    """
    begun = False

    def end_turn() -> None:
        if begun:
            rest()
            channel.send(Measured())

    def turn() -> None:
        nonlocal begun
        end_turn()
        begun = True
        channel.receive(Measure)

    pipeline = ablation.pipeline(loop, steps=steps, turn=turn)
    alone = ablation.step_alone(loop, steps=steps, turn=turn)
    found = ablation.ablate(loop, parts=parts, steps=steps, turn=turn)
    end_turn()
    return BrokenDown(ablations=found, pipeline_seconds=pipeline, step_alone_seconds=alone)


def is_whole(workload: Workload, *, backend: Any) -> bool:
    """Whether a step is one thing, of which no part can be left out.

    A compiled step calls none of its parts, and would only be compiled again for each that is exchanged. Where two
    models are trained, a part is not one thing.
    """
    return backend.compilations() > 0 or isinstance(workload, AdversarialWorkload)
