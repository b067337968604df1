"""What is said of the least time that a step can take."""

from dataclasses import replace

from bench.report import build
from bench.report.notice import NoticeKind


def test_a_loop_below_the_bound_takes_it_off_the_page_and_is_named(make_run, make_least_step):
    """Nothing is ever shown below 1x."""
    run = make_run(steps={"tf-eager": 8e-3, "mine": 0.1e-3})

    report = build(replace(run, least_steps=(make_least_step(),)))

    assert report.groups[0].limit == ()
    (notice,) = [one for one in report.notices if one.kind is NoticeKind.LEAST_STEP]
    assert notice.text.startswith("No least step is shown: mine took less than what was taken for it")
    assert not notice.lowers_trust


def test_how_far_the_fastest_loop_is_from_the_bound_is_said(make_run, make_least_step):
    """And what the bound is made of, zero inputs included."""
    report = build(replace(make_run(steps={"tf-eager": 8e-3, "mine": 0.4e-3}), least_steps=(make_least_step(),)))

    (group,) = report.groups
    (said,) = [text for text in group.conclusions if "the least that this processor needs" in text]
    assert said.startswith("mine takes 2.0")
    assert "inputs that are zero" in group.limit_formula
