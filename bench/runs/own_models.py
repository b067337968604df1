"""Which loops a model of one's own is compared on where nobody names any: plain `fit()` first, of what is installed."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from bench.worker import frameworks
from bench.worker.failure import imported_by
from loops import registry

LOOPS = {
    "tensorflow": ("tf-fit-stock", "tf-fit", "tf-function"),
    "torch": ("torch-fit-stock", "torch-keras", "torch-native"),
    "jax": ("jax-fit-stock", "jax-jit"),
}
"""Framework -> `fit()` as it is, and the steps written by hand that a model of any kind can be trained by."""


def usual(workloads: Iterable[str], *, elsewhere: Collection[str] = ()) -> tuple[str, ...]:
    """Return the loops that are measured where nobody names any.

    Of compiled models, those that can train them here, of their own framework first; of others, those of the guides.

    Args:
        workloads: By name.
        elsewhere: Frameworks for which another interpreter is given.
    """
    workloads = tuple(workloads)
    if not all(map(registry.is_prepared, workloads)):
        return registry.DEFAULT_LOOPS
    return of_frameworks({framework for name in workloads for framework in _imported(name)}, elsewhere=elsewhere)


def of_frameworks(own: Collection[str], *, elsewhere: Collection[str] = ()) -> tuple[str, ...]:
    """Return the loops that can train a compiled model here, those of its own framework first.

    Args:
        own: Frameworks that it was made with.
        elsewhere: As for `usual`.
    """
    names = [name for framework in order(own, elsewhere=elsewhere) for name in LOOPS[framework]]
    return tuple(names) or registry.DEFAULT_LOOPS


def order(own: Collection[str] = (), *, elsewhere: Collection[str] = ()) -> list[str]:
    """Return the frameworks that can be used; first what a file imports, then what Keras is set to.

    Args:
        own: Frameworks that a file imports.
        elsewhere: As for `usual`.
    """
    there = [name for name in LOOPS if name in elsewhere or frameworks.missing(name) is None]
    chosen = os.environ.get("KERAS_BACKEND")
    return sorted(there, key=lambda name: (name not in own, name != chosen))


def _imported(workload: str) -> set[str]:
    """Return the frameworks that the file of a workload imports."""
    place = registry.describe_workload(workload).target.rpartition(":")[0]
    return imported_by(Path(place)) & LOOPS.keys() if place.endswith(".py") else set()
