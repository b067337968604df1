"""What does it cost a loop to be watched for starvation? Blocks that are watched against blocks that are not.

    python tools/watching.py [--turns N] [--data FILE] [LOOP]...

One process per loop, all alive at once, takes turns with the others as in a run. A turn is two blocks, each behind its
run-in: one with what a run reads around them (waiting in the run queue, processor time, involuntary switches), and one
with the clock alone; which of them comes first is left to chance. Prints, per loop, the step time of watched blocks
over that of the others, the typical ratio of a turn (Hodges and Lehmann) with its 95 % interval. Then how long it takes
to read what every program of the machine uses, which a run does once before and once after all blocks of a round.
"""

import json
import os
import sys
from collections.abc import Iterator
from random import Random
from time import perf_counter_ns

from run_in import asked, digits_of, ready, started, warmed_up

from bench.analysis import intervals
from bench.machine import activity
from bench.records.trial import BlockKind
from bench.runs.options import BLOCK_SECONDS, RUN_IN_SECONDS
from bench.worker.runner import rest
from bench.worker.stopwatch import Clocks, Stopwatch

LOOPS = ("numpy", "jax-jit", "tf-function", "torch-native", "torch-keras")


NOTHING_ELSE = Clocks(cpu=lambda: 0, switches=lambda: 0, waited=lambda: None)
"""The time, and no other clock."""


def train_in_turns(name: str, *, digits: str) -> None:
    """Be the process of one loop: train a block, behind its run-in, for each line on stdin, and print its step time."""
    loop = ready(name, digits=digits)
    watches = {"watched": Stopwatch(loop.synchronise), "clock": Stopwatch(loop.synchronise, clocks=NOTHING_ELSE)}

    def turns() -> Iterator[int]:
        steps = yield from warmed_up(loop, stopwatch=watches["clock"], seconds=BLOCK_SECONDS)
        before = round(steps * RUN_IN_SECONDS / BLOCK_SECONDS / loop.steps_per_call) * loop.steps_per_call
        rest()
        print("ready", flush=True)
        for line in sys.stdin:
            stopwatch = watches[line.strip()]
            stopwatch.start()
            yield before
            stopwatch.lap(BlockKind.RUN_IN, steps=before)
            yield steps
            *_, block = stopwatch.stop(BlockKind.MEASURED, steps=steps)
            rest()
            print(json.dumps(block.step_seconds), flush=True)
        os._exit(0)

    loop.train(turns())


def main() -> None:
    """Measure the loops and print one line each."""
    arguments = asked(__doc__, loops=LOOPS, turns=250)
    if arguments.train:
        train_in_turns(arguments.train, digits=arguments.digits)
        return
    loops = list(arguments.loops)
    processes = started(loops, digits=digits_of(arguments), script=__file__)
    ratios: dict[str, list[float]] = {name: [] for name in loops}
    order = Random(0)  # noqa: S311 - not for secrets
    for _ in range(arguments.turns):
        for name in order.sample(loops, len(loops)):
            steps = {}
            for how in order.sample(["watched", "clock"], 2):
                processes[name].stdin.write(f"{how}\n")
                processes[name].stdin.flush()
                steps[how] = json.loads(processes[name].stdout.readline())
            ratios[name].append(steps["watched"] / steps["clock"])
    for process in processes.values():
        process.stdin.close()
        process.wait()
    for name, found in ratios.items():
        ratio = intervals.signed_rank_interval(found)
        print(f"{name:<15} {ratio.estimate:.3f} ({ratio.low:.3f} to {ratio.high:.3f}), {len(found)} turns")
    begin = perf_counter_ns()
    activity.read()
    print(f"reading the machine: {(perf_counter_ns() - begin) / 1e6:.1f} ms")


if __name__ == "__main__":
    main()
