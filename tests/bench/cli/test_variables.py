"""Variables of the environment that nothing reads."""

from bench.cli import variables
from bench.cli.main import main


def remarks(**environment):
    """Return what is said of an environment."""
    return list(variables.remarks(environment, commands=main.commands.values()))


def test_a_mistyped_variable_is_named_with_the_nearest_that_is_read():
    """It would have no effect, in silence."""
    assert [
        "note: BENCH_MAX_SLOWDWN is set, and nothing here reads it; did you mean BENCH_MAX_SLOWDOWN?",
        "note: BENCH_QQQQ is set, and nothing here reads it",
    ] == remarks(BENCH_MAX_SLOWDWN="5", BENCH_QQQQ="1")


def test_what_any_command_reads_and_what_is_nobodys_business_is_not_named():
    """A job sets variables for several commands at once."""
    assert [] == remarks(BENCH_ROUNDS="3", BENCH_BASE_REF="main", BENCH_CACHE_DIR="/x", BENCHMARK="1", PATH="/bin")
