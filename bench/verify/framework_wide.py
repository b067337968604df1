"""Which differences from the reference are a framework's own and no loop's: a pure function over what was found.

The control is stock `fit()` of the same framework, which is what a user means. What it shows as well, no loop can help:
it is named and marked, and the loop is ranked. What a loop shows and `fit()` does not, is that loop's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from bench.records.verification import Gap, Verification
from bench.verify.peers import peer_gap

CONTROLS = {"tensorflow": "tf-fit-stock", "torch": "torch-fit-stock", "jax": "jax-fit-stock"}
"""Backend -> the loop that is `fit()` and nothing else."""

ALIKE = 3.0
"""Within which factor two loops' gaps count as the same one."""


class Trait(StrEnum):
    """What a model has in which frameworks are known to differ."""

    LOOKS_ROWS_UP = "looks rows up in a table"
    NORMALISES_BATCHES = "normalises by mean and variance of a batch"
    KEEPS_STATE = "keeps an RNN's state from batch to batch"


LAYERS = {Trait.LOOKS_ROWS_UP: "Embedding", Trait.NORMALISES_BATCHES: "BatchNormalization"}
"""Trait -> what stands in the name of a layer that has it."""

KNOWN = {
    ("tensorflow", Trait.LOOKS_ROWS_UP): (
        "on TensorFlow, the gradient of a row that a batch looks up several times comes in parts, which Keras' "
        "optimizers square, or measure to clip them, before they sum them"
    ),
    ("tensorflow", Trait.NORMALISES_BATCHES): (
        "on TensorFlow, the mean of a batch in float32 is off by ten times as much as elsewhere and more, so that a "
        "maximum or a rectifier sooner takes the other side"
    ),
    ("jax", Trait.KEEPS_STATE): (
        "on JAX, Keras forgets after each batch the state that a stateful RNN would go on from"
    ),
}
"""Framework and trait -> what it does differently; of means, `tests/bench/verify/test_framework_wide.py` shows it."""


def missing_controls(found: Sequence[Verification], *, backends: Mapping[str, str]) -> list[tuple[str, Verification]]:
    """Return which controls have to be checked too before anybody is blamed, each with a loop that needs it.

    Args:
        found: What was checked.
        backends: Loop -> its framework.
    """
    checked = {(one.loop, one.workload, one.side) for one in found}
    missing: dict[tuple[str, str, str | None], tuple[str, Verification]] = {}
    for one in found:
        control = CONTROLS.get(backends[one.loop])
        if control is not None and _differs(one) and (control, one.workload, one.side) not in checked:
            missing.setdefault((control, one.workload, one.side), (control, one))
    return list(missing.values())


def attributed(
    found: Sequence[Verification], *, backends: Mapping[str, str], traits: Mapping[str, Collection[str]]
) -> list[Verification]:
    """Return the same verifications, each difference that `fit()` shows too marked as its framework's.

    Args:
        found: What was checked, controls included.
        backends: Loop -> its framework.
        traits: Workload -> what its model has in which frameworks differ.
    """
    return [_attributed(one, found, backends=backends, traits=traits.get(one.workload, ())) for one in found]


def _attributed(
    one: Verification, found: Sequence[Verification], *, backends: Mapping[str, str], traits: Collection[str]
) -> Verification:
    """Return one verification with its framework's differences marked."""
    backend = backends[one.loop]
    beside = [
        other
        for other in found
        if (backends[other.loop], other.workload, other.side) == (backend, one.workload, one.side) and _compared(other)
    ]
    control = next((other for other in beside if other.loop == CONTROLS.get(backend)), None)
    if control is None or not _differs(one):
        return one
    if one is control:
        others = [other for other in beside if other is not control]
        shared = [gap for gap in _differences(one) if not others or any(_shows(other, gap) for other in others)]
    else:
        same_path = peer_gap(one.losses, control.losses).passed
        shared = [gap for gap in _differences(one) if same_path and _shows(control, gap)]
    if not shared:
        return one
    marked = tuple(replace(gap, framework_wide=True) if gap in shared else gap for gap in one.gaps)
    cause = known_cause(backend, traits=traits)
    worst = max(shared, key=lambda gap: gap.largest / gap.allowed)
    what = f"{worst.what} {'differ' if worst.what.startswith('weights') else 'differs'} by {worst.largest:.2g}"
    remark = f"{what} from float64 on {one.reference}, as under fit(): {cause}"
    return replace(one, gaps=marked, remark=remark)


def known_cause(backend: str, *, traits: Collection[str]) -> str:
    """Return what a framework does differently, as far as it is known.

    Args:
        backend: The framework.
        traits: What the model has.
    """
    known = (KNOWN[backend, trait] for trait in Trait if trait in traits and (backend, trait) in KNOWN)
    return next(known, f"a way of {backend}'s, and not the loop's, whose cause is not known here")


def _compared(one: Verification) -> bool:
    """Whether a loop was held against the float64 training to the end."""
    return one.reference is not None and one.problem is None and bool(one.gaps)


def _differs(one: Verification) -> bool:
    """Whether a loop was, and was found to differ."""
    return _compared(one) and not one.passed


def _differences(one: Verification) -> list[Gap]:
    """Return what is beyond what is allowed."""
    return [gap for gap in one.gaps if not gap.passed]


def _shows(other: Verification, gap: Gap) -> bool:
    """Whether another loop differs in the same respect, and by as much."""
    return any(
        theirs.what == gap.what and theirs.largest / ALIKE <= gap.largest <= theirs.largest * ALIKE
        for theirs in _differences(other)
    )
