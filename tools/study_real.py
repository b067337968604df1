"""How often does the gate err on this machine? Gates of one loop against itself, plain and with planted extra work.

    python tools/study_real.py [--minutes 10] [--loop numpy] [--percent 10]
    python tools/study_real.py --gates 20 [--budget 2]

The first: same code and slower code come three times as often as faster code and a machine that gets busy half-way. The
second: so many gates each of the same code, of 3 and 5 % slower and of 5 % faster code, in turn.

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import fmean, median

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


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One thing that is tried again and again."""

    name: str
    percent: tuple[float, float] = (0.0, 0.0)
    """Extra work of base and of head."""
    weight: int = 1
    """How many of these to one of the others."""
    busy: bool = False
    """Whether something else runs on every CPU during the second half."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What one gate said."""

    verdict: str
    exit_code: int
    reason: str
    seconds: float
    rounds: int


def gate(folder: Path, *, kind: Kind, budget: float, seed: int, usual_seconds: float) -> Gate:
    """Run one gate.

    Args:
        folder: Where the loop `study` is installed.
        kind: What base and head are.
        budget: Per cent.
        seed: Of the run.
        usual_seconds: How long a gate takes; a busy neighbour starts after half of it.
    """
    begin = time.monotonic()
    base, head = (f"env=STUDY_PERCENT={share:g}" for share in kind.percent)
    sides = ["--base", base, "--head", head, "--max-slowdown", f"{budget:g}"]
    running = subprocess.Popen(
        [sys.executable, "-m", "bench", "gate", "study", *sides, "--no-verify", "--no-report"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parent.parent}", "BENCH_SEED": str(seed)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    neighbours = []
    if kind.busy:
        time.sleep(usual_seconds / 2.0)
        spin = [sys.executable, "-c", "while True: pass"]
        neighbours = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)]
    running.wait()
    for neighbour in neighbours:
        neighbour.kill()
        neighbour.wait()
    found = json.loads((folder / "bench-verdict.json").read_text())
    (row,) = found["loops"]
    return Gate(
        verdict=row["verdict"],
        exit_code=found["exit_code"],
        reason=row["reason"],
        seconds=time.monotonic() - begin,
        rounds=found["rounds"],
    )


def kinds_of(options: argparse.Namespace) -> tuple[Kind, ...]:
    """Return what is tried."""
    if options.gates is not None:
        return (
            Kind(name="same code"),
            *(Kind(name=f"{percent:g} % slower", percent=(0.0, percent)) for percent in (3.0, 5.0)),
            Kind(name="5 % faster", percent=(5.0, 0.0)),
        )
    return (
        Kind(name="same code", weight=3),
        Kind(name=f"{options.percent:g} % slower", percent=(0.0, options.percent), weight=3),
        Kind(name=f"{options.percent:g} % faster", percent=(options.percent, 0.0)),
        Kind(name="same code, busy machine in the second half", busy=True),
    )


def in_turn(kinds: Sequence[Kind], *, gates: int | None, minutes: float) -> Iterator[Kind]:
    """Yield kinds, most frequent first, then each of the others in turn, so that a study that is cut short has all.

    Args:
        kinds: What is tried.
        gates: Of each; None goes on until the time is up.
        minutes: That time.
    """
    order = [kind for place in range(max(kind.weight for kind in kinds)) for kind in kinds if place < kind.weight]
    if gates is not None:
        yield from (kind for _ in range(gates) for kind in order)
        return
    end = time.monotonic() + 60.0 * minutes
    for kind in cycle(order):
        if time.monotonic() > end:
            return
        yield kind


def main() -> None:
    """Run gates of each kind in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("STUDY_MINUTES", "10")))
    parser.add_argument("--gates", type=int, help="of each kind, however long they take, in place of --minutes")
    parser.add_argument("--loop", default="numpy")
    parser.add_argument("--percent", type=float, default=10.0)
    parser.add_argument("--budget", type=float, default=2.0)
    options = parser.parse_args()
    kinds = kinds_of(options)
    found: dict[str, list[Gate]] = {kind.name: [] for kind in kinds}
    with tempfile.TemporaryDirectory(prefix="bench-study-") as name:
        folder = Path(name)
        install(folder, loop=options.loop)
        for seed, kind in enumerate(in_turn(kinds, gates=options.gates, minutes=options.minutes)):
            usual = median(one.seconds for one in found[kinds[0].name]) if found[kinds[0].name] else 40.0
            one = gate(folder, kind=kind, budget=options.budget, seed=seed, usual_seconds=usual)
            found[kind.name].append(one)
            print(f"{kind.name}: exit {one.exit_code}, {one.verdict}, {one.reason}, {one.seconds:.0f} s", flush=True)
    print(f"\n| `{options.loop}`, head against base | gates | verdicts | exit 1 | rounds, mean | seconds, median |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind_name, gates in found.items():
        told = ", ".join(f"{count} {word}" for word, count in Counter(one.verdict for one in gates).items())
        red = sum(one.exit_code == 1 for one in gates)
        rounds, typical = "n/a", "n/a"
        if gates:
            rounds = f"{fmean(one.rounds for one in gates):.0f}"
            typical = f"{median(one.seconds for one in gates):.0f}"
        print(f"| {kind_name} | {len(gates)} | {told} | {red} | {rounds} | {typical} |")


if __name__ == "__main__":
    main()
