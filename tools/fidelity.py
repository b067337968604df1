"""Is a loop as fast under the harness as it is bare? Measured on the `guide` track, block by block in turn.

    python tools/fidelity.py [--rounds N] [--data FILE] [LOOP]...

Each round starts one trial of the harness and one plain script (`bare_loops.py`), both fresh, warms both, and then
times blocks of the same number of steps in alternating order. Prints step time bare and under the harness, and the
ratio with its 95 % interval over the rounds.
"""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from statistics import median

import platformdirs

from bench.analysis import intervals
from bench.records.cell import Cell
from bench.records.trial import BlockKind
from bench.runs.remote_trial import TrialProcess
from bench.worker.messages import TrialRequest
from loops import registry
from loops.data import mnist

LOOPS = {"tf-eager": 18, "tf-function": 350, "tf-fit": 200, "torch-native": 180, "torch-keras": 140}
"""Loop -> steps per block, about 0.15 s each on two cores."""

BLOCKS = 20


class Bare:
    """A plain script that waits for its turn."""

    def __init__(self, loop: str, *, digits: str) -> None:
        """Start it and wait until it is warm."""
        script = Path(__file__).with_name("bare_loops.py")
        self.process = subprocess.Popen(
            [sys.executable, script, loop, digits, str(LOOPS[loop])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def block(self) -> float:
        """Return the seconds of one block."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


def measure_round(loop: str, *, number: int, digits: str) -> tuple[float, float]:
    """Return median seconds per step, bare and under the harness."""
    backend = registry.describe_loop(loop).backend or ""
    cell = Cell(loop=loop, workload="mnist-mlp", track="guide", device="cpu", batch_size=32)
    request = TrialRequest(
        loop=loop,
        workload=cell.workload,
        backend=backend,
        track=cell.track,
        device=cell.device,
        batch_size=cell.batch_size,
        threads=None,
        seed=number,
        digits=digits,
        blocks=BLOCKS,
        block_seconds=0.0,  # the number of steps decides
        steps=BLOCKS * LOOPS[loop],
    )
    trial = TrialProcess(
        request,
        cell=cell,
        round_number=number,
        identity={},
        interpreter=sys.executable,
        environment=os.environ | {"KERAS_BACKEND": backend},
        log=Path(os.devnull),
        timeout=300,
    )
    bare = Bare(loop, digits=digits)
    trial.ready()
    trial.warm()
    seconds = []
    for index in range(BLOCKS):
        turns = [trial.measure, lambda: seconds.append(bare.block())]
        for turn in turns if index % 2 else reversed(turns):
            turn()
    bare.end()
    measured = trial.finish().blocks_of(BlockKind.MEASURED)
    return median(seconds) / LOOPS[loop], median(block.step_seconds for block in measured)


def main() -> None:
    """Measure the loops and print one line each."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("loops", nargs="*", default=list(LOOPS))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--data", type=Path, default=os.environ.get("BENCH_DATA"))
    arguments = parser.parse_args()
    cache = Path(platformdirs.user_cache_dir("loopbench"))
    data = Path(arguments.data) if arguments.data else None
    fixture = mnist.resolve(mnist.DatasetChoice.AUTO, file=data, cache=cache)
    print(f"{'loop':<14} {'bare us':>8} {'harness us':>10} {'ratio':>7}  95 % interval")
    for loop in arguments.loops:
        pairs = [measure_round(loop, number=number, digits=fixture.folder) for number in range(arguments.rounds)]
        bare, harness = zip(*pairs, strict=True)
        ratio = intervals.ratio_interval(harness, bare)
        assert ratio is not None
        print(
            f"{loop:<14} {median(bare) * 1e6:8.0f} {median(harness) * 1e6:10.0f} {ratio.estimate:7.3f}  "
            f"{ratio.low:.3f} to {ratio.high:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
