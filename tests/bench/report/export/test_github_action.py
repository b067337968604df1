"""What is exported for github-action-benchmark has the shape that it asks for."""

import re

import pytest

from bench.analysis import summary


def test_the_action_gets_what_its_schema_asks_for(make_run, parsed):
    """Name, unit and value; range and extra are text. Source: `BenchmarkResult` in its src/extract.ts."""
    run = make_run()

    entries = parsed(run, "github-action")

    assert 5 == len(entries)
    for entry in entries:
        assert {"name": str, "unit": str, "value": float, "range": str, "extra": str} == {
            name: type(value) for name, value in entry.items()
        }
        assert re.fullmatch(r"± \d.+", entry["range"])


def test_the_action_gets_milliseconds_per_step(make_run, parsed):
    """The estimate of the report and half its interval; smaller is better."""
    run = make_run()
    (group,) = summary.summarise(run)

    entries = parsed(run, "github-action")

    assert [(cell.step.estimate * 1e3, "ms/step") for cell in group.cells] == [
        (entry["value"], entry["unit"]) for entry in entries
    ]
    assert [pytest.approx((cell.step.high - cell.step.low) / 2 * 1e3, rel=0.01) for cell in group.cells] == [
        float(entry["range"].removeprefix("± ")) for entry in entries
    ]


def test_the_action_gets_the_verdict_as_tooltip(make_run, parsed):
    """One fact per line."""
    run = make_run(steps={"base": 2e-3, "mine": 1e-3}, noise=0.0)

    entry, baseline = parsed(run, "github-action")

    lines = entry["extra"].splitlines()
    assert "faster: 2.00x faster (baseline base, 95 % interval 2.00 to 2.00)" == lines[0]
    assert {"processes: 6", "same work as the reference: as keras-adam", "python 3.11.9"} <= set(lines)
    assert "baseline" == baseline["extra"].splitlines()[0]
