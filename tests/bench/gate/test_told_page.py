"""Pages of a gate's runs: what was decided stands above what was measured."""

from dataclasses import replace

import pytest

from bench.gate import judge, told_page
from bench.records import decisions


@pytest.fixture
def result(make_gate_run):
    """Return a function that judges a made-up gate by how much slower its loops became."""

    def result(slower, **settings):
        return judge.judge(judge.of_sides(make_gate_run(slower, **settings)), confirmation=None, fail_on_unclear=False)

    return result


@pytest.mark.parametrize(
    ("slower", "settings", "word"),
    [
        ({"tf-fit": 1.0}, {}, "PASSED"),
        ({"tf-fit": 1.2}, {}, "FAILED"),
        ({"tf-fit": 1.02}, {"noise": 0.02}, "UNCLEAR"),
    ],
)
def test_one_word_stands_first(result, slower, settings, word):
    """What is unclear is neither, whatever it does to a job."""
    assert word == told_page.decided(result(slower, **settings)).word


def test_a_failure_by_a_policy_is_a_failure(result):
    """As `--on-new fail`."""
    failed = replace(result({"tf-fit": 1.0}), exit_code=6)

    assert "FAILED" == told_page.decided(failed).word


def test_one_budget_is_told_once_and_several_by_their_loops(result):
    """Who reads "5 %" wants to know of what."""
    one = result({"tf-fit": 1.0, "tf-function": 1.0})
    first, second = one.loops
    two = replace(one, loops=(replace(first, budget=0.05), replace(second, budget=0.1)))

    assert ("2 % slower",) == told_page.decided(one).budgets
    assert ("tf-fit 5 % slower", "tf-function 10 % slower") == told_page.decided(two).budgets


def test_every_run_of_a_gate_has_the_decision_and_a_page_of_it(result, make_gate_run, tmp_path):
    """Whose heading is it, in HTML and in Markdown; without pages, the decision is kept all the same."""
    run = make_gate_run({"tf-fit": 1.2}, rounds=6)
    failed = replace(result({"tf-fit": 1.2}), runs=("first", "second"))
    stored = [(run, tmp_path / "results" / name) for name in failed.runs]
    for _, folder in stored:
        folder.mkdir(parents=True)

    page = told_page.write(failed, stored[:1], reports=tmp_path / "reports")
    none = told_page.write(failed, stored[1:], reports=None)

    assert (tmp_path / "reports" / "first" / "index.html", None) == (page, none)
    assert [told_page.decided(failed)] * 2 == [decisions.load(folder) for _, folder in stored]
    text = page.read_text(encoding="utf-8")
    assert "<p>FAILED: Slower, and confirmed: tf-fit.</p>" in text
    assert 'Grey: within the <a class="word" href="#word-budget">budget</a> of 2 %.' in text
    assert '<a href="../second/index.html">second</a>' in text
    assert "Text for the pull request" in text
    assert "**FAILED: Slower, and confirmed: tf-fit.**" in page.with_name("report.md").read_text(encoding="utf-8")
