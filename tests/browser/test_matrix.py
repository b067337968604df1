"""The page of many machines in a real Chromium, by the same rules as a report's."""

import importlib.util
from pathlib import Path

import pytest

from bench.analysis.many_machines import matrices
from bench.report import matrix_page

pytestmark = pytest.mark.browser


def load(name, path):
    """Import a file that is no module of a package."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HERE = Path(__file__).resolve().parent
rules = load("rules_of_pages", HERE / "test_page.py")
factories = load("factories_of_runs", HERE.parent / "bench" / "conftest.py")
browser, visit, make_run = rules.browser, rules.visit, factories.make_run


@pytest.fixture
def pages(tmp_path, make_run):
    """Return the page of six machines, on one of which two loops change places."""
    steps = {
        "tf-eager": 8e-3,
        "tf-function": 0.4e-3,
        "torch-native": 0.75e-3,
        "a-loop-with-a-name-that-is-longer-than-any-column-of-a-phone": 95.0e-3,
    }
    found = matrices(
        make_run(
            steps=steps | ({"tf-function": 0.9e-3} if name == "AMD-EPYC-of-the-cellar" else {}),
            seed=seed,
            run_id=f"run-{seed}",
            environment={"machine name": name, "cpu model": "AMD EPYC 7763 64-Core Processor"},
        )
        for seed, name in enumerate([*"abcde", "AMD-EPYC-of-the-cellar"])
    )
    return {"matrix": matrix_page.write(found, folder=tmp_path / "matrix", reports=tmp_path)}


def test_the_page_fits_every_width_in_both_schemes(visit, pages):
    """No sideways scrolling, no text below 14 px, contrast of at least 4.5, no label on another one."""
    for width in rules.WIDTHS:
        for scheme in rules.SCHEMES:
            page = visit("matrix", width=width, scheme=scheme, scripts=True)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate(rules.SMALLEST_TEXT)[0] >= 14.0
            assert page.evaluate(rules.CONTRAST)[0] >= 4.5
            assert [] == page.evaluate(rules.OVERLAPS)


def test_the_page_is_whole_without_scripts(visit, pages):
    """A picture for each loop but the baseline, and the answer on the first screen of a phone."""
    page = visit("matrix", width=320, scripts=False)

    assert 3 == page.locator("svg:visible").count()
    assert page.locator(".verdict").bounding_box()["y"] < 320
