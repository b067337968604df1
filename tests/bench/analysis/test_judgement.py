"""Whatever a run looks like, every output says the same of a pair, and none sends a reader to a slower loop.

Runs are random: loops that are alike, nearly alike and far apart, quiet and noisy rounds, drift, a repetition,
failures, and in half of the cases two batch sizes.
"""

import io
import json
import re
from dataclasses import replace
from html import unescape
from itertools import permutations
from random import Random

import pytest
from rich.console import Console

from bench.analysis import judgement, summary
from bench.analysis.intervals import Interval
from bench.analysis.judgement import Condition
from bench.analysis.verdict import Verdict
from bench.gate import judge as gate
from bench.gate.text import to_json as verdict_file
from bench.records.cell import AGAIN, Side
from bench.report import model, page, plots, terminal, wording

SIDES = (Side(name="base", description="ref=main"), Side(name="head", description="here"))


CLEAR = Interval(estimate=2.0, low=1.9, high=2.1, count=6)


@pytest.mark.parametrize(
    ("base", "new", "speed_up", "verdict"),
    [
        (Condition.SOUND, Condition.SOUND, CLEAR, Verdict.FASTER),
        (Condition.SOUND, Condition.SOUND, None, Verdict.UNCLEAR),
        (Condition.SOUND, Condition.INVALID, CLEAR, Verdict.INVALID),
        (Condition.INVALID, Condition.FAILED, CLEAR, Verdict.FAILED),
        (Condition.FAILED, Condition.INVALID, CLEAR, Verdict.FAILED),
        (Condition.ABSENT, Condition.FAILED, CLEAR, Verdict.NEW),
        (Condition.FAILED, Condition.ABSENT, CLEAR, Verdict.REMOVED),
    ],
)
def test_the_ladder_asks_first_whether_both_are_there_then_whether_they_work(base, new, speed_up, verdict):
    """A fast loop that does other work is not fast, and without both there is no interval to show."""
    found = judgement.judge(speed_up, base=base, new=new, margin=0.02)

    assert verdict is found.verdict
    assert found.speed_up is (speed_up if verdict in (Verdict.FASTER, Verdict.UNCLEAR) else None)


def test_only_rounds_that_both_have_are_paired():
    """A round in which one crashed says nothing of the other."""
    assert ([1.0, 3.0], [2.0, 5.0]) == judgement.paired({0: 1.0, 2: 3.0, 3: 9.0}, {0: 2.0, 1: 7.0, 2: 5.0})
    assert judgement.paired_speed_up({0: 1.0}, {1: 1.0}) is None


def test_noise_is_what_a_typical_round_shows_whichever_of_the_two_was_faster():
    """One wild round of twelve does not make a noisy run."""
    first = dict.fromkeys(range(12), 1.0)
    second = first | dict.fromkeys(range(11), 1.01) | {11: 3.0}

    forward, backward = judgement.noise_of("mine", first, second), judgement.noise_of("mine", second, first)

    assert pytest.approx(0.01, abs=0.001) == forward.relative == pytest.approx(backward.relative)
    assert judgement.noise_of("mine", {0: 1.0}, {1: 1.0}) is None


def test_what_is_behind_something_that_is_behind_comes_after_both():
    """B is faster than c and a is faster than b, and nobody told a from c."""
    judged = {("a", "b"), ("b", "c")}

    assert [1, 2, 3] == judgement.ranks(["a", "b", "c"], faster=lambda one, other: (one, other) in judged)


def test_a_circle_of_judgements_ends():
    """Rounds that not all loops share may say so; all of them are then behind one another."""
    judged = {("a", "b"), ("b", "c"), ("c", "a")}

    assert [3, 3, 3] == judgement.ranks(["a", "b", "c"], faster=lambda one, other: (one, other) in judged)


@pytest.fixture
def random_run(make_run, make_cell, make_failure):
    """Return a factory of runs, one per seed."""

    def make(seed):
        random = Random(seed)
        names = ["tf-fit", "tf-function", "torch-native", "torch-fit", "jax-jit", "mine", "yours"]
        loops = random.sample(names, random.randint(2, len(names)))
        steps = {loop: 1e-3 * random.choice((1.0, 1.01, 1.03, 1.06, 1.3, 2.0)) for loop in loops}
        sizes = random.choice(((32,), (32, 256)))
        cells = [make_cell(loop, batch_size=size) for size in sizes for loop in loops]
        if random.random() < 0.5:
            cells.append(replace(cells[0], side=AGAIN))
        failing = random.choice(loops) if random.random() < 0.3 else None
        return make_run(
            steps=steps,
            first_steps={loop: random.choice((0.02, 0.05, 0.6, 3.0)) for loop in loops},
            cells=cells,
            rounds=random.choice((2, 3, 6, 12)),
            noise=random.choice((0.002, 0.01, 0.03, 0.1)),
            drift=random.choice((0.0, 0.1)),
            seed=seed,
            baseline=random.choice(loops),
            failures={failing: make_failure()} if failing else None,
        )

    return make


def names_of(cells):
    """Return display name -> cell."""
    return {wording.display_name(cell.cell.name): cell for cell in cells}


def slower_than_another(group, cells):
    """Return the pairs of which the first is called slower than the second."""
    return [
        (one, other) for one, other in permutations(cells, 2) if group.between(other, one).verdict is Verdict.SLOWER
    ]


@pytest.mark.parametrize("seed", range(60))
def test_no_output_names_a_loop_to_use_that_it_calls_slower_than_another_it_names(random_run, seed):
    """Headline, rank 1, the advice for long runs and the sentence of a sweep."""
    run = random_run(seed)
    groups, report = summary.summarise(run), model.build(run)

    for group, shown in zip(groups, report.groups, strict=True):
        known = names_of(group.cells)
        first = [cell for cell in group.cells if cell.rank == 1]
        assert [] == slower_than_another(group, first)
        head = re.match(
            r"(.+?)(?:, the baseline,)? is the fastest loop(?:, not told apart from (.+?))?:", shown.headline
        )
        if head:
            named = [head[1], *(head[2] or "").split(", ")]
            assert {known[name].cell for name in named if name} <= {cell.cell for cell in first}
        for advice in report.advice:
            if advice.group == shown.name:
                assert [] == slower_than_another(group, [known[name] for name in advice.stretches[-1].loops])
    for sweep in report.scaling:
        sentence = next((one for one in sweep.conclusions if one.startswith("Fastest at")), "")
        for group in groups:
            found = re.search(rf"\b{group.setting.batch_size}(?:,[^:]*)?: ([^;]+?)[;.]", sentence)
            if found:
                named = [name for name in re.split(r", | or ", found[1]) if not name.endswith(" more")]
                assert [] == slower_than_another(group, [names_of(group.cells)[name] for name in named])


@pytest.mark.parametrize("seed", range(60))
def test_a_rank_is_above_whatever_was_judged_slower(random_run, seed):
    """And loops that share one are not told apart."""
    for group in summary.summarise(random_run(seed)):
        ranked = [cell for cell in group.cells if cell.rank is not None]
        for one, other in slower_than_another(group, ranked):
            assert other.rank < one.rank


@pytest.mark.parametrize("seed", range(12))
def test_page_markdown_terminal_and_json_agree_on_every_verdict_and_interval(random_run, seed):
    """They are looked up in what each prints, not in what it is made from."""
    run = random_run(seed)
    report = model.build(run)
    data = json.loads(page.to_json(report))
    markdown = page.to_markdown(report)
    text = terminal.to_text(report, console=Console(file=io.StringIO(), width=240))
    empty = [()] * len(report.groups)
    html = page.to_html(
        report,
        plots=empty,
        pictures=empty,
        scaling=report.scaling and [plots.draw_scaling(one, suffix=str(i)) for i, one in enumerate(report.scaling)],
    )
    cells_of_page = [
        re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in re.findall(r"<tr.*?</tr>", html, re.DOTALL)
    ]
    on_page = {tuple(unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row)[:4] for row in cells_of_page}

    for group, shown, stored in zip(summary.summarise(run), report.groups, data["groups"], strict=True):
        judged = names_of(group.cells)
        for row, from_json in zip(shown.rows, stored["rows"], strict=True):
            verdict = judged[row.loop].verdict
            assert row.verdict in {wording.BASELINE if verdict is None else str(verdict), wording.UNAVAILABLE}
            assert (row.verdict, row.interval, row.rank) == (
                from_json["verdict"],
                from_json["interval"],
                from_json["rank"],
            )
            line = f"| {row.rank} | {row.loop} | {row.verdict_text} | {row.speed_up} | {row.interval} |"
            assert line in unescape(markdown).replace("\\", "")
            assert (f"{row.rank} {row.loop}", row.verdict_text, row.speed_up, row.interval) in on_page
            pattern = (
                rf"{re.escape(row.rank)} +{re.escape(row.loop)} .*{re.escape(row.verdict)} .*{re.escape(row.interval)}"
            )
            assert re.search(pattern, text)


@pytest.mark.parametrize("seed", range(20))
def test_the_verdict_file_says_what_the_page_of_the_same_run_says(make_run, make_cell, seed):
    """Each loop by its own budget."""
    random = Random(seed)
    loops = ["tf-fit", "tf-function", "mine"]
    cells = [replace(make_cell(loop), side=side.name) for loop in loops for side in SIDES]
    run = make_run(cells=[*cells, replace(cells[0], side=AGAIN)], noise=random.choice((0.002, 0.02, 0.06)), seed=seed)
    plan = replace(
        run.header.plan, sides=SIDES, verify=False, margin=0.02, margins={"mine": random.choice((0.05, 0.2))}
    )
    changed = {loop: random.choice((1.0, 1.03, 1.1, 0.9)) for loop in loops}
    trials = [
        replace(
            trial,
            blocks=tuple(replace(b, seconds=b.seconds * changed[trial.cell.loop]) for b in trial.blocks)
            if trial.cell.side == "head"
            else trial.blocks,
        )
        for trial in run.trials
    ]
    run = replace(run, header=replace(run.header, plan=plan), trials=tuple(trials), verifications=())

    report = json.loads(page.to_json(model.build(run)))
    result = gate.judge(gate.of_sides(run), confirmation=None, fail_on_unclear=False)
    verdicts = {row["loop"]: row for row in json.loads(verdict_file(result))["loops"]}

    for group in report["groups"]:
        (head,) = [cell for cell in group["cells"] if cell["cell"]["side"] == "head"]
        row = verdicts[head["cell"]["loop"]]
        assert head["verdict"] == row["verdict"]
        assert head["margin"] == row["budget"]
        assert pytest.approx(1.0 / head["speed_up"]["high"] - 1.0, abs=1e-6) == row["low"]
        assert pytest.approx(1.0 / head["speed_up"]["low"] - 1.0, abs=1e-6) == row["high"]
