"""How often is a verdict wrong, and how often is a slowdown found? Simulated, with the noise that was measured.

    python tools/study_simulated.py [--repetitions 2000] [--seed 0]

Prints Markdown tables. Our rule is the code of `bench`; those of other tools are restated in
`rules_of_others.py`. A few minutes at 2 000 repetitions.
"""

from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations
from math import exp, log
from statistics import fmean

import numpy as np
from rules_of_others import ALPHA, BLOCKS, RIVALS, ROUNDS, pooled

from bench.analysis import effort, holm, intervals, judgement, sequential
from bench.analysis import verdict as deciding
from bench.analysis.intervals import Interval
from bench.analysis.verdict import Verdict
from bench.records.cell import Cell
from bench.runs import schedule
from bench.runs.options import BLOCKS_PER_TURN

LOOPS = 5
DIFFERENT = {Verdict.FASTER, Verdict.SLOWER}
PRECISION, MOST_ROUNDS = 0.01, 12
STRICT = 0.01
SMALL_SHARE = 0.01
SEEDS = 200
SLOWDOWNS = (0.05, 0.10)
"""True ones that are to be found."""
PATIENCE = 60
"""Rounds after which the study of precision gives up where no limit is set."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Standard deviations of the logarithm of a block's step time, by where the noise arises.

    Fitted to two processes of one loop, alive together, ten blocks of 0.15 s each, on two shared cores. What is left
    after pairing comes from the processes and from their blocks; what pairing takes away, from the machine's state in
    a round and from its state in a sweep. The state is drawn anew for each round, so that a slow
    drift from one side's session to the other's is not held against the tools that measure one side after the other.
    """

    name: str
    machine: float
    """Of a round; all processes that live in it share it."""
    sweep: float
    """Of a sweep; all blocks in it share it."""
    process: float
    block: float
    wild: float = 0.0
    """Share of processes that take `WILD` times as long, all their blocks; seen on shared machines."""


STEADY = Noise(name="1.1 %, quiet machine", machine=0.0086, sweep=0.0224, process=0.0067, block=0.0117)
DRIFTING = Noise(name="1.1 %, restless machine", machine=0.045, sweep=0.06, process=0.0072, block=0.009)
THREADS = Noise(name="2.3 %, two threads", machine=0.0, sweep=0.0, process=0.0125, block=0.0309)
NOISES = (STEADY, DRIFTING, THREADS)
WILD = 1.7
UNRULY = replace(STEADY, name="1.1 %, and 2 % of processes wild", wild=0.02)


def simulate(noise, *, shape, slower, generator, together=True):
    """Return step times, by repetition, loop, round and block; the loops are otherwise equal.

    Args:
        noise: What kind.
        shape: Repetitions, loops, rounds, blocks.
        slower: One factor per loop.
        generator: Source of the draws.
        together: Whether the loops share rounds and sweeps; if not, each is measured at its own time.
    """
    repetitions, loops, rounds, blocks = shape
    shared = 1 if together else loops
    logarithms = (
        generator.normal(0.0, noise.machine, (repetitions, shared, rounds, 1))
        + generator.normal(0.0, noise.sweep, (repetitions, shared, rounds, blocks))
        + generator.normal(0.0, noise.process, (repetitions, loops, rounds, 1))
        + generator.normal(0.0, noise.block, shape)
    )
    wild = generator.random((repetitions, loops, rounds, 1)) < noise.wild
    return np.exp(logarithms) * np.asarray(slower).reshape(1, loops, 1, 1) * np.where(wild, WILD, 1.0)


# Ours


def steps(data):
    """Return the step time of each process, which is the mean of its blocks, equally long here, as lists."""
    return data.mean(axis=-1).tolist()


def decide(pairs: Iterable[Interval | None], *, alpha: float, noise: float | None = None) -> list[Verdict]:
    """Return our verdicts on the pairs of one report."""
    return holm.verdicts(list(pairs), confidence=1.0 - alpha, noise=noise)


def spreads(noise, *, repetitions, generator):
    """Return the standard deviation of the log ratio of two equal processes, in three ways.

    Of their step times in one round, as our rule has it; of their step times in different rounds; and of the ratios of
    blocks that were measured in the same sweep.
    """
    shape = (repetitions, 2, ROUNDS, BLOCKS)
    logarithms = np.log(simulate(noise, shape=shape, slower=[1.0, 1.0], generator=generator))
    base, new = logarithms.mean(axis=-1).swapaxes(0, 1)
    by_sweep = (logarithms[:, 0] - logarithms[:, 1]).mean(axis=-1)
    return (base - new).std(), (base - np.roll(new, 1, axis=1)).std(), by_sweep.std()


def flagged_in_reports(noise, *, repetitions, generator, alpha):
    """Return the share of reports on five equal loops, ten pairs, in which any is called faster or slower."""
    data = simulate(noise, shape=(repetitions, LOOPS, ROUNDS, BLOCKS), slower=[1.0] * LOOPS, generator=generator)
    return fmean(
        bool(DIFFERENT & set(decide((intervals.ratio_interval(a, b) for a, b in combinations(loops, 2)), alpha=alpha)))
        for loops in steps(data)
    )


def flagged_by_rival(rival, noise, *, repetitions, generator):
    """Return the same share by another tool's rule, and the share of single pairs."""
    shape = (repetitions, LOOPS, rival.processes, rival.blocks)
    data = simulate(noise, shape=shape, slower=[1.0] * LOOPS, generator=generator, together=rival.together)
    called = np.array([rival.rule(data[:, a], data[:, b]) for a, b in combinations(range(LOOPS), 2)])
    return called.any(axis=0).mean(), called.mean()


def found_in_gate(noise, *, slowdown, repetitions, generator, alpha, control=False):
    """Return how often a gate on two loops, old against new, finds that the first became slower.

    With ``control``, a loop is measured beside itself as well, and the noise between the two applies.
    """
    data = simulate(
        noise, shape=(repetitions, 6, ROUNDS, BLOCKS), slower=[1.0, 1.0 + slowdown, 1, 1, 1, 1], generator=generator
    )
    found = 0
    for old, new, other_old, other_new, one, same in steps(data):
        seen = judgement.noise_of("loop", dict(enumerate(one)), dict(enumerate(same))) if control else None
        pairs = (intervals.ratio_interval(old, new), intervals.ratio_interval(other_old, other_new))
        found += decide(pairs, alpha=alpha, noise=None if seen is None else seen.relative)[0] is Verdict.SLOWER
    return found / repetitions


def red_gates(noise, *, slowdown, repetitions, generator):
    """Return the share of gates on one loop that fail: looked at until it is decided, as `bench gate` does."""
    shape = (repetitions, 2, sequential.LOOKS[-1], BLOCKS)
    data = simulate(noise, shape=shape, slower=[1.0, 1.0 + slowdown], generator=generator)
    return fmean(
        sequential.decide(
            [base / head for base, head in zip(old, new, strict=True)],
            budget=deciding.MARGIN,
            looks=sequential.LOOKS,
            ended=True,
        ).verdict
        is Verdict.SLOWER
        for old, new in steps(data)
    )


def found_in_report(noise, *, slowdown, repetitions, generator, alpha):
    """Return how often a report on five loops, ten pairs, finds one pair of which one loop is slower."""
    slower = [1.0, 1.0 + slowdown, 1.0, 1.0, 1.0]
    data = simulate(noise, shape=(repetitions, LOOPS, ROUNDS, BLOCKS), slower=slower, generator=generator)
    return fmean(
        decide((intervals.ratio_interval(a, b) for a, b in combinations(loops, 2)), alpha=alpha)[0] is Verdict.SLOWER
        for loops in steps(data)
    )


def found_by_rival(rival, noise, *, slowdown, repetitions, generator):
    """Return how often another tool's rule calls one pair different, and the right one slower."""
    shape = (repetitions, 2, rival.processes, rival.blocks)
    data = simulate(noise, shape=shape, slower=[1.0, 1.0 + slowdown], generator=generator, together=rival.together)
    base, new = data[:, 0], data[:, 1]
    return (rival.rule(base, new) & (pooled(new).mean(axis=1) > pooled(base).mean(axis=1))).mean()


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """What stopping on precision came to."""

    verdicts: dict[Verdict, float]
    """Share of runs."""
    rounds: list[int]
    covered: float
    """Share of 95 % intervals that hold the true ratio."""


def stop_on_precision(noise, *, slowdown, repetitions, generator, most) -> Stopped:
    """Measure old against new until the interval is precise enough, for at least six rounds and at most so many."""
    data = simulate(noise, shape=(repetitions, 2, most, BLOCKS), slower=[1.0, 1.0 + slowdown], generator=generator)
    rounds, covered, called = [], 0, []
    for old, new in steps(data):
        for count in range(ROUNDS, most + 1):
            pair = intervals.ratio_interval(old[:count], new[:count])
            if effort.precise_enough([pair], precision=PRECISION):
                break
        rounds.append(pair.count)
        covered += pair.low <= 1.0 / (1.0 + slowdown) <= pair.high
        called += decide([pair], alpha=ALPHA)
    shares = {verdict: called.count(verdict) / repetitions for verdict in dict.fromkeys(called)}
    return Stopped(verdicts=shares, rounds=rounds, covered=covered / repetitions)


def flagged_by_stopping_on_significance(noise, *, repetitions, generator):
    """Return how often equal loops differ if rounds are added until the 95 % interval leaves 1, at most twelve."""
    data = simulate(noise, shape=(repetitions, 2, MOST_ROUNDS, BLOCKS), slower=[1.0, 1.0], generator=generator)
    found = 0
    for old, new in steps(data):
        pairs = (intervals.ratio_interval(old[:count], new[:count]) for count in range(2, MOST_ROUNDS + 1))
        found += any(pair.low > 1.0 or pair.high < 1.0 for pair in pairs)
    return found / repetitions


def moved_by_drift(*, drift, loops, seed, interleaved=True):
    """Return how far the furthest ratio moves when the machine slows down evenly by so much over the run."""
    cells = [
        Cell(loop=f"loop-{number}", workload="none", track="matched", device="cpu", batch_size=1)
        for number in range(loops)
    ]
    order = []
    for number in range(ROUNDS):
        turns = schedule.order(dict.fromkeys(cells, BLOCKS // BLOCKS_PER_TURN), seed=seed, round_number=number)
        order += [(number, cell) for cell in turns for _ in range(BLOCKS_PER_TURN)]
    if not interleaved:
        order.sort(key=lambda turn: cells.index(turn[1]))
    blocks: dict[tuple[int, Cell], list[float]] = {}
    for index, turn in enumerate(order):
        blocks.setdefault(turn, []).append(exp(log(1.0 + drift) * index / (len(order) - 1)))
    times = [[fmean(blocks[number, cell]) for number in range(ROUNDS)] for cell in cells]
    return max(abs(intervals.ratio_interval(a, b).estimate - 1.0) for a, b in combinations(times, 2))


# What is printed


def percent(share: float) -> str:
    """Return 12.3 % for 0.123; two digits where one would hide a small share."""
    return f"{100 * share:.{1 if share == 0.0 or share >= SMALL_SHARE else 2}f} %"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def print_noise(**settings) -> None:
    """Print how much two identical processes differ."""
    print("## The noise: standard deviation of the log ratio of two identical processes\n")
    rows = [[noise.name, *map(percent, spreads(noise, **settings))] for noise in NOISES]
    print(table(["noise", "same round", "different rounds", "over ratios in the same sweep"], rows))


def print_false_alarms(**settings) -> None:
    """Print how often identical loops are called different."""
    print("\n## Identical loops called faster or slower: share of reports on five loops, ten pairs\n")
    rows = [
        [f"**bench, all verdicts at {percent(1 - alpha)}**"]
        + [percent(flagged_in_reports(noise, alpha=alpha, **settings)) for noise in NOISES]
        for alpha in (ALPHA, STRICT)
    ]
    for rival in RIVALS:
        shares = [flagged_by_rival(rival, noise, **settings) for noise in NOISES]
        rows.append([rival.name] + [f"{percent(any_pair)} ({percent(pair)} of pairs)" for any_pair, pair in shares])
    print(table(["rule", *(noise.name for noise in NOISES)], rows))


def print_found(**settings) -> None:
    """Print how often a true slowdown is found."""
    print("\n## A slowdown found\n")
    columns = [(noise, slowdown) for noise in NOISES for slowdown in SLOWDOWNS]
    rows = []
    for alpha in (ALPHA, STRICT):
        for name, rule in (("gate on two loops", found_in_gate), ("report of ten pairs", found_in_report)):
            shares = [rule(noise, slowdown=slowdown, alpha=alpha, **settings) for noise, slowdown in columns]
            rows.append([f"**bench, {name}, {percent(1 - alpha)}**", *map(percent, shares)])
    shares = [
        found_in_gate(noise, slowdown=slowdown, alpha=ALPHA, control=True, **settings) for noise, slowdown in columns
    ]
    rows.append(["**bench, gate that measures noise, 95.0 %**", *map(percent, shares)])
    for rival in RIVALS:
        shares = [found_by_rival(rival, noise, slowdown=slowdown, **settings) for noise, slowdown in columns]
        rows.append([rival.name, *map(percent, shares)])
    print(table(["rule", *(f"{noise.name}: +{100 * slowdown:.0f} %" for noise, slowdown in columns)], rows))


def print_red_gates(**settings) -> None:
    """Print how often a gate fails."""
    print("\n## A gate that fails: exit 1, looked at until it is decided\n")
    unruly = (*NOISES, UNRULY)
    rows = [
        [f"+{100 * slowdown:.0f} %", *(percent(red_gates(noise, slowdown=slowdown, **settings)) for noise in unruly)]
        for slowdown in (0.0, *SLOWDOWNS)
    ]
    print(table(["true", *(noise.name for noise in unruly)], rows))


def print_stopping(**settings) -> None:
    """Print what stopping at a precision does to verdicts and intervals."""
    print(f"\n## Stopping at ± {percent(PRECISION)}: one pair, at least {ROUNDS} rounds\n")
    rows = []
    for noise in (STEADY, THREADS):
        for most in (MOST_ROUNDS, PATIENCE):
            for slowdown in (0.0, 0.05):
                found = stop_on_precision(noise, slowdown=slowdown, most=most, **settings)
                low, middle, high = np.quantile(found.rounds, [0.05, 0.5, 0.95])
                different = sum(found.verdicts.get(verdict, 0.0) for verdict in DIFFERENT)
                shares = [different, found.verdicts.get(Verdict.SAME, 0.0), found.covered]
                took = f"{middle:.0f} ({low:.0f} to {high:.0f})"
                rows.append([noise.name, f"{most}", f"+{100 * slowdown:.0f} %", took, *map(percent, shares)])
    head = ["noise", "at most", "true", "rounds: median (90 %)", "faster or slower", "same", "95 % interval holds"]
    print(table(head, rows))
    share = flagged_by_stopping_on_significance(STEADY, **settings)
    print(
        f"\nStopping as soon as the 95 % interval leaves 1, from two rounds to {MOST_ROUNDS}, calls {percent(share)}",
        end=" ",
    )
    print("of identical pairs different.")


def print_drift() -> None:
    """Print how far a drift of the machine moves a ratio."""
    print(
        f"\n## The machine slows down evenly by 10 % over the run: the furthest that any ratio moves, {SEEDS} seeds\n"
    )
    rows = []
    for loops in (2, LOOPS):
        furthest = (
            max(moved_by_drift(drift=0.1, loops=loops, seed=seed, interleaved=mixed) for seed in range(SEEDS))
            for mixed in (True, False)
        )
        rows.append([f"{loops} loops", *(f"{100 * share:.2f} %" for share in furthest)])
    print(table(["", "blocks in shuffled turns", "one loop after the other"], rows))


def main() -> None:
    """Simulate and print; the order decides which random numbers each part gets."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    repetitions, generator = arguments.repetitions, np.random.default_rng(arguments.seed)
    settings = {"repetitions": repetitions, "generator": generator}

    print(f"{repetitions} repetitions, seed {arguments.seed}; {ROUNDS} rounds of {BLOCKS} blocks, margin 2 %.\n")
    for print_part in (print_noise, print_false_alarms, print_found, print_red_gates, print_stopping):
        print_part(**settings)
    print_drift()


if __name__ == "__main__":
    main()
