"""Whatever ends a gate, its verdict file says the same as the exit code."""

import json
from pathlib import Path

import click
import pytest

from bench.errors import BuildFailed, FileTrouble, Interrupted, NothingComparable, UsageError
from bench.gate.result import SCHEMA, Outcome
from bench.gate.verdict_file import VerdictFile, asked_for, ended
from loops.errors import UnknownName


class Told:
    """A console that remembers."""

    def __init__(self):
        """Nothing was said yet."""
        self.lines = []

    def notice(self, text):
        """Remember a line."""
        self.lines.append(text)


@pytest.fixture
def old(tmp_path):
    """Return where an earlier gate has left a verdict that passed."""
    path = tmp_path / "bench-verdict.json"
    path.write_text(json.dumps({"outcome": "passed", "exit_code": 0}))
    path.with_suffix(".md").write_text("No slowdown.")
    return path


@pytest.mark.parametrize(
    ("error", "code", "outcome"),
    [
        (UsageError("no such commit"), 2, "error"),
        (UnknownName("loop", "tou", known=["toy"]), 2, "error"),
        (click.UsageError("--baseline is empty"), 2, "error"),
        (OSError(28, "No space left on device", "results"), 2, "error"),
        (NothingComparable("another processor"), 4, "not-comparable"),
        (BuildFailed("make ended with exit code 2"), 5, "failed"),
        (ZeroDivisionError("division by zero"), 70, "fault"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Interrupted("3 of 9 trials are stored"), 130, "interrupted"),
    ],
)
def test_what_ends_a_gate_is_its_verdict(old, error, code, outcome):
    """In the words of the error; the one before is gone."""
    with pytest.raises(type(error)), VerdictFile(old):
        raise error

    verdict = json.loads(old.read_text())
    assert (code, outcome, SCHEMA, []) == tuple(verdict[name] for name in ("exit_code", "outcome", "schema", "loops"))
    assert verdict["reason"]
    assert "\n" not in verdict["reason"]
    assert "No verdict: " in old.with_suffix(".md").read_text() or code in {4, 5}


def test_an_older_verdict_is_gone_before_anything_is_measured(old):
    """A gate that is killed leaves none."""
    with VerdictFile(old):
        assert not old.exists()
        assert not old.with_suffix(".md").exists()


def test_what_follows_a_verdict_does_not_change_it(old):
    """As when the page cannot be printed."""
    file = VerdictFile(old)
    file.write(ended(Outcome.PASSED, exit_code=0, reason=""), environment={}, console=Told())

    file.__exit__(BrokenPipeError, BrokenPipeError(), None)

    assert "passed" == json.loads(old.read_text())["outcome"]


def test_a_summary_that_cannot_be_written_is_a_warning(old, tmp_path):
    """The verdict is what counts."""
    told = Told()
    with VerdictFile(old) as file:
        file.write(
            ended(Outcome.PASSED, exit_code=0, reason=""),
            environment={"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "summary.md")},
            console=told,
        )

    assert "passed" == json.loads(old.read_text())["outcome"]
    (line,) = told.lines
    assert line.startswith(
        f"warning: the job summary: {tmp_path}/no/summary.md: cannot be written (No such file or dir"
    )


def test_a_place_that_cannot_be_written_is_an_error_before_anything_is_measured(tmp_path):
    """An hour later would be late."""
    (tmp_path / "file").touch()

    with pytest.raises(FileTrouble, match="cannot be made"), VerdictFile(tmp_path / "file" / "verdict.json"):
        pytest.fail("it began")


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        ([], {}, "bench-verdict.json"),
        (["--rounds", "x", "--verdict-file", "a.json"], {}, "a.json"),
        (["--verdict-file=b.json"], {"BENCH_VERDICT_FILE": "c.json"}, "b.json"),
        (["--verdict-file"], {"BENCH_VERDICT_FILE": "c.json"}, "c.json"),
    ],
)
def test_the_place_is_known_even_of_a_command_line_that_cannot_be_read(arguments, variables, expected):
    """So that it gets its verdict too."""
    assert Path(expected) == asked_for(arguments, environment=variables)
