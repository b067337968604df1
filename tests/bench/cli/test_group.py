"""How errors become one line and an exit code."""

import click
import pytest
from click.testing import CliRunner

from bench import errors
from bench.cli.group import OneLineErrors
from loops.errors import LoopError


def ended_by(error):
    """Return how a command ends that raises this."""

    @click.group(cls=OneLineErrors)
    def main():
        pass

    @main.command()
    def fail():
        raise error

    return CliRunner().invoke(main, ["fail"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("no"), 2),
        (errors.ResultsError("no"), 2),
        (errors.InvalidResult("no"), 2),
        (errors.NoDevice("no"), 2),
        (errors.NothingComparable("no"), 4),
        (errors.TrialsFailed("no"), 5),
        (errors.Interrupted("no"), 130),
        (LoopError("no"), LoopError.exit_code),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_that_explains_itself_is_one_line_with_the_code_of_its_class(error, code):
    """On stderr; none says 1, which means a slowdown and nothing else."""
    done = ended_by(error)

    assert (code, "", "Error: no\n") == (done.exit_code, done.stdout, done.stderr)
    assert 1 != code


def test_an_interruption_is_told_without_a_traceback():
    """Wherever it came."""
    done = ended_by(KeyboardInterrupt())

    assert (130, "Interrupted.\n") == (done.exit_code, done.stderr)


def test_a_fault_of_the_tool_itself_has_a_code_of_its_own():
    """70, which no finding of a measurement has."""
    assert 70 == ended_by(ZeroDivisionError("no")).exit_code
