"""Runs as other tools get them, and those tools' own commands."""

import json
import subprocess
import sys

import pytest

from bench.analysis import epoch_ends, process
from bench.report.export import document
from bench.report.export.entries import exportable

HOSTILE = (
    "two\nlines",
    "two\\nlines",
    " leads",
    "leads",
    "trails ",
    "a[b]",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "'; drop table runs; --",
    "\N{RIGHT-TO-LEFT OVERRIDE}tf-eager",
    "\x1b[31mred\x00",
    "\N{SNOWMAN} naïve \N{HEBREW LETTER ALEF}",
    "%s {0} ${HOME}",
    "",
)
"""What another package may register as the name of a loop."""


@pytest.fixture
def hostile_names():
    """Return names that other packages may register."""
    return HOSTILE


@pytest.fixture
def exported(tmp_path):
    """Return a function that writes an export and returns its path."""

    def write(run, to, *, name="export"):
        path = tmp_path / f"{name}.json"
        document.save(document.render(exportable(run), to=to), file=path, force=False)
        return path

    return write


@pytest.fixture
def parsed():
    """Return a function that returns what stands in an export."""

    def parse(run, to):
        return json.loads(document.render(exportable(run), to=to))

    return parse


@pytest.fixture
def names(parsed):
    """Return a function that returns the names in an export."""

    def names_of(run, to):
        content = parsed(run, to)
        if to == "github-action":
            return [entry["name"] for entry in content]
        return [(entry if "name" in entry else entry["metadata"])["name"] for entry in content["benchmarks"]]

    return names_of


@pytest.fixture
def process_steps():
    """Return a function that returns loop -> one number per process, in the order of rounds."""

    def steps_of(run):
        return {
            cell.loop: list(
                epoch_ends.with_ends(trials, {t.round: process.trial_step_seconds(t) for t in trials}).values()
            )
            for cell in run.header.plan.cells
            for trials in (run.trials_of(cell),)
        }

    return steps_of


@pytest.fixture
def command(tmp_path):
    """Return a function that runs a module's command, every warning an error, and returns what it printed."""

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    return run
