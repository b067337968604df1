"""How often do identical loops get different places? Simulated, with the noise that was measured.

    python tools/study_ranks.py [--repetitions 2000] [--seed 0]

Prints a Markdown table. Places are those of `bench.analysis.summary.summarise`, from runs of six rounds.
"""

from argparse import ArgumentParser
from dataclasses import replace
from statistics import fmean

import numpy as np
from rules_of_others import BLOCKS, ROUNDS
from study_simulated import NOISES, THREADS, percent, simulate, steps, table

from bench.analysis.summary import summarise
from bench.analysis.verdict import MARGIN
from bench.records.cell import Cell
from bench.records.plan import Plan
from bench.records.stored_run import SCHEMA_VERSION, DatasetRecord, Run, RunHeader
from bench.records.trial import Block, BlockKind, Trial

COUNTS = (2, 5, 10, 26)
WIDE = replace(THREADS, name="5 %", process=0.035)
NO_MARGIN = 1e-9


def split_by_ranks(noise, *, loops, margin, repetitions, generator):
    """Return the share of reports on so many equal loops in which not all share the first place."""
    data = simulate(noise, shape=(repetitions, loops, ROUNDS, BLOCKS), slower=[1.0] * loops, generator=generator)
    return fmean(
        {1} != {cell.rank for group in summarise(stored(of_loops, margin=margin)) for cell in group.cells}
        for of_loops in steps(data)
    )


def stored(of_loops, *, margin):
    """Return a run in which loops, each with its step time in each round, were measured and nothing else is known."""
    cells = tuple(
        Cell(loop=f"loop-{number}", workload="none", track="matched", device="cpu", batch_size=1)
        for number in range(len(of_loops))
    )
    plan = Plan(
        cells=cells,
        rounds=len(of_loops[0]),
        blocks_per_trial=1,
        block_seconds=1.0,
        schedule="interleaved",
        seed=0,
        timeout=1.0,
        baseline="loop-0",
        verify=False,
        margin=margin,
    )
    header = RunHeader(
        schema_version=SCHEMA_VERSION,
        run_id="simulated",
        tool_version="",
        command="",
        started="",
        plan=plan,
        dataset=DatasetRecord(name="none", source="", sha256=""),
        environment={},
    )
    once = {"kind": BlockKind.MEASURED, "steps": 1, "started": 0.0, "involuntary_switches": 0, "waited_seconds": 0.0}
    trials = tuple(
        Trial(cell=cell, round=number, blocks=(Block(seconds=step, cpu_seconds=step, **once),))
        for cell, steps_of in zip(cells, of_loops, strict=True)
        for number, step in enumerate(steps_of)
    )
    return Run(header=header, trials=trials)


def main() -> None:
    """Simulate and print; fewer reports of many loops, which take longer."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    rows = []
    for noise, margin in [(noise, margin) for margin in (MARGIN, NO_MARGIN) for noise in (*NOISES, WIDE)]:
        shares = [
            split_by_ranks(
                noise,
                loops=count,
                margin=margin,
                repetitions=max(50, arguments.repetitions // count),
                generator=generator,
            )
            for count in COUNTS
        ]
        rows.append([noise.name, f"{100 * margin:.0f} %", *map(percent, shares)])
    print("Identical loops, not all in first place: share of reports\n")
    print(table(["noise", "margin", *(f"{count} loops" for count in COUNTS)], rows))


if __name__ == "__main__":
    main()
