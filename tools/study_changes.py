"""How often a history tells of a change that is none, and how soon it finds one, beside what other tools do.

    python tools/study_changes.py [--repetitions 1000] [--seed 0] [--only flat,steps,creep,nightly,limits]

Prints Markdown tables. Every series is made of runs of six processes. Ours is the code of `bench`; those of others are
restated here: asv fits medians by pieces with as many pieces as an information criterion for AR(1) Laplace noise likes
(`asv/step_detect.py`; exact here, where asv approximates), and calls an upward step of more than 5 % a regression;
github-action-benchmark compares with the run before, and alerts at twice its value unless told otherwise.
"""

from argparse import ArgumentParser
from itertools import pairwise
from math import log

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bench.history.segments import find_changes

PROCESSES = 6
RUNS, BEFORE, AFTER = 200, 100, 40
SLOW_SHARE, NEAR = 0.2, 8


def runs_of(levels, *, random, noise, kind="plain"):
    """Values, errors and processes of one run per level; `noise` is that of a run's value."""
    count = len(levels)
    each = random.normal(0.0, noise * np.sqrt(PROCESSES), (count, PROCESSES))
    if kind == "bimodal":  # one process in five is 20 % slower, the others as quiet as they would be at this noise
        each = each + np.where(random.random((count, PROCESSES)) < SLOW_SHARE, log(1.2), 0.0)
    if kind == "heavy":  # Student's t with three degrees of freedom, as wide
        each = random.standard_t(3, (count, PROCESSES)) * noise * np.sqrt(PROCESSES / 3.0)
    if kind == "sessions":  # as much again between runs, which no run can see
        each = each + random.normal(0.0, noise, (count, 1))
    if kind == "drift":  # the machine wanders slowly, by as much again, and the kernel does not tell
        wander = np.zeros(count)
        for place in range(1, count):
            wander[place] = 0.95 * wander[place - 1] + random.normal(0.0, noise * np.sqrt(1.0 - 0.95**2))
        each = each + wander[:, None]
    each = each + np.asarray(levels)[:, None]
    return each.mean(axis=1), each.std(axis=1, ddof=1) / np.sqrt(PROCESSES), np.full(count, PROCESSES)


def ours(series):
    """Places and log sizes of changes."""
    values, errors, processes = series
    course = find_changes(values, errors=errors, processes=processes)
    return [(step.place, log(step.ratio.estimate)) for step in course.steps]


def asv(series, *, threshold=0.0):
    """Places and log sizes of upward steps beyond the pieces' own errors, and beyond a threshold."""
    values = np.exp(series[0])
    bounds = _pieces(values)
    pieces = [values[a:b] for a, b in pairwise(bounds)]
    middles = [float(np.median(piece)) for piece in pieces]
    errors = [float(np.abs(piece - middle).mean()) for piece, middle in zip(pieces, middles, strict=True)]
    found, best, best_error = [], middles[-1], errors[-1]
    for place in range(len(pieces) - 1, -1, -1):
        if best > middles[place] + max(errors[place], best_error, threshold * middles[place]):
            found.append((bounds[place + 1], log(best / middles[place])))
            best, best_error = middles[place], errors[place]
    return found[::-1]


def _pieces(values):
    """Bounds of the piecewise medians that the information criterion likes best."""
    count = len(values)
    costs = np.full((count, count + 1), np.inf)
    for length in range(1, count + 1):
        windows = np.sort(sliding_window_view(values, length), axis=1)
        half, starts = length // 2, np.arange(count - length + 1)
        costs[starts, starts + length] = windows[:, length - half :].sum(axis=1) - windows[:, :half].sum(axis=1)
    best = (np.inf, [0, count])
    for gamma in costs[0, count] * np.exp(np.linspace(log(0.1 / count), 0.0, 12)):
        totals, left = np.zeros(count + 1), np.zeros(count + 1, dtype=int)
        totals[0] = -gamma
        for stop in range(1, count + 1):
            through = totals[:stop] + gamma + costs[:stop, stop]
            left[stop] = int(through.argmin())
            totals[stop] = through[left[stop]]
        bounds = [count]
        while bounds[-1]:
            bounds.append(int(left[bounds[-1]]))
        bounds.reverse()
        middles = [float(np.median(values[a:b])) for a, b in pairwise(bounds)]
        apart = np.concatenate([values[a:b] - m for a, b, m in zip(bounds[:-1], bounds[1:], middles, strict=True)])
        scatter = min(
            abs(apart[0]) + np.abs(apart[1:] - rho * apart[:-1]).sum() for rho in np.linspace(-0.95, 0.95, 39)
        )
        least = 0.1 * np.abs(np.diff(middles)).min() if len(middles) > 2 else 0.001 * min(middles)  # noqa: PLR2004 - as asv has it
        score = 4.0 * log(count) / count * len(middles) + log(least + scatter)
        best = min(best, (score, bounds), key=lambda one: one[0])
    return best[1]


def action(series, *, alert=2.0):
    """Places and log sizes at which a run takes so many times as long as the one before."""
    values = series[0]
    return [
        (place, values[place] - values[place - 1])
        for place in range(1, len(values))
        if values[place] - values[place - 1] > log(alert)
    ]


RULES = {
    "bench": ours,
    "asv, any step": asv,
    "asv, 5 %": lambda series: asv(series, threshold=0.05),
    "github-action-benchmark, 200 %": action,
    "github-action-benchmark, 105 %": lambda series: action(series, alert=1.05),
}
SLOW = {"asv, any step", "asv, 5 %"}
"""Seconds a series here: tried on a tenth of them."""


def few(repetitions, name):
    """How many series a rule is tried on."""
    return max(20, repetitions // 10) if name in SLOW else repetitions


def table(header, rows):
    """Print a Markdown table."""
    print("|", " | ".join(header), "|")
    print("|:--|" + "--:|" * (len(header) - 1))
    for row in rows:
        print("|", " | ".join(row), "|", flush=True)
    print()


def flat(repetitions, seed):
    """Flat series: how many show a change."""
    kinds = [("plain", 0.01), ("plain", 0.02), ("plain", 0.05), ("bimodal", 0.02), ("heavy", 0.02)]
    kinds += [("sessions", 0.02), ("drift", 0.02)]
    rows = []
    for name, rule in RULES.items():
        shares = []
        for kind, noise in kinds:
            random = np.random.default_rng([seed, 1])
            count = few(repetitions, name)
            found = [bool(rule(runs_of(np.zeros(RUNS), random=random, noise=noise, kind=kind))) for _ in range(count)]
            shares.append(f"{100 * np.mean(found):.1f} %")
        rows.append([name, *shares])
    print(f"Flat series of {RUNS} runs that show a change\n")
    table(["rule", *(f"{kind}, {noise:.0%}" for kind, noise in kinds)], rows)


def nightly(repetitions, seed):
    """Flat series, asked again after every run: how many ever showed a change."""
    rows = []
    for noise in (0.01, 0.02, 0.05):
        random = np.random.default_rng([seed, 2])
        ever = []
        for _ in range(max(20, repetitions // 10)):
            values, errors, processes = runs_of(np.zeros(RUNS), random=random, noise=noise)
            looks = (ours((values[:n], errors[:n], processes[:n])) for n in range(10, RUNS + 1))
            ever.append(any(looks))
        rows.append([f"{noise:.0%}", f"{100 * np.mean(ever):.0f} %"])
    print(f"Flat series that show a change in any of {RUNS} nights, asked every night\n")
    table(["noise", "bench"], rows)


def steps(repetitions, seed):
    """A step after 100 runs: found within 5 and 12 runs, and where."""
    rows = []
    for noise in (0.01, 0.02, 0.05):
        for size in (0.03, 0.05, 0.10):
            for name, rule in RULES.items():
                random = np.random.default_rng([seed, 3])
                levels = np.where(np.arange(BEFORE + AFTER) < BEFORE, 0.0, log(1.0 + size))
                within, right, seen = {5: 0, 12: 0}, 0, 0
                count = few(repetitions, name)
                for _ in range(count):
                    series = runs_of(levels, random=random, noise=noise)
                    looks = range(1, 13) if name == "bench" else sorted(within)
                    first = next((n for n in looks if _near(rule([part[: BEFORE + n] for part in series]))), None)
                    for runs in within:
                        within[runs] += first is not None and first <= runs
                    places = _near(rule(series))
                    seen += bool(places)
                    right += any(abs(place - BEFORE) <= 1 for place in places)
                shares = (*(100 * hits / count for hits in within.values()), 100 * seen / count)
                placed = f"{100 * right / seen:.0f} %" if seen else "n/a"
                rows.append([f"{noise:.0%}", f"+{size:.0%}", name, *(f"{share:.0f} %" for share in shares), placed])
    print(f"A step after {BEFORE} runs\n")
    table(["noise", "step", "rule", "within 5", "within 12", f"within {AFTER}", "of these, right within 1"], rows)


def _near(found):
    """Places of upward changes near the true one."""
    return [place for place, size in found if size > 0.0 and abs(place - BEFORE) <= NEAR]


def limits(repetitions, seed):
    """How often the place of a step would be right within one run, for one who knows both levels and seeks no more."""
    rows = []
    for noise in (0.01, 0.02, 0.05):
        shares = []
        for size in (0.03, 0.05, 0.10):
            random = np.random.default_rng([seed, 5])
            step = log(1.0 + size) / noise
            values = random.normal(0.0, 1.0, (20 * repetitions, BEFORE + AFTER))
            values[:, BEFORE:] += step
            # Log-likelihood of a cut, but for what all cuts have in common: the sum over what follows it.
            gains = np.cumsum((step * (values - step / 2.0))[:, ::-1], axis=1)[:, ::-1]
            shares.append(np.mean(np.abs(gains.argmax(axis=1) - BEFORE) <= 1))
        rows.append([f"{noise:.0%}", *(f"{share:.0%}" for share in shares)])
    print("The most that can be: place right within 1, where both levels are known\n")
    table(["noise", "+3%", "+5%", "+10%"], rows)


def creep(repetitions, seed):
    """0.5 % more in each of 40 runs after 100: by when anything is told."""
    rows = []
    levels = log(1.005) * np.clip(np.arange(BEFORE + AFTER) - BEFORE, 0, None)
    for noise in (0.01, 0.02, 0.05):
        for name, rule in RULES.items():
            random = np.random.default_rng([seed, 4])
            count = few(repetitions, name) if name in SLOW else repetitions // 4
            told = {10: 0, 20: 0, 40: 0}
            for _ in range(count):
                series = runs_of(levels, random=random, noise=noise)
                for runs in told:
                    found = rule([part[: BEFORE + runs] for part in series])
                    told[runs] += any(size > 0.0 and place >= BEFORE - 5 for place, size in found)
            rows.append([f"{noise:.0%}", name, *(f"{100 * hits / count:.0f} %" for hits in told.values())])
    print("Creep of 0.5 % a run after 100 runs: anything told\n")
    table(["noise", "rule", "after 10 runs", "after 20", "after 40"], rows)


def main():
    parser = ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="flat,steps,creep,nightly,limits")
    options = parser.parse_args()
    for name in options.only.split(","):
        studies = {"flat": flat, "steps": steps, "creep": creep, "nightly": nightly, "limits": limits}
        studies[name](options.repetitions, options.seed)


if __name__ == "__main__":
    main()
