"""After how long does a step no longer know that its process has waited? Step time against position after a pause.

    python tools/run_in.py [--turns N] [--data FILE] [LOOP]...

One process per loop, all alive at once, takes turns with the others as in a run, in shuffled order. A turn is `TURN`
long, with the clock read every `PIECE`. Prints, per loop, the step time in each stretch of a turn as a ratio to that of
the last third of the turn, geometric mean over turns, with its 95 % interval. The run-in (`bench.runs.options`) has to
cover the stretches whose ratio is not 1.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Generator, Iterator, Sequence
from math import exp, log
from pathlib import Path
from random import Random
from statistics import fmean, stdev

import platformdirs
from scipy import stats

from bench.records.trial import Block, BlockKind
from bench.worker.messages import TrialRequest
from bench.worker.runner import import_framework, job_of, rest
from bench.worker.stopwatch import Stopwatch
from bench.worker.trained import workload_of
from loops import registry
from loops.contract import Loop
from loops.data import mnist

LOOPS = ("tf-eager", "tf-function", "tf-fit", "torch-native", "torch-keras")
TURN, PIECE, WARM_UP = 0.3, 0.005, 0.5
STRETCHES = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2)
"""Seconds after the pause at which stretches begin; the last one, to the end of the turn, is the measure."""


def ready(name: str, *, digits: str, workload: str = "mnist-mlp", prepared: str | None = None) -> Loop:
    """Return a loop of this process, ready to train a workload; of a user's, the folder that it was prepared in."""
    backend = registry.describe_loop(name).backend or ""
    request = TrialRequest(
        loop=name,
        workload=workload,
        prepared=prepared,
        backend=backend,
        track="matched",
        device="cpu",
        batch_size=32,
        threads=None,
        seed=0,
        digits=digits,
        blocks=1,
        block_seconds=PIECE,
        steps=None,
    )
    import_framework(backend, device="cpu", threads=None)
    loop = registry.load_loop(name, workload=request.workload)
    job, _ = job_of(request, workload=workload_of(request))
    loop.prepare(job)
    return loop


def piece(steps: int, *, stopwatch: Stopwatch) -> Generator[int, None, Block]:
    """Have so many steps trained, and return their times."""
    stopwatch.start()
    yield steps
    stopwatch.lap(BlockKind.MEASURED, steps=steps)
    return stopwatch.stop()[-1]


def warmed_up(loop: Loop, *, stopwatch: Stopwatch, seconds: float) -> Generator[int, None, int]:
    """Have a loop train until it is warm, and return how many of its steps take so long."""
    warm = 0.0
    while warm < WARM_UP:
        block = yield from piece(loop.steps_per_call, stopwatch=stopwatch)
        warm += block.seconds
    return max(1, round(seconds / block.step_seconds / loop.steps_per_call)) * loop.steps_per_call


def train_in_turns(name: str, *, digits: str) -> None:
    """Be the process of one loop: warm up, then train one turn for each line on stdin, and print its pieces."""
    loop = ready(name, digits=digits)
    stopwatch = Stopwatch(loop.synchronise)

    def turns() -> Iterator[int]:
        steps = yield from warmed_up(loop, stopwatch=stopwatch, seconds=PIECE)
        rest()
        print("ready", flush=True)
        for _ in sys.stdin:
            pieces, spent = [], 0.0
            while spent < TURN:
                block = yield from piece(steps, stopwatch=stopwatch)
                pieces.append((spent, block.step_seconds))
                spent += block.seconds
            rest()
            print(json.dumps(pieces), flush=True)
        os._exit(0)

    loop.train(turns())


def started(loops: list[str], *, digits: str, script: str) -> dict[str, subprocess.Popen[str]]:
    """Return loop -> its process, warm; one after the other."""
    return {name: start(name, digits=digits, script=script) for name in loops}


def start(name: str, *more: str, digits: str, script: str) -> subprocess.Popen[str]:
    """Return the process of a loop, warm."""
    process = subprocess.Popen(
        [sys.executable, script, "--train", name, "--digits", digits, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"KERAS_BACKEND": registry.describe_loop(name).backend or ""},
    )
    if process.stdout.readline() != "ready\n":
        raise SystemExit(f"{name}: did not start")
    return process


def measure(loops: list[str], *, digits: str, turns: int) -> dict[str, list[list[tuple[float, float]]]]:
    """Return loop -> the pieces of each turn: seconds since the pause, seconds per step."""
    processes = started(loops, digits=digits, script=__file__)
    found: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in loops}
    order = Random(0)  # noqa: S311 - not for secrets
    for _ in range(turns):
        for name in order.sample(loops, len(loops)):
            process = processes[name]
            process.stdin.write("\n")
            process.stdin.flush()
            found[name].append(json.loads(process.stdout.readline()))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return found


def ratios(pieces: list[tuple[float, float]]) -> list[float | None]:
    """Return the step time of each stretch of a turn over that of the last; None where no piece begins in it."""
    stretches = [
        [step for begun, step in pieces if low <= begun < high]
        for low, high in zip(STRETCHES, (*STRETCHES[1:], TURN), strict=True)
    ]
    return [fmean(steps) / fmean(stretches[-1]) if steps and stretches[-1] else None for steps in stretches[:-1]]


def told(values: list[float]) -> str:
    """Return "1.043 ±0.012"."""
    logarithms = [log(value) for value in values]
    half = stats.t.ppf(0.975, len(values) - 1) * stdev(logarithms) / len(values) ** 0.5
    return f"{exp(fmean(logarithms)):.3f} ±{half:.3f}"


def parser_of(description: str, *, loops: Sequence[str], turns: int) -> ArgumentParser:
    """Return what reads the command line."""
    parser = ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("loops", nargs="*", default=list(loops))
    parser.add_argument("--turns", type=int, default=turns)
    parser.add_argument("--data", type=Path, default=os.environ.get("BENCH_DATA"))
    parser.add_argument("--train", help="be the process of this loop")
    parser.add_argument("--digits")
    return parser


def digits_of(arguments: Namespace) -> str:
    """Return the folder of the digits that are trained on."""
    data = Path(arguments.data) if arguments.data else None
    cache = Path(platformdirs.user_cache_dir("loopbench"))
    return mnist.resolve(mnist.DatasetChoice.AUTO, file=data, cache=cache).folder


def main() -> None:
    """Measure the loops and print one line each."""
    arguments = parser_of(__doc__, loops=LOOPS, turns=60).parse_args()
    if arguments.train:
        train_in_turns(arguments.train, digits=arguments.digits)
        return
    found = measure(list(arguments.loops), digits=digits_of(arguments), turns=arguments.turns)
    print(f"{'ms after the pause':<18}" + "".join(f"{name:>15}" for name in found))
    by_loop = {name: [ratios(pieces) for pieces in turns] for name, turns in found.items()}
    for number, begin in enumerate(STRETCHES[:-1]):
        cells = []
        for each in by_loop.values():
            values = [turn[number] for turn in each if turn[number] is not None]
            cells.append(told(values) if len(values) > 1 else "-")
        stretch = f"{begin * 1e3:>5.0f} to {STRETCHES[number + 1] * 1e3:>4.0f}"
        print(f"{stretch:<18}" + "".join(f"{one:>15}" for one in cells))


if __name__ == "__main__":
    main()
