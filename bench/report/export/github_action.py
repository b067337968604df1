"""A stored run in the words of github-action-benchmark's `customSmallerIsBetter`."""

from bench import units
from bench.records.stored_run import Run
from bench.report import wording
from bench.report.export.entries import Entry, Exportable, Json, one_line


def content(found: Exportable) -> list[Json]:
    """Return what stands in its file: one value for each loop."""
    return [_value(entry, run=found.run) for entry in found.entries]


def _value(entry: Entry, *, run: Run) -> Json:
    """Return one line of the chart: milliseconds per step, and the half-width of the interval."""
    step, speed_up = entry.summary.step, entry.summary.speed_up
    assert step is not None  # a cell without finished trials is not exported
    tooltip = [entry.verdict]
    if speed_up is not None:
        span = units.speed_span(speed_up.estimate, low=speed_up.low, high=speed_up.high)
        speed = wording.speed_text(entry.summary)
        tooltip = [f"{entry.verdict}: {speed} (baseline {entry.baseline}, 95 % interval {span})"]
    tooltip += [
        f"processes: {step.count}",
        f"same work as the reference: {wording.verified_text(entry.summary)}",
        *(f"{name} {version}" for name, version in entry.trials[0].versions.items()),
        f"run: {run.header.run_id}",
    ]
    found: Json = {"name": entry.name, "unit": "ms/step", "value": step.estimate * 1e3}
    if step.low is not None and step.high is not None:
        found["range"] = f"± {(step.high - step.low) / 2.0 * 1e3:#.3g}"
    return found | {"extra": "\n".join(one_line(line) for line in tooltip)}
