"""Is a loop as fast under the harness as it is bare, alone and without a pause?

    python tools/fidelity.py [--alternations N] [--seconds SEC] [--data FILE] [LOOP]...

Each alternation runs, one after the other and in turned order every second time: each loop as a plain script
(`bare_loops.py`) alone, `bench run` of all of them interleaved, and sequential; one round each, fresh processes
throughout. Prints step time bare and under the harness, and the ratios with 95 % intervals over the alternations.
"""

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path

import platformdirs

from bench.analysis import intervals
from bench.analysis.process import trial_step_seconds
from bench.records import loading
from loops.data import mnist

LOOPS = {
    **dict.fromkeys(("tf-eager", "tf-function", "tf-fit", "torch-native", "torch-keras"), "guide"),
    "jax-jit": "matched",
}
"""Loop -> the track on which the plain script trains as the harness does."""

COMPANY = {"guide": (), "matched": ("tf-function", "torch-native")}
"""Track -> who takes turns with the loops that are asked for: nobody interleaves alone."""

HARNESS = ("interleaved", "sequential")


def bare(loop: str, *, digits: str, seconds: float) -> float:
    """Return the seconds per step of a plain script."""
    script = Path(__file__).with_name("bare_loops.py")
    done = subprocess.run(
        [sys.executable, script, loop, digits, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return float(done.stdout)


def harnessed(loops: list[str], *, track: str, schedule: str) -> dict[str, float]:
    """Return loop -> seconds per step of one round of `bench run`."""
    company = [loop for loop in COMPANY[track] if loop not in loops]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench", "run", *loops, *company, "--track", track, "--schedule", schedule]
        command += ["--rounds", "1", "--no-report", "--results-dir", folder]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        (stored,) = (place for place in Path(folder).iterdir() if place.is_dir())
        run = loading.load(stored)
    found = {trial.cell.loop: trial_step_seconds(trial) for trial in run.trials}
    return {loop: found[loop] or 0.0 for loop in loops}


def alternation(loops: list[str], *, number: int, digits: str, seconds: float) -> dict[tuple[str, str], float]:
    """Return (loop, how) -> seconds per step, each measured once."""
    found: dict[tuple[str, str], float] = {}

    def plain() -> None:
        for loop in loops:
            found[loop, "bare"] = bare(loop, digits=digits, seconds=seconds)

    def under(schedule: str) -> None:
        for track in COMPANY:
            if mine := [loop for loop in loops if LOOPS[loop] == track]:
                measured = harnessed(mine, track=track, schedule=schedule)
                found.update({(loop, schedule): step for loop, step in measured.items()})

    turns = [plain, *(lambda schedule=schedule: under(schedule) for schedule in HARNESS)]
    for turn in turns if number % 2 == 0 else reversed(turns):
        turn()
    return found


def main() -> None:
    """Measure the loops and print one line each."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("loops", nargs="*", default=list(LOOPS))
    parser.add_argument("--alternations", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--data", type=Path, default=os.environ.get("BENCH_DATA"))
    arguments = parser.parse_args()
    cache = Path(platformdirs.user_cache_dir("loopbench"))
    data = Path(arguments.data) if arguments.data else None
    fixture = mnist.resolve(mnist.DatasetChoice.AUTO, file=data, cache=cache)
    steps: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(arguments.alternations):
        found = alternation(list(arguments.loops), number=number, digits=fixture.folder, seconds=arguments.seconds)
        for key, step in found.items():
            steps[key].append(step)
        print(f"alternation {number + 1} of {arguments.alternations} done", file=sys.stderr, flush=True)
    print(f"| {'loop':<14} | bare, us/step | interleaved / bare | sequential / bare |\n|:--|--:|--:|--:|")
    for loop in arguments.loops:
        ratios = [intervals.ratio_interval(steps[loop, how], steps[loop, "bare"]) for how in HARNESS]
        told = [
            f"{one.estimate:.3f}" + ("" if one.low is None else f" ({one.low:.3f} to {one.high:.3f})")
            for one in ratios
            if one is not None
        ]
        alone = intervals.geometric_mean_interval(steps[loop, "bare"])
        assert alone is not None
        print(f"| {f'`{loop}`':<14} | {alone.estimate * 1e6:,.0f} | {' | '.join(told)} |")


if __name__ == "__main__":
    main()
