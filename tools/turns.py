"""What does it cost a loop to be measured in turns, and to be watched for starvation? Pairs of blocks of one process.

    python tools/turns.py [--turns N] [--run-in SECONDS]... [--data FILE] [LOOP]...

One process per loop, all alive at once, takes turns with the others as in a run. A turn is several blocks of each loop,
in an order left to chance: one as a run measures it, the first behind a run-in and with what a run reads around them
(waiting in the run queue, processor time, involuntary switches); one behind the same run-in, with the clock alone; one
with the clock alone that is reached without a pause after `UNDISTURBED` seconds of training, as in a plain script; and
one behind each other run-in that is asked for. Prints, per loop, the step time of each over that of the one without a
pause, and of the first over the clock alone: the typical ratio of a turn (Hodges and Lehmann) with its 95 % interval.
The last line takes all loops of a turn together. Both blocks of a ratio are of one process: what processes differ by,
which is far more, is in neither. Then how long it takes to read what every program of the machine uses, which a run
does once before and once after all blocks of a round.
"""

import json
import os
import sys
from collections.abc import Iterator
from itertools import product
from random import Random
from statistics import geometric_mean
from time import perf_counter_ns

from run_in import digits_of, parser_of, ready, started, warmed_up

from bench.analysis import intervals
from bench.machine import activity
from bench.records.trial import BlockKind
from bench.runs.options import BLOCK_SECONDS, RUN_IN_SECONDS
from bench.worker.runner import rest
from bench.worker.stopwatch import Clocks, Stopwatch
from loops.contract import Loop

LOOPS = ("numpy", "jax-jit", "tf-function", "tf-fit", "torch-native", "torch-keras")
UNDISTURBED = 0.6
AS_A_RUN = "as a run"

NOTHING_ELSE = Clocks(cpu=lambda: 0, switches=lambda: 0, waited=lambda: None)
"""The time, and no other clock."""


def train_in_turns(loop: Loop) -> None:
    """Be the process of one loop: train a block, behind its run-in, for each line on stdin, and print its step time."""
    watched, clock = Stopwatch(loop.synchronise), Stopwatch(loop.synchronise, clocks=NOTHING_ELSE)

    def turns() -> Iterator[int]:
        steps = yield from warmed_up(loop, stopwatch=clock, seconds=BLOCK_SECONDS)
        rest()
        print("ready", flush=True)
        for line in sys.stdin:
            how = line.strip()
            stopwatch, seconds = (watched, RUN_IN_SECONDS) if how == AS_A_RUN else (clock, float(how))
            before = round(steps * seconds / BLOCK_SECONDS / loop.steps_per_call) * loop.steps_per_call
            stopwatch.start()
            yield before
            stopwatch.lap(BlockKind.RUN_IN, steps=before)
            yield steps
            stopwatch.lap(BlockKind.MEASURED, steps=steps)
            *_, block = stopwatch.stop()
            rest()
            watched.rested()
            print(json.dumps(block.step_seconds), flush=True)
        os._exit(0)

    loop.train(turns())


def told(ratios: list[float]) -> str:
    """Return "1.004 (0.995 to 1.013)", without an interval from fewer than six turns."""
    ratio = intervals.signed_rank_interval(ratios)
    if ratio.low is None:
        return f"{ratio.estimate:<22.3f}"
    return f"{ratio.estimate:<5.3f} ({ratio.low:.3f} to {ratio.high:.3f})"


def geometric_means(by_loop: list[list[float]]) -> list[float]:
    """Return the mean over the loops, turn by turn."""
    return [geometric_mean(turn) for turn in zip(*by_loop, strict=True)]


def main() -> None:
    """Measure the loops and print one line each."""
    parser = parser_of(__doc__, loops=LOOPS, turns=120)
    parser.add_argument("--run-in", type=float, action="append", default=[], metavar="SECONDS", help="try this as well")
    arguments = parser.parse_args()
    if arguments.train:
        train_in_turns(ready(arguments.train, digits=arguments.digits))
        return
    loops = list(arguments.loops)
    processes = started(loops, digits=digits_of(arguments), script=__file__)
    ways = [AS_A_RUN, *map(str, sorted({RUN_IN_SECONDS, UNDISTURBED, *arguments.run_in}))]
    steps: dict[str, dict[str, list[float]]] = {name: {way: [] for way in ways} for name in loops}
    blocks = list(product(loops, ways))
    order = Random(0)  # noqa: S311 - not for secrets
    for turn in range(arguments.turns):
        print(f"\rturn {turn + 1} of {arguments.turns}", end="", file=sys.stderr, flush=True)
        for name, way in order.sample(blocks, len(blocks)):
            processes[name].stdin.write(f"{way}\n")
            processes[name].stdin.flush()
            steps[name][way].append(json.loads(processes[name].stdout.readline()))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    print(file=sys.stderr)
    pairs = [(AS_A_RUN, str(RUN_IN_SECONDS)), *((way, str(UNDISTURBED)) for way in ways if way != str(UNDISTURBED))]
    print(f"{'':<15}" + "".join(f"{f'{way} / {other}':<24}" for way, other in pairs))
    ratios = {
        name: [[a / b for a, b in zip(found[way], found[other], strict=True)] for way, other in pairs]
        for name, found in steps.items()
    }
    for name, found in ratios.items():
        print(f"{name:<15}{'  '.join(map(told, found))}")
    together = [geometric_means([ratios[name][number] for name in loops]) for number in range(len(pairs))]
    print(f"{'all together':<15}{'  '.join(map(told, together))}")
    begin = perf_counter_ns()
    activity.read()
    print(f"reading the machine: {(perf_counter_ns() - begin) / 1e6:.1f} ms")


if __name__ == "__main__":
    main()
