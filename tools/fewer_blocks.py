"""What half as many blocks a process would have cost stored runs: how much more rounds would differ.

    python tools/fewer_blocks.py RUN...

Of each pair of loops that share a setting, the standard deviation between rounds of the logarithm of their ratio, from
all measured blocks of their processes and from every second one (both halves, their mean); the typical pair of each
setting, and the typical setting. Intervals widen by as much. Only processes of ten blocks and more count.
"""

import sys
from dataclasses import replace
from itertools import combinations
from math import log
from pathlib import Path
from statistics import fmean, median, stdev

from bench.analysis.process import trial_step_seconds
from bench.records import loading
from bench.records.trial import BlockKind

FEWEST_BLOCKS, FEWEST_ROUNDS = 10, 4


def thinned(trial, *, first, every):
    """A trial with only some of its measured blocks, and without run-ins."""
    measured = trial.blocks_of(BlockKind.MEASURED)
    kept = set(map(id, measured[first::every]))
    blocks = (block for block in trial.blocks if block.kind is not BlockKind.RUN_IN)
    return replace(trial, blocks=tuple(b for b in blocks if b.kind is not BlockKind.MEASURED or id(b) in kept))


def spread(run, cells, *, first=0, every=1):
    """How much rounds differ, of the typical pair; None without one."""
    steps = [
        {
            trial.round: trial_step_seconds(thinned(trial, first=first, every=every))
            for trial in run.trials_of(cell)
            if trial.failure is None and len(trial.blocks_of(BlockKind.MEASURED)) >= FEWEST_BLOCKS
        }
        for cell in cells
    ]
    pairs = ([log(a[number] / b[number]) for number in a.keys() & b.keys()] for a, b in combinations(steps, 2))
    known = [stdev(logarithms) for logarithms in pairs if len(logarithms) >= FEWEST_ROUNDS]
    return median(known) if known else None


def main():
    """Print a line for each setting, and the typical one."""
    ratios = []
    for folder in map(Path, sys.argv[1:]):
        run = loading.load(folder)
        for cells in run.header.plan.groups(run.header.plan.cells):
            whole = spread(run, cells)
            if not whole:
                continue
            half = fmean(spread(run, cells, first=first, every=2) for first in (0, 1))
            ratios.append(half / whole)
            print(f"{folder.name:<12} {cells[0].setting.slug:<32} {whole:.2%} {half:.2%} {half / whole - 1.0:+.0%}")
    print(f"typical: {median(ratios) - 1.0:+.0%}" if ratios else "no run has processes of so many blocks")


if __name__ == "__main__":
    main()
