"""Which loop to use for how many steps, start-up counted, and what `fit()` costs, from fixed templates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench import units
from bench.analysis import total_time
from bench.analysis.intervals import Interval
from bench.analysis.summary import CellSummary, Group
from bench.analysis.total_time import Stretch
from bench.analysis.verdict import Verdict
from bench.records.stored_run import Run
from bench.report import wording

_FEWEST_LOOPS = 2
_FRAMEWORKS = {"tf": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}
"""What loops of our own begin with; those of other packages are advised on, but not sorted into kinds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Convenience:
    """What a `fit()` loop costs against writing the loop by hand."""

    loop: str
    by_hand: str
    """The fastest loop of the same framework that is written by hand."""
    ratio: Interval
    """Its step time over that of the other, paired by round: 1.2 reads "20 % more time"."""
    verdict: Verdict
    """Of the loop against the one written by hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to use on one device, for one workload, track, batch size and width."""

    group: str
    """All that in words; shown where there are several."""
    stretches: tuple[Stretch, ...]
    """Display names of loops, by number of steps."""
    conveniences: tuple[Convenience, ...]
    """Cheapest first."""
    choice: str
    """What to use for how many steps, in one sentence."""
    rest: str
    """What to type for that, and what `fit()` costs; empty where neither is known."""
    text: str
    """Both, as one paragraph."""


def build(run: Run, groups: Sequence[Group]) -> tuple[Advice, ...]:
    """Return one paragraph for each group in which at least two loops can be compared; none where sides are."""
    if run.header.plan.sides:
        return ()
    return tuple(advice for group in groups if (advice := _advice(run, group)) is not None)


def _advice(run: Run, group: Group) -> Advice | None:
    """Return the paragraph of one group; none where the machine was too busy to know all of its loops."""
    if any(cell.too_busy for cell in group.cells):
        return None
    cells = [cell for cell in group.cells if cell.is_ranked and cell.step and cell.step.low]
    shown = [(cell.costs.line, wording.display_name(cell.cell.name)) for cell in cells]
    lines = [replace(line, name=name) for line, name in shown if line is not None]
    if len(lines) < _FEWEST_LOOPS:
        return None
    known = {wording.display_name(cell.cell.name): cell for cell in cells}
    stretches = total_time.choices(
        lines,
        judged=lambda base, new: group.between(known[base], known[new]).verdict,
        margin=cells[0].margin,
        noise=None if group.noise is None else group.noise.relative,
        confidence=group.confidence,
    )
    conveniences = _conveniences(cells, group=group)
    recommended = [known[name].cell.loop for stretch in stretches for name in stretch.loops]
    to_type = wording.to_type(recommended, words=wording.of_workload(run.header.loops, workload=group.setting.workload))
    choice, rest = _choice(stretches), " ".join(filter(None, (to_type, _convenience(conveniences))))
    return Advice(
        group=wording.setting_name(group.setting),
        stretches=stretches,
        conveniences=conveniences,
        choice=choice,
        rest=rest,
        text=" ".join(filter(None, (choice, rest))),
    )


def _choice(stretches: Sequence[Stretch]) -> str:
    """Return what to use for how many steps."""
    included = "start-up (import, build, compile) included"
    if len(stretches) == 1:
        loops = stretches[0].loops
        if len(loops) == 1:
            return f"Use {loops[0]} for any number of steps, {included}."
        return f"{wording.alternatives(loops, word='and')} are equally good as far as this run tells, {included}."
    parts = [f"For under {units.about(stretches[0].last)} steps use {_names(stretches[0])}"]
    parts += [
        f"from {units.about(stretch.first)} to {units.about(stretch.last)} use {_names(stretch)}"
        for stretch in stretches[1:-1]
    ]
    parts.append(f"beyond {units.about(stretches[-1].first)} use {_names(stretches[-1])}")
    return f"{', '.join(parts)}, {included}."


def _names(stretch: Stretch) -> str:
    """Return the loops that are not told apart."""
    return wording.alternatives(stretch.loops)


def _conveniences(cells: Sequence[CellSummary], *, group: Group) -> tuple[Convenience, ...]:
    """Compare each `fit()` loop with the fastest hand-written one of its framework; cells come fastest first."""
    fastest: dict[str, CellSummary] = {}
    for cell in cells:
        if not _fits(cell):
            fastest.setdefault(_framework(cell), cell)
    found = []
    for cell in cells:
        by_hand = fastest.get(_framework(cell))
        if not _fits(cell) or by_hand is None:
            continue
        judged = group.between(by_hand, cell)
        if judged.speed_up is not None:
            found.append(
                Convenience(
                    loop=wording.display_name(cell.cell.name),
                    by_hand=wording.display_name(by_hand.cell.name),
                    ratio=judged.speed_up.reciprocal(),
                    verdict=judged.verdict,
                )
            )
    return tuple(found)


def _framework(cell: CellSummary) -> str:
    """Return what a loop's name begins with."""
    return cell.cell.loop.partition("-")[0]


def _fits(cell: CellSummary) -> bool:
    """Whether a loop leaves the loop to Keras' `fit()`, which its name says, as those of our own loops do."""
    return _framework(cell) in _FRAMEWORKS and "fit" in cell.cell.loop.split("-")


def _convenience(conveniences: Sequence[Convenience]) -> str:
    """Return what `fit()` costs at this size."""
    by_framework: dict[str, list[Convenience]] = {}
    for found in conveniences:
        by_framework.setdefault(found.by_hand, []).append(found)
    parts = [
        f"against {by_hand}, the fastest hand-written {_FRAMEWORKS[by_hand.partition('-')[0]]} loop, "
        f"{wording.listing([_cost(one) for one in found])}"
        for by_hand, found in by_framework.items()
    ]
    return f"What the convenience of fit() costs per step at this size: {'; '.join(parts)}." if parts else ""


def _cost(found: Convenience) -> str:
    """Return what one loop costs in per cent."""
    ratio = found.ratio
    if found.verdict is Verdict.UNCLEAR or ratio.low is None or ratio.high is None:
        return f"{found.loop} is not told apart"
    if found.verdict is Verdict.SAME:
        return f"{found.loop} takes the same time"
    ends = sorted(abs(end - 1.0) for end in (ratio.low, ratio.high))
    word = "more" if found.verdict is Verdict.SLOWER else "less"
    span = f"95 % interval {' to '.join(units.percent(end) for end in ends)}"
    return f"{found.loop} takes {units.percent(abs(ratio.estimate - 1.0))} {word} ({span})"
