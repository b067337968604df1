"""The page of histories in a real Chromium, by the same rules as a report's."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser


def load(name, path):
    """Import a file that is no module of a package."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HERE = Path(__file__).resolve().parent
rules = load("rules_of_pages", HERE / "test_page.py")
factories_of_runs = load("factories_of_runs", HERE.parent / "bench" / "conftest.py")
factories_of_stores = load("factories_of_stores", HERE.parent / "bench" / "history" / "conftest.py")
browser, visit = rules.browser, rules.visit
make_run, store = factories_of_runs.make_run, factories_of_stores.store


@pytest.fixture
def pages(tmp_path, store):
    """Return the pages of a history with two changes close together, a break and three loops."""
    from bench.history import asked
    from bench.history.series import Wanted

    for night in range(40):
        steps = {
            "tf-fit": 0.7e-3 * (1.1 if night >= 20 else 1.0) * (1.1 if night >= 26 else 1.0),
            "torch-native": 0.75e-3,
            "a-loop-with-a-name-that-is-longer-than-any-column-of-a-phone": 95.0e-3,
        }
        data = {"trial_fields": {"torch-native": {"workload_sha256": "cd"}}} if night >= 30 else {}
        store(tmp_path / "results", night=night, steps=steps, noise=0.005, **data)
    found = asked.history(
        tmp_path / "results", Wanted(), reports=tmp_path / "reports", margin=0.01, tell=lambda line: None
    )
    return {"history": found.page, "runs": found.page.with_name("runs.html")}


def test_both_pages_fit_every_width_in_both_schemes(visit, pages):
    """No sideways scrolling, no text below 14 px, contrast of at least 4.5, no label on another one."""
    for name in pages:
        for width in rules.WIDTHS:
            for scheme in rules.SCHEMES:
                page = visit(name, width=width, scheme=scheme, scripts=True)
                assert page.evaluate("document.documentElement.scrollWidth") == width
                assert page.evaluate(rules.SMALLEST_TEXT)[0] >= 14.0
                assert page.evaluate(rules.CONTRAST)[0] >= 4.5
                assert [] == page.evaluate(rules.OVERLAPS)
                assert rules.BACKGROUNDS[scheme] == page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_page_is_whole_without_scripts(visit, pages):
    """There are none."""
    page = visit("history", width=320, scripts=False)

    assert 3 == page.locator("svg:visible").count()
    assert page.locator(".verdict").is_visible()
