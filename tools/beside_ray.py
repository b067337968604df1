"""Do Ray's processes slow down the steps that `bench run --on` measures? Pairs of blocks, with and without them.

    python tools/beside_ray.py [--turns N] [--data FILE] [LOOP]...

A campaign of `bench run --on local` goes on all the while, with all that it takes: Ray's processes, our end on the
machine, what reads its journal and shows it. What it measures is a loop that mostly rests, so that the processors are
free. One process per loop is alive beside it and trains blocks, behind a run-in each, in an order left to chance; in
half of each turn every process that a run without `--on` has not is stopped (SIGSTOP). Half a second goes by behind
each stop and each going on, in which they do what they had missed. Prints per loop the step time with them over that
without, the typical ratio of a turn (Hodges and Lehmann) with its 95 % interval, and how much of a core they used.
Both blocks of a ratio are of one process and two seconds apart: what whole runs differ by (`tools/on_local.py`) is in
neither. Needs the extra `ray` and Linux; nothing else may run on the machine.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import psutil
import turns
from run_in import digits_of, parser_of, started

from bench.runs.options import RUN_IN_SECONDS

LOOPS = ("tf-function", "torch-native", "jax-jit")
RESTING = '''"""A loop that mostly rests."""

from time import sleep

from loops.variants.numpy_by_hand import NumpyByHand


class Resting(NumpyByHand):
    """NumPy by hand, with two seconds of rest in each block."""

    def train(self, blocks):
        """Train block after block."""
        super().train(self.rested(blocks))

    def rested(self, blocks):
        """Hand on the blocks; the next one is asked for when one is done."""
        for steps in blocks:
            yield steps
            sleep(2.0)
'''
BEGIN_WITHIN = 120.0
SETTLED = 0.5
"""Seconds in which processes that go on do what they had missed."""


@contextmanager
def campaign(folder: Path) -> Iterator[psutil.Process]:
    """Have a campaign measure the loop that rests, here, until the body is done."""
    (folder / "resting.py").write_text(RESTING)
    words = ["run", "resting.py", "--on", "local", "--rounds", "1000", "--no-verify", "--no-report"]
    running = subprocess.Popen(
        [sys.executable, "-m", "bench", *words, "--results-dir", str(folder / "results")],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "errors").open("w"),
    )
    found = psutil.Process(running.pid)
    try:
        yield found
    finally:
        running.send_signal(signal.SIGCONT)
        running.terminate()
        running.wait()


def of_ray(campaign: psutil.Process) -> list[psutil.Process]:
    """Return the campaign's processes that a run without `--on` has not."""
    everyone = [campaign, *campaign.children(recursive=True)]
    measuring = [one for one in everyone if one != campaign and {"bench", "run"} <= set(_words(one))]
    without = {one.pid for top in measuring for one in (top, *top.children(recursive=True))}
    return [one for one in everyone if one.pid not in without]


def wait_until_measured(campaign: psutil.Process, *, folder: Path) -> None:
    """Return when the loop that rests is being measured on the machine.

    Raises:
        SystemExit: If that does not happen in time.
    """
    end = time.monotonic() + BEGIN_WITHIN
    while time.monotonic() < end and campaign.is_running() and campaign.status() != psutil.STATUS_ZOMBIE:
        if any("resting" in " ".join(_words(one)) for one in campaign.children(recursive=True)):
            return
        time.sleep(0.5)
    raise SystemExit(f"the campaign did not begin: {(folder / 'errors').read_text()[-1000:]}")


def let(processes: list[psutil.Process], *, run: bool) -> None:
    """Stop processes, or have them go on."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT if run else signal.SIGSTOP)


def processor_seconds(processes: list[psutil.Process]) -> dict[int, float]:
    """Return process id -> what it has used so far."""
    found = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            found[process.pid] = used.user + used.system
    return found


def main() -> None:
    """Measure the loops and print one line each."""
    parser = parser_of(__doc__, loops=LOOPS, turns=120)
    arguments = parser.parse_args()
    loops, order = list(arguments.loops), Random(0)  # noqa: S311 - not for secrets
    digits = digits_of(arguments)
    steps: dict[tuple[str, bool], list[float]] = {key: [] for key in product(loops, (True, False))}
    with TemporaryDirectory(prefix="bench-beside-ray-") as name, campaign(Path(name)) as running:
        wait_until_measured(running, folder=Path(name))
        processes = started(loops, digits=digits, script=turns.__file__)
        used = before = processor_seconds(of_ray(running))
        spent, begin = 0.0, time.monotonic()
        for turn in range(arguments.turns):
            print(f"\rturn {turn + 1} of {arguments.turns}", end="", file=sys.stderr, flush=True)
            theirs = of_ray(running)
            for with_them in order.sample((True, False), 2):
                let(theirs, run=with_them)
                time.sleep(SETTLED)
                for loop in order.sample(loops, len(loops)):
                    processes[loop].stdin.write(f"{RUN_IN_SECONDS}\n")
                    processes[loop].stdin.flush()
                    steps[loop, with_them].append(float(processes[loop].stdout.readline()))
            let(theirs, run=True)
            used = processor_seconds(of_ray(running))
            spent += sum(max(0.0, seconds - before.get(pid, 0.0)) for pid, seconds in used.items())
            before = used
        elapsed = time.monotonic() - begin
        for process in processes.values():
            process.stdin.close()
            process.wait()
    print(file=sys.stderr)
    by_loop = []
    for loop in loops:
        ratios = [a / b for a, b in zip(steps[loop, True], steps[loop, False], strict=True)]
        by_loop.append(ratios)
        print(f"{loop:<15}{turns.told(ratios)}")
    print(f"{'all together':<15}{turns.told(turns.geometric_means(by_loop))}")
    share = 100.0 * spent / (elapsed / 2.0)
    print(f"{len(used)} processes, which used {share:.1f} % of a core in the half of the time in which they ran")


def _words(process: psutil.Process) -> list[str]:
    """Return its command line; nothing where it is gone."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


if __name__ == "__main__":
    main()
