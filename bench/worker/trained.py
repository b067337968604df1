"""The workload of a request, as this process trains it."""

import sys
from typing import Any

from bench.worker.messages import Check, TrialRequest
from loops.contract import Loop
from loops.errors import UnsupportedCell


def workload_of(request: TrialRequest | Check) -> Any:
    """Import a workload; of a user's, with the arrays and initial weights that were prepared for the run."""
    from loops import registry  # noqa: PLC0415

    if "keras" in sys.modules and (request.dtype is not None or request.prepared is not None):
        from loops import precision  # noqa: PLC0415 - loops of an older commit have no such thing

        precision.use(request.dtype)
    if request.prepared is None:
        return registry.load_workload(request.workload)
    from loops import prepared  # noqa: PLC0415

    return prepared.load(request.workload, request.prepared)


def refuse_dtype(dtype: str | None, *, loop: Loop) -> None:
    """Refuse a precision where Keras has no say.

    Raises:
        UnsupportedCell: If the loop writes the model itself.
    """
    if dtype not in {None, "float32"} and (loop.own_model or loop.backend == "numpy"):
        raise UnsupportedCell(f"it writes the model itself, in float32 and not in {dtype}")


def has_validation(workload: Any) -> bool:
    """Whether there are samples to evaluate on; only what users bring may lack them."""
    fed = vars(workload).get("fed")
    return fed is None or fed[1].count > 0


def metric_name(workload: Any, metrics: dict[str, float]) -> str | None:
    """Return what the metric is called in a report: what the workload says, or else what Keras calls the first."""
    declared: str | None = vars(type(workload)).get("metric_name") or vars(workload).get("metric_name")
    if declared is None and vars(workload).get("fed") is None:
        declared = workload.metric_name
    return declared or next(iter(metrics), None)
