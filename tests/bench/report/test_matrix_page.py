"""The page of many machines."""

import re

import pytest

from bench.analysis.many_machines import matrices
from bench.report import matrix, matrix_page

STEPS = {"tf-eager": 8e-3, "tf-function": 0.4e-3, "torch-native": 0.75e-3}


@pytest.fixture
def found(make_run):
    """Return three machines, one of them with a name that would like to be an element."""
    return matrices(
        make_run(steps=STEPS, seed=seed, run_id=f"run-{seed}", noise=0.01, environment={"machine name": name})
        for seed, name in enumerate(["a", "b", "<script>"])
    )


def test_the_page_begins_with_the_answer_and_needs_no_script(found):
    """Nor network; what others have named is text."""
    page = matrix_page.to_html(found, addresses={})

    assert page.index(matrix.headline(found[0]).partition(":")[0]) < page.index("<h2>")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=\"[^#]", page)


def test_a_run_with_a_page_is_led_to(found, tmp_path):
    """From the folder beside it."""
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1" / "index.html").write_text("page", encoding="utf-8")

    written = matrix_page.write(found, folder=tmp_path / "matrix", reports=tmp_path)

    assert tmp_path / "matrix" / "index.html" == written
    assert ['href="../run-1/index.html"'] == re.findall(r'href="[^#"]+"', written.read_text(encoding="utf-8"))


def test_several_trainings_are_sections_with_titles(found, make_run, make_cell):
    """And so many answers on top."""
    cells = [make_cell(loop, batch_size=256) for loop in STEPS]
    others = matrices(
        make_run(steps=STEPS, cells=cells, run_id=name, noise=0.01, environment={"machine name": name}) for name in "ab"
    )

    page = matrix_page.to_html([*found, *others], addresses={})

    assert "batch 256: Use tf-function" in page
    assert {"mnist-mlp, batch 32", "mnist-mlp, batch 256"} <= set(re.findall("<h2>(.*?)</h2>", page))
