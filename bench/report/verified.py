"""What the check of loops found, as a table or as data: one row per loop and workload with its largest gaps."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from bench.records.verification import Verification
from bench.text import table
from bench.units import tiny


def render(found: Sequence[Verification], *, output_format: str) -> str:
    """Return one row per loop and workload with its largest gaps, or everything as JSON."""
    if output_format == "json":
        return json.dumps([asdict(verification) | {"passed": verification.passed} for verification in found], indent=2)
    return table([_row(verification) for verification in found])


def _row(verification: Verification) -> dict[str, str]:
    """Return what one check found as text."""
    columns = {
        "loss gap": "loss, ",
        "weight gap": "weights",
        "gradient gap": "gradients",
        "metric gap": "training metric",
    }
    return {
        "loop": verification.loop,
        "workload": verification.workload,
        "result": _result(verification),
        "optimizer": verification.formula,
        **{name: _largest(verification, start) for name, start in columns.items()},
        "why not": verification.reason or verification.remark or "",
    }


def _result(verification: Verification) -> str:
    """Return what came of a check in words."""
    if verification.undecided:
        return "not verified"
    if verification.problem is not None:
        return "failed"
    if verification.failed:
        return "DIFFERS" if verification.problem is None else "FAILED"
    if verification.framework_wide:
        return "like fit()"
    return "same work" if verification.peer is None else f"like {verification.peer}"


def _largest(verification: Verification, start: str) -> str:
    """Return the largest gap of a kind, and the step at which it occurs."""
    gap = max(
        (gap for gap in verification.gaps if gap.what.startswith(start)), key=lambda gap: gap.largest, default=None
    )
    if gap is None:
        return "n/a"
    return tiny(gap.largest) if gap.step is None else f"{tiny(gap.largest)} at {gap.step}"
