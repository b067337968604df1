"""What does `bench run --on local` cost over a plain run, in seconds and in step time? Whole runs in turn, in pairs.

    python tools/on_local.py [--pairs 4] [--rounds 2] [LOOP]...

Of each pair the first one changes. Prints how many seconds more a campaign takes, and each loop's step time under Ray
over that without, with 95 % intervals over the pairs. Needs the extra `ray`; nothing else may run on the machine.
"""

import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path

from bench.analysis import intervals
from bench.analysis.process import trial_step_seconds
from bench.records import loading

WAYS = {"plain": [], "on local": ["--on", "local"]}
LOOPS = ("tf-function", "torch-native", "jax-jit")


def measured(loops, *, rounds, options):
    """Return how many seconds a run took, and loop -> mean seconds per step of its processes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench", "run", *loops, "--rounds", str(rounds), "--no-report"]
        started = time.monotonic()
        subprocess.run(
            [*command, "--results-dir", folder, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        seconds = time.monotonic() - started
        [journal] = Path(folder).rglob("journal.jsonl")
        run = loading.load(journal.parent)
    steps = defaultdict(list)
    for trial in run.trials:
        steps[trial.cell.loop].append(trial_step_seconds(trial))
    return seconds, {loop: intervals.geometric_mean_interval(steps[loop]).estimate for loop in loops}


def main():
    """Measure pairs and print one line for the seconds and one for each loop."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("loops", nargs="*", default=LOOPS)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    seconds, steps = defaultdict(list), defaultdict(list)
    for pair in range(arguments.pairs):
        for way in list(WAYS) if pair % 2 == 0 else reversed(WAYS):
            took, found = measured(arguments.loops, rounds=arguments.rounds, options=WAYS[way])
            seconds[way].append(took)
            for loop, step in found.items():
                steps[loop, way].append(step)
            print(f"pair {pair + 1} of {arguments.pairs}: {way} {took:.0f} s", file=sys.stderr, flush=True)
    more = [local - plain for plain, local in zip(*(seconds[way] for way in WAYS), strict=True)]
    print(f"seconds more, pair by pair: {', '.join(f'{one:.1f}' for one in more)}")
    for loop in arguments.loops:
        ratio = intervals.ratio_interval(*(steps[loop, way] for way in reversed(WAYS)))
        print(f"{loop}: {ratio.estimate:.3f} ({ratio.low:.3f} to {ratio.high:.3f})")


if __name__ == "__main__":
    main()
