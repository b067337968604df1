"""A gate's result as text, Markdown, JSON and one annotation."""

import json

from bench.gate import judge as judging
from bench.gate.text import annotation, headline, to_json, to_markdown


def judge(run, *, confirmation=None, fail_on_unclear=False):
    """Return what the gate makes of runs."""
    return judging.judge(
        judging.of_sides(run),
        confirmation=None if confirmation is None else judging.of_sides(confirmation),
        fail_on_unclear=fail_on_unclear,
    )


def test_the_verdict_file_has_stable_words(make_gate_run):
    """What a script reads."""
    result = judge(make_gate_run({"tf-fit": 1.1}), confirmation=make_gate_run({"tf-fit": 1.1}, seed=1))
    verdict = json.loads(to_json(result))

    assert ("bench-verdict/2", "regression", 1) == (verdict["schema"], verdict["outcome"], verdict["exit_code"])
    assert {"loop", "verdict", "slowdown", "low", "high", "budget", "confirmed", "reason"} <= verdict["loops"][0].keys()
    assert "ref=main (aaaaaaaaaaaa)" == verdict["base"]


def test_the_summary_shows_what_changed_and_folds_the_rest(make_gate_run):
    """Verdict first; the quiet rows behind a fold."""
    result = judge(
        make_gate_run({"tf-fit": 1.1, "tf-function": 1.0, "a|b<script>": 1.0}),
        confirmation=make_gate_run({"tf-fit": 1.1}, seed=1),
    )
    page = to_markdown(result)

    assert page.startswith("### Slower, and confirmed by fresh rounds: tf-fit.")
    assert page.index("| tf-fit | slower |") < page.index("<details><summary>2 loops without a clear change")
    assert "a\\|b&lt;script&gt;" in page


def test_one_annotation_marks_a_job_that_fails_and_none_one_that_passes(make_gate_run):
    """GitHub shows ten at most, so there is one."""
    slow = judge(make_gate_run({"tf-fit": 1.1}), confirmation=make_gate_run({"tf-fit": 1.1}, seed=1))

    assert annotation(judge(make_gate_run({"tf-fit": 1.0}))) is None
    assert "::error title=bench gate::Slower, and confirmed by fresh rounds: tf-fit. See the job summary." == (
        annotation(slow)
    )


def test_many_names_are_cut(make_gate_run):
    """A headline stays one line."""
    loops = {f"loop-{number}": 1.5 for number in range(8)}
    result = judge(make_gate_run(loops), confirmation=make_gate_run(loops, seed=1))

    assert headline(result).endswith("and 3 more.")
