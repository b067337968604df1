"""What may be written below [tool.bench.gate] of pyproject.toml, and what a mistake in it says."""

import pytest

from bench.errors import UsageError
from bench.gate.settings import Settings, read_settings


def settings_of(folder, text):
    """Read settings from a file with this text."""
    (folder / "pyproject.toml").write_text(text)
    return read_settings(folder)


def test_settings_are_read_from_pyproject(tmp_path):
    """Per cent there, fractions here."""
    settings = settings_of(
        tmp_path,
        '[tool.bench.gate]\nloops = ["tf-fit"]\nmax-slowdown = 5\nthreads = 2\nrounds = 8\n'
        'workload = "regression"\nbudgets = { tf-fit = 10 }\n',
    )

    assert (("tf-fit",), 0.05, 2, 8, "regression") == (
        settings.loops,
        settings.max_slowdown,
        settings.threads,
        settings.rounds,
        settings.workload,
    )
    assert (0.10, 0.05) == (settings.budget("tf-fit"), settings.budget("tf-function"))


def test_without_a_file_or_a_table_there_are_defaults(tmp_path):
    """Nothing has to be configured."""
    assert read_settings(tmp_path) == Settings() == settings_of(tmp_path, "[project]\nname = 'x'\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max-slowdwn = 5", "has no 'max-slowdwn'; it knows budgets, loops, max-slowdown"),
        ("max-slowdown = 0", "max-slowdown: expected a number of per cent between 0 and 100, got 0"),
        ('max-slowdown = "5"', "max-slowdown: expected a number of per cent"),
        ("budgets = { tf-fit = -1 }", "budgets.tf-fit: expected a number of per cent"),
        ("budgets = 3", "budgets: expected a table"),
        ("loops = 'tf-fit'", "loops: expected a list of names, got 'tf-fit'"),
        ("rounds = 0", "rounds: expected a whole number above zero, got 0"),
        ("max-slowdown = ", "Invalid value"),
    ],
)
def test_a_mistake_in_the_settings_names_file_key_and_value(tmp_path, text, message):
    """And nothing is measured."""
    with pytest.raises(UsageError, match=r"pyproject\.toml") as error:
        settings_of(tmp_path, f"[tool.bench.gate]\n{text}\n")

    assert message in str(error.value)
