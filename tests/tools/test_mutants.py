"""Which mutants are drawn. Needs cosmic-ray, which `make test-mutants` installs."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray")

CODE = "LIMIT = 3\n\n\ndef beyond(value, *, margin: int | None = 0):\n    return value > LIMIT + margin\n"


@pytest.fixture
def mutants(tmp_path, monkeypatch):
    """Return the tool, which looks at a folder with one file."""
    path = Path(__file__).resolve().parents[2] / "tools" / "mutants.py"
    spec = importlib.util.spec_from_file_location("mutants", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "mine.py").write_text(CODE)
    return module


@pytest.mark.parametrize(
    ("old", "new", "otherwise"),
    [
        ("> LIMIT", ">= LIMIT", True),
        ("margin: int | None = 0", "margin: int | None = 1", True),
        ("int | None", "int & None", False),
        ("value, *, margin", "value, /, margin", False),
        ("LIMIT + margin", "LIMIT + + )", False),
    ],
)
def test_what_runs_as_before_or_not_at_all_is_no_mutant(mutants, old, new, otherwise):
    """Annotations, how an argument may be passed, what is no Python."""
    assert old in CODE
    assert otherwise is mutants.runs_otherwise(CODE, CODE.replace(old, new))


def test_of_each_place_one_mutant_is_drawn(mutants):
    """Two numbers, a comparison and a sum; each differs in one line."""
    found = mutants.draw(["mine.py"], places=99, seed=0)

    assert {1, 4, 5} == {mutant.line for mutant in found}
    assert 4 <= len(found) == len({mutant.identity for mutant in found})
    assert all(mutant.before != mutant.after for mutant in found)


def test_a_change_elsewhere_draws_no_others(mutants, tmp_path):
    """Else every change would need reasons for others."""
    before = mutants.draw(["mine.py"], places=3, seed=0)
    (tmp_path / "mine.py").write_text('"""What is mine."""\n\n' + CODE)

    after = mutants.draw(["mine.py"], places=3, seed=0)

    assert [mutant.identity for mutant in before] == [mutant.identity for mutant in after]
    assert [mutant.line + 2 for mutant in before] == [mutant.line for mutant in after]
