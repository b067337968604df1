"""A gate's result as text, Markdown, JSON and one annotation."""

import json
from dataclasses import replace

from bench.gate import judge as judging
from bench.gate.result import Identical
from bench.gate.text import annotation, headline, to_json, to_markdown, to_text


def judge(run):
    """Return what the gate makes of a run."""
    return judging.judge(judging.of_sides(run), confirmation=None, fail_on_unclear=False)


def test_the_verdict_file_has_stable_words(make_gate_run):
    """What a script reads."""
    result = judge(make_gate_run({"tf-fit": 1.1}))
    verdict = json.loads(to_json(result))

    assert ("bench-verdict/3", "regression", 1) == (verdict["schema"], verdict["outcome"], verdict["exit_code"])
    assert {"loop", "verdict", "slowdown", "low", "high", "budget", "confirmed", "reason"} <= verdict["loops"][0].keys()
    assert "ref=main (aaaaaaaaaaaa)" == verdict["base"]


def test_the_summary_shows_what_changed_and_folds_the_rest(make_gate_run):
    """Verdict first; the quiet rows behind a fold."""
    result = judge(make_gate_run({"tf-fit": 1.1, "tf-function": 1.0, "a|b<script>": 1.0}))
    page = to_markdown(result)

    assert page.startswith("### Slower, and confirmed: tf-fit.")
    assert page.index("| tf-fit | slower |") < page.index("<details><summary>2 loops without a clear change")
    assert "a\\|b&lt;script&gt;" in page


def test_one_annotation_marks_a_job_that_fails_and_none_one_that_passes(make_gate_run):
    """GitHub shows ten at most, so there is one."""
    slow = judge(make_gate_run({"tf-fit": 1.1}))

    assert annotation(judge(make_gate_run({"tf-fit": 1.0}))) is None
    assert "::error title=bench gate::Slower, and confirmed: tf-fit. See the job summary." == (annotation(slow))


def test_many_names_are_cut(make_gate_run):
    """A headline stays one line."""
    loops = {f"loop-{number}": 1.5 for number in range(8)}
    result = judge(make_gate_run(loops))

    assert headline(result).endswith("and 3 more.")


def test_the_anchor_stands_in_every_text(make_gate_run):
    """In the headline, beside its loop, in a row of its own, and in the file."""
    result = replace(judge(make_gate_run({"tf-fit": 1.0}, anchor=1.08)), anchor="ref=v1.2 (cccccccccccc)")
    page, terminal, file = to_markdown(result), to_text(result), json.loads(to_json(result))

    assert "Slower than the anchor ref=v1.2 (cccccccccccc), in all: tf-fit." == headline(result)
    assert "tf-fit, against the anchor ref=v1.2 (cccccccccccc): slower, " in terminal
    assert "| tf-fit, since the anchor | slower | 4 % |" in page
    assert page.index("since the anchor") < page.index("Anchor: ref=v1.2")
    assert ("slower", 0.04) == (file["loops"][0]["anchor"]["verdict"], file["loops"][0]["anchor"]["budget"])
    assert "ref=v1.2 (cccccccccccc)" == file["anchor"]


def test_what_identical_code_came_to_over_runs_is_shown(make_gate_run):
    """With how many there were, and their interval where there are several."""
    result = judge(make_gate_run({"tf-fit": 1.0}))
    one, several = (
        Identical(runs=1, apart=-0.004, low=None, high=None),
        Identical(runs=12, apart=0.001, low=-0.002, high=0.004),
    )

    alone, pooled = (to_text(replace(result, identical=found)) for found in (one, several))

    assert "and -0.40 % over 1 run of this machine." in alone
    assert "and +0.10 % (-0.20 % to +0.40 %) over 12 runs of this machine." in pooled
