"""How often does the gate err on this machine? Gates of one loop against itself, plain and with planted extra work.

    python tools/study_real.py [--minutes 10] [--loop numpy] [--percent 10]

The planted slowdown is real work: after each block a second model of the same loop trains some per cent more steps.
Prints one line per gate and a Markdown table at the end. Run it with nothing else on the machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

PLUGIN = '''"""A loop that does some per cent more steps than it is asked for, on a second model."""

import os

from {module} import {name}

SHARE = float(os.environ.get("STUDY_PERCENT", "0")) / 100.0


class Study({name}):
    """The loop, and extra work between its last step and the clock."""

    backend = "{backend}"

    def prepare(self, job):
        """Build it twice when there is extra work to do."""
        super().prepare(job)
        self.shadow = {name}() if SHARE else None
        if self.shadow is not None:
            self.shadow.prepare(job)

    def train(self, blocks):
        """Train block after block, each followed by what is planted."""
        super().train(self.with_extra(blocks))

    def with_extra(self, blocks):
        """Hand on the blocks; the clock is read when the next one is asked for."""
        owed = 0.0
        for steps in blocks:
            yield steps
            owed += steps * SHARE
            extra, owed = int(owed), owed - int(owed)
            if extra:
                self.shadow.train([extra])
'''


def install(folder: Path, *, loop: str) -> None:
    """Lay out a package with the loop `study`, as pip would."""
    from loops import registry

    described = registry.describe_loop(loop, workload="mnist-mlp")
    module, _, name = described.target.partition(":")
    (folder / "study_loop.py").write_text(PLUGIN.format(module=module, name=name, backend=described.backend))
    information = folder / "study-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: study\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[bench.loops]\nstudy = study_loop:Study\n")


def gate(folder: Path, *, percent: tuple[float, float], seed: int) -> tuple[dict, float]:
    """Run one gate and return its verdict and the seconds it took."""
    begin = time.monotonic()
    base, head = (f"env=STUDY_PERCENT={share:g}" for share in percent)
    subprocess.run(
        [sys.executable, "-m", "bench", "gate", "study", "--base", base, "--head", head, "--no-verify", "--no-report"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parent.parent}", "BENCH_SEED": str(seed)},
        check=False,
        capture_output=True,
    )
    return json.loads((folder / "bench-verdict.json").read_text()), time.monotonic() - begin


def main() -> None:
    """Run gates of each kind in turn until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("STUDY_MINUTES", "10")))
    parser.add_argument("--loop", default="numpy")
    parser.add_argument("--percent", type=float, default=10.0)
    options = parser.parse_args()
    kinds = {
        "same code": (0.0, 0.0),
        f"{options.percent:g} % slower": (0.0, options.percent),
        f"{options.percent:g} % faster": (options.percent, 0.0),
    }
    found: dict[str, list[tuple[dict, float]]] = {kind: [] for kind in kinds}
    end = time.monotonic() + 60.0 * options.minutes
    with tempfile.TemporaryDirectory(prefix="bench-study-") as name:
        folder = Path(name)
        install(folder, loop=options.loop)
        for seed in range(10_000):
            kind = list(kinds)[seed % len(kinds)]
            if time.monotonic() > end:
                break
            verdict, seconds = gate(folder, percent=kinds[kind], seed=seed)
            found[kind].append((verdict, seconds))
            (row,) = verdict["loops"]
            print(
                f"{kind}: exit {verdict['exit_code']}, {row['verdict']}, {row['reason']}, {seconds:.0f} s", flush=True
            )
    print(f"\n| {options.loop}: head against base | gates | verdicts | exit 1 | seconds per gate, median |")
    print("| --- | --- | --- | --- | --- |")
    for kind, results in found.items():
        words = Counter(verdict["loops"][0]["verdict"] for verdict, _ in results)
        red = sum(verdict["exit_code"] == 1 for verdict, _ in results)
        seconds = sorted(taken for _, taken in results)
        typical = f"{seconds[len(seconds) // 2]:.0f}" if seconds else "n/a"
        told = ", ".join(f"{count} {word}" for word, count in words.items())
        print(f"| {kind} | {len(results)} | {told} | {red} | {typical} |")


if __name__ == "__main__":
    main()
