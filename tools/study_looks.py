"""How often does a gate that looks until it is decided come out red, green or unclear, and after how many rounds?

    python tools/study_looks.py [--repetitions 2000] [--seed 0]

Simulated, with the code of `bench`: log ratios of head and base with a known standard deviation between rounds, a
budget of 2 %, looks after 6, 12, 18, 24, 36 and 48 rounds. Then histories of small changes, each gated against the one
before and against an anchor with a budget of 4 %. Prints Markdown tables; some minutes at 2,000 repetitions.
"""

from argparse import ArgumentParser
from collections import Counter
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from bench.analysis.sequential import LOOKS, decide
from bench.analysis.verdict import MARGIN, Verdict

SPREADS = (0.01, 0.02, 0.05)
ANCHOR_BUDGET = 0.04
CHANGE, CHANGES = 0.019, 10
SHARE, FACTOR = 0.2, 1.2
"""Of one side's processes, so many take so many times as long."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is true."""

    name: str
    slowdown: float
    bimodal: bool = False
    """Whether some of the head's processes are in another state."""


CASES = (
    Case(name="unchanged", slowdown=0.0),
    Case(name="exactly at the budget's edge", slowdown=MARGIN),
    Case(name="+3 %", slowdown=0.03),
    Case(name="+5 %", slowdown=0.05),
    Case(name="-5 %", slowdown=-0.05),
    Case(name="+10 %, a fifth of the processes 20 % slower still", slowdown=0.10, bimodal=True),
)


def ratios(case, *, spread, generator):
    """Return base time over new time of as many rounds as there can be."""
    times = np.exp(generator.normal(0.0, spread, LOOKS[-1])) / (1.0 + case.slowdown)
    if case.bimodal:
        times /= np.where(generator.random(LOOKS[-1]) < SHARE, FACTOR, 1.0)
    return times.tolist()


@dataclass(frozen=True, kw_only=True)
class Came:
    """What gates came to."""

    red: float
    green: float
    unclear: float
    """Shares."""
    rounds: float
    """In the mean."""


def gates(case, *, spread, repetitions, generator):
    """Gate one loop so often."""
    found = [
        decide(ratios(case, spread=spread, generator=generator), budget=MARGIN, looks=LOOKS, ended=True)
        for _ in range(repetitions)
    ]
    words = Counter(one.verdict for one in found)
    red, unclear = words[Verdict.SLOWER], words[Verdict.UNCLEAR]
    return Came(
        red=red / repetitions,
        green=(repetitions - red - unclear) / repetitions,
        unclear=unclear / repetitions,
        rounds=fmean(one.speed_up.count for one in found),
    )


def first_red(*, spread, generator, anchored):
    """Return at which of several small changes, each merged if its gate is not red, a gate is red; None for none."""
    for number in range(1, CHANGES + 1):
        comparisons = [(CHANGE, MARGIN)]
        if anchored and number > 1:  # before, the anchor is the base
            comparisons.append(((1.0 + CHANGE) ** number - 1.0, ANCHOR_BUDGET))
        for slowdown, budget in comparisons:
            rounds = ratios(Case(name="", slowdown=slowdown), spread=spread, generator=generator)
            found = decide(rounds, budget=budget, looks=LOOKS, ended=True, family=len(comparisons))
            if found.verdict is Verdict.SLOWER:
                return number
    return None


def creep(*, spread, repetitions, generator, anchored):
    """Return the share of histories in which some gate is red by the fourth, the sixth and the last change."""
    found = [first_red(spread=spread, generator=generator, anchored=anchored) for _ in range(repetitions)]
    return [fmean(one is not None and one <= by for one in found) for by in (4, 6, CHANGES)]


def percent(share):
    """Return 12.3 % for 0.123, and whole numbers without a fraction."""
    return f"{round(100.0 * share, 1):g} %"


def table(head, rows):
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, [":--"] * len(head), *rows))


def main():
    """Simulate and print."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    settings = {"repetitions": asked.repetitions, "generator": np.random.default_rng(asked.seed)}
    print(f"{asked.repetitions} repetitions, seed {asked.seed}: red / green / unclear, mean rounds\n")
    rows = []
    for case in CASES:
        came = [gates(case, spread=spread, **settings) for spread in SPREADS]
        rows.append(
            [case.name]
            + [f"{percent(one.red)} / {percent(one.green)} / {percent(one.unclear)}, {one.rounds:.0f}" for one in came]
        )
    print(table(["true", *(f"{percent(spread)} between rounds" for spread in SPREADS)], rows))
    print(f"\n{CHANGES} changes of +{percent(CHANGE)}, red by the 4th / 6th / {CHANGES}th\n")
    rows = []
    for anchored, name in ((False, "without an anchor"), (True, f"anchor with {percent(ANCHOR_BUDGET)}")):
        shares = [creep(spread=spread, anchored=anchored, **settings) for spread in SPREADS]
        rows.append([name, *(" / ".join(map(percent, one)) for one in shares)])
    print(table(["", *(f"{percent(spread)} between rounds" for spread in SPREADS)], rows))


if __name__ == "__main__":
    main()
