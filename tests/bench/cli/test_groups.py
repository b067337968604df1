"""Shared options reach a command as one object per group."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench.cli.groups import IN_HELP, Conditions, Measuring, Output, Pages, Running, takes
from bench.cli.main import main
from bench.cli.options import option


@pytest.fixture
def seen():
    """Return a command that takes two groups behind an option of its own, and what it was handed."""
    handed = []

    @click.command()
    @option("--own", default=1, help="First.")
    @takes(Running, Output)
    def command(running, output, /, *, own):
        handed.append((running, output, own))

    return command, handed


def test_a_command_is_handed_its_groups_and_its_own_options(seen):
    """Whatever was left out is there with its default."""
    command, handed = seen

    done = CliRunner().invoke(
        command, ["numpy", "tf-fit", "--batch-size", "32,64", "--margin", "5", "--python", "torch=p", "--own", "2"]
    )

    assert 0 == done.exit_code, done.output
    ((running, output, own),) = handed
    assert (("numpy", "tf-fit"), (32, 64), 0.05, (("torch", "p"),), 2) == (
        running.loops,
        running.batch_sizes,
        running.margin,
        running.interpreters,
        own,
    )
    assert (None, "auto", True, False, 300.0) == (
        running.rounds,
        running.device,
        running.calibrate,
        running.breakdown,
        running.timeout,
    )
    assert (Path("results"), Path("reports"), "table") == (output.results_dir, output.reports, output.output_format)


def test_no_page_is_written_where_none_is_wanted(seen):
    """Wherever pages would go."""
    command, handed = seen

    CliRunner().invoke(command, ["--no-report", "--reports-dir", "elsewhere"])

    assert handed[0][1].reports is None


def test_help_lists_own_options_first_and_shared_ones_in_one_order(seen):
    """Whichever groups a command takes."""
    command, _ = seen

    assert ["own", *IN_HELP] == [parameter.name for parameter in command.params]


@pytest.mark.parametrize("group", [Conditions, Measuring, Running, Pages, Output])
def test_every_shared_option_has_its_place_in_the_help(group):
    """One without a place would stop every command from starting."""
    assert [] == [name for name in group.__dataclass_fields__ if name not in IN_HELP]


def test_every_command_that_takes_loops_can_leave_some_out():
    """By the same option, which is of no use to others."""
    taking = {name for name, one in main.commands.items() if any(p.name == "exclude" for p in one.params)}

    assert {"run", "ab", "gate", "verify", "profile"} == taking
