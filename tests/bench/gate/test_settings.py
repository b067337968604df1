"""What may be written below [tool.bench.gate] of pyproject.toml, and what a mistake in it says."""

import shutil
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.gate.settings import Settings, read_settings, resolved

ROOT = Path(__file__).resolve().parents[3]


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


def test_an_anchor_has_a_budget_of_its_own(tmp_path):
    """Per cent as well; time is in seconds."""
    found = settings_of(tmp_path, "[tool.bench.gate]\nanchor = 'v1.2'\nanchor-budget = 4\ntime-budget = 900\n")

    assert ("v1.2", 0.04, 900.0) == (found.anchor, found.anchor_budget, found.time_budget)


def test_without_a_file_or_a_table_there_are_defaults(tmp_path):
    """Nothing has to be configured."""
    assert read_settings(tmp_path) == Settings() == settings_of(tmp_path, "[project]\nname = 'x'\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max-slowdwn = 5", "[tool.bench.gate] has no 'max-slowdwn'. Did you mean 'max-slowdown'? It knows accept, "),
        ("max-slowdown = 0", "[tool.bench.gate] max-slowdown: expected `float` > 0.0 (it is 0)"),
        ('max-slowdown = "5"', "max-slowdown: expected `float`, got `str` (it is '5')"),
        ("max-slowdown = inf", "max-slowdown: expected a number of per cent above 0, got inf"),
        ("budgets = { tf-fit = -1 }", "budgets[...]: expected `float` > 0.0"),
        ("budgets = 3", "budgets: expected `object`, got `int` (it is 3)"),
        ("loops = 'tf-fit'", "loops: expected `array`, got `str` (it is 'tf-fit')"),
        ("rounds = 1", "rounds: expected `int` >= 2 (it is 1)"),
        ("on-new = 'explode'", "on-new: invalid enum value 'explode'"),
        ("anchor = 'v1.2'", "anchor has no effect alone; write anchor-budget = 4 as well"),
        ("anchor-budget = 4", 'anchor-budget has no effect alone; write anchor = "v1.2" as well'),
        ("anchor = ''\nanchor-budget = 4", "anchor: expected `str` of length >= 1"),
        ("anchor = 'v1.2'\nanchor-budget = 0", "anchor-budget: expected `float` > 0.0 (it is 0)"),
        ("anchor = 'v1.2'\nanchor-budget = inf", "anchor-budget: expected a number of per cent above 0, got inf"),
        ("time-budget = 0", "time-budget: expected `float` > 0.0 (it is 0)"),
        ("time-budget = inf", "time-budget: expected seconds, got inf"),
        ("max-slowdown = ", "Invalid value"),
        ("accept = [{ loop = 'x', upto = 3, reason = 'y' }]", "accept[0]] has no 'upto'. Did you mean 'up-to'?"),
        ("accept = [{ loop = 'x', up-to = 3, reason = 'y' }]", "x: say when it ends: until = 2026-12-31"),
    ],
)
def test_a_mistake_in_the_settings_names_file_key_and_value(tmp_path, text, message):
    """And nothing is measured."""
    with pytest.raises(UsageError, match=r"pyproject\.toml") as error:
        settings_of(tmp_path, f"[tool.bench.gate]\n{text}\n")

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool]\nbench = 3\n", "tool.bench: expected `object`, got `int` (it is 3)"),
        ("tool = 3\n", "tool: expected a table, got 3"),
        ("[tool.bench.gat]\nloops = []\n", "[tool.bench] has no 'gat'. Did you mean 'gate'?"),
        ("[tool.loopbench.gate]\nloops = []\n", "[tool.loopbench.gate] is not read; write [tool.bench.gate]"),
    ],
)
def test_a_table_that_nobody_would_read_is_refused(tmp_path, text, message):
    """Settings without effect are worse than none."""
    with pytest.raises(UsageError) as error:
        settings_of(tmp_path, text)

    assert str(error.value) == f"pyproject.toml: {message}" or str(error.value).startswith(f"pyproject.toml: {message}")


def test_settings_are_looked_for_up_to_the_top_of_the_repository(tmp_path, make_repository):
    """The nearest file that has any; paths in it are from where it lies, and what lies above is nobody's."""
    outside, top = tmp_path / "pyproject.toml", tmp_path / "top"
    outside.write_text("[tool.bench.gate]\nrounds = 9\n")
    make_repository(top)
    (top / "pyproject.toml").write_text('[tool.bench.gate]\nloops = ["speed/my_loop.py", "tf-fit"]\nrounds = 4\n')
    inner = top / "packages" / "one"
    inner.mkdir(parents=True)
    (top / "packages" / "pyproject.toml").write_text("[project]\nname = 'x'\n")

    found = read_settings(inner)

    assert (top / "pyproject.toml", 4, (str(top / "speed" / "my_loop.py"), "tf-fit")) == (
        found.file,
        found.rounds,
        found.loops,
    )
    (top / "pyproject.toml").unlink()
    assert read_settings(inner) == Settings()


@pytest.fixture
def own_loop(tmp_path, monkeypatch):
    """Return a folder with a user's loop in `speed/`, which nobody knows of afterwards."""
    monkeypatch.setenv("BENCH_FILES", "[]")
    (tmp_path / "speed").mkdir()
    shutil.copy(ROOT / "examples" / "my_loop.py", tmp_path / "speed" / "my_loop.py")
    return tmp_path


@pytest.mark.parametrize("key", ["my_loop", '"speed/my_loop.py"', '"./speed/../speed/my_loop.py"'])
def test_a_budget_is_found_by_name_and_by_every_spelling_of_a_path(own_loop, key):
    """As loops are."""
    text = f'[tool.bench.gate]\nloops = ["speed/my_loop.py"]\nbudgets = {{ {key} = 150 }}\n'

    settings = resolved(settings_of(own_loop, text))

    assert (("my_loop",), 1.5, 0.02) == (settings.loops, settings.budget("my_loop"), settings.budget("tf-fit"))


@pytest.mark.parametrize("key", ["my-loop", '"speed/my_lop.py"', "tf-fti"])
def test_a_budget_for_a_loop_that_there_is_not_is_refused(own_loop, key):
    """It would be ignored."""
    text = f'[tool.bench.gate]\nloops = ["speed/my_loop.py"]\nbudgets = {{ {key} = 50 }}\n'

    with pytest.raises(UsageError, match=r"pyproject\.toml: \[tool\.bench\.gate\] budgets: "):
        resolved(settings_of(own_loop, text))


def test_a_pattern_stands_for_the_loops_that_it_fits(tmp_path):
    """Listed, and in budgets and accepted slowdowns; a loop's own budget holds, wherever it stands."""
    accepted = '[[tool.bench.gate.accept]]\nloop = "num*"\nup-to = 9\nreason = "x"\nuntil = 2099-01-01\n'
    text = f'[tool.bench.gate]\nloops = ["num*"]\nbudgets = {{ numpy = 7, "num*" = 5 }}\n{accepted}'

    settings = resolved(settings_of(tmp_path, text))

    assert ("numpy", "numpy-cpp") == settings.loops
    assert (0.07, 0.05) == (settings.budget("numpy"), settings.budget("numpy-cpp"))
    assert ["numpy", "numpy-cpp"] == [one.loop for one in settings.accept]


def test_a_pattern_in_a_budget_that_fits_nothing_is_refused(tmp_path):
    """With the file and the table."""
    text = '[tool.bench.gate]\nloops = ["numpy"]\nbudgets = { "nunpy*" = 5 }\n'

    with pytest.raises(UsageError, match=r"budgets: no loop is called like 'nunpy\*'\. Did you mean one like 'numpy'"):
        resolved(settings_of(tmp_path, text))
