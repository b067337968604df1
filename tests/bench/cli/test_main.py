"""What all commands share."""

import pytest

from bench import __version__
from bench.cli.main import main

COMMANDS = sorted(main.commands)


def test_the_commands_are_these():
    """The documentation names them all."""
    measured = ["ab", "gate", "profile", "run", "verify"]
    stored = ["baseline", "compare", "export", "history", "list", "matrix", "publish", "report", "runs", "show", "sql"]
    assert sorted([*measured, *stored, "completion", "env", "new"]) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_a_sentence_options_and_examples(bench, command):
    """In either spelling."""
    short, long = bench(command, "-h"), bench(command, "--help")

    assert (0, short.stdout) == (long.exit_code, long.stdout)
    assert long.stdout.startswith(f"Usage: main {command} ")
    assert "Example" in long.stdout
    assert "Options:" in long.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_that_does_not_exist_is_refused_with_exit_2(refused, command):
    """On stderr, so that nothing is piped on."""
    assert "Error: No such option '--no-such'." == refused(2, command, "--no-such")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_can_be_set_by_a_variable_of_its_name(command):
    """As the documentation promises: `BENCH_` and its long name."""
    # BENCH_MACHINE says what this machine is called, not whose history is wanted.
    # BENCH_BASELINE is a stored run, not a loop.
    others = {("history", "--machine"), ("run", "--baseline"), ("ab", "--baseline")}
    options = [one for one in main.commands[command].params if one.param_type_name == "option"]

    for option in options:
        if (command, option.opts[0]) in others:
            continue
        names = [name for name in option.opts if name.startswith("--")]
        assert f"BENCH_{names[0].removeprefix('--').replace('-', '_').upper()}" == option.envvar


def test_without_a_command_there_is_help(bench):
    """Click calls that a wrong use."""
    done = bench()

    assert 2 == done.exit_code
    assert "Commands:" in done.output


def test_the_version_is_that_of_the_package(bench):
    """For bug reports."""
    assert f"bench, version {__version__}\n" == bench("--version").stdout


def test_a_command_that_does_not_exist_is_refused(refused):
    """Exit code 2."""
    assert refused(2, "rnu").startswith("Error: No such command 'rnu'.")
