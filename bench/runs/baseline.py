"""Which loop the others of a run are compared with."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bench.errors import UsageError
from loops import registry

if TYPE_CHECKING:
    from bench.runs.options import Console, Options

PREFERRED = "tf-eager"
"""What the guides write first."""


def baseline_of(options: "Options", *, names: Sequence[str], workloads: Iterable[str], console: "Console") -> str:
    """Return the loop that the others are compared with.

    Without one that was asked for: for a compiled Keras model plain `fit()`, which is what its user has; else the
    first loop that the guides write.

    Args:
        options: What was asked for.
        names: Of the loops that are measured.
        workloads: That they train.
        console: Is told where the one that was asked for is passed over.

    Raises:
        UsageError: If the one that was asked for is not measured.
    """
    usual = PREFERRED if PREFERRED in names else names[0]
    if options.sides:
        if options.baseline is not None:
            first = options.sides[0]
            console.notice(f"note: --baseline {options.baseline} is passed over: each loop is compared with {first}")
        return usual
    if options.baseline is not None:
        asked = registry.named("loop", options.baseline)
        if asked not in names:
            raise UsageError(f"--baseline {options.baseline}: not among the loops: {', '.join(names)}; name it as well")
        return asked
    if any(map(registry.is_prepared, workloads)):
        return next((name for name in names if registry.describe_loop(name).is_plain_fit), usual)
    return usual
