"""Which loop to use, in fixed words."""

from bench.report import page, terminal
from bench.report.model import build


def advice_of(run):
    """Return the only paragraph."""
    (advice,) = build(run).advice
    return advice.text


def test_the_advice_counts_start_up_and_names_the_price_of_fit(report):
    """One paragraph; 74 steps are 0.6 s of tracing over 8 ms of difference."""
    (advice,) = report.advice

    assert advice.text == (
        "For under 74 steps use tf-eager, beyond 74 use tf-function, start-up (import, build, compile) included. "
        "What the convenience of fit() costs per step at this size: against tf-function, the fastest hand-written "
        "TensorFlow loop, tf-fit takes 87 % more (95 % interval 75 % to 101 %)."
    )


def test_three_loops_take_turns(make_run):
    """Under, from and to, beyond."""
    steps = {"tf-eager": 8e-3, "tf-function": 0.4e-3, "tf-epoch-xla": 0.05e-3}
    firsts = {"tf-eager": 0.05, "tf-function": 0.6, "tf-epoch-xla": 9.0}

    assert advice_of(make_run(steps=steps, first_steps=firsts)) == (
        "For under 73 steps use tf-eager, from 73 to 23,900 use tf-function, "
        "beyond 23,900 use tf-epoch-xla, start-up (import, build, compile) included."
    )


def test_loops_that_are_not_told_apart_are_advised_together(make_run):
    """Neither is worse, as far as this run knows."""
    text = advice_of(make_run(steps={"one": 1e-3, "two": 1.001e-3, "slow": 9e-3}))

    said = "are equally good as far as this run tells, start-up (import, build, compile) included."
    assert text in (f"one and two {said}", f"two and one {said}")


def test_one_loop_that_is_best_from_the_first_step_is_named_alone(make_run):
    """It starts no later, and is faster."""
    text = advice_of(make_run(steps={"tf-eager": 8e-3, "tf-function": 0.4e-3}, first_steps={"tf-function": 0.01}))

    assert "Use tf-function for any number of steps, start-up (import, build, compile) included." == text


def test_what_the_table_calls_unclear_is_not_told_apart(make_run):
    """Nor is anything advised for which the table has no verdict."""
    run = make_run(steps={"one": 1e-3, "two": 1.03e-3}, rounds=3, noise=0.02)
    (group,) = build(run).groups

    assert "unclear" in [row.verdict for row in group.rows]
    assert "equally good as far as this run tells" in advice_of(run)


def test_a_fit_loop_that_is_not_told_apart_costs_nothing_that_is_known(make_run):
    """No per cent without an interval that supports it."""
    text = advice_of(make_run(steps={"torch-native": 1e-3, "torch-fit": 1.01e-3}, noise=0.05))

    assert "against torch-native, the fastest hand-written PyTorch loop, torch-fit is not told apart." in text


def test_a_fit_loop_without_a_hand_written_one_is_not_priced(make_run):
    """Another framework's loop says nothing about it."""
    assert "convenience" not in advice_of(make_run(steps={"tf-fit": 1e-3, "torch-native": 2e-3}))


def test_loops_that_failed_are_not_advised(make_run, make_failure):
    """The fastest that is valid is."""
    text = advice_of(make_run(failures={"tf-function": make_failure()}))

    assert "tf-function" not in text


def test_there_is_no_advice_without_a_choice(make_run, make_failure):
    """One loop, or one round, leaves nothing to choose by."""
    assert () == build(make_run(steps={"tf-eager": 8e-3})).advice
    assert () == build(make_run(rounds=1)).advice


def test_each_size_has_advice_of_its_own(make_run, make_cell):
    """Sizes are never ranked together."""
    cells = [make_cell(loop, batch_size=size) for size in (32, 512) for loop in ("tf-eager", "tf-function")]

    assert [advice.group for advice in build(make_run(cells=cells)).advice] == [
        "mnist-mlp, CPU, batch 32",
        "mnist-mlp, CPU, batch 512",
    ]


def test_every_rendering_has_the_same_words(report):
    """Terminal and Markdown here, the page in its own test."""
    (advice,) = report.advice

    assert advice.text in " ".join(terminal.to_text(report).split())
    assert f"\n{advice.text}\n" in page.to_markdown(report)


def test_the_advice_says_what_to_type(named_report):
    """For those of the loops that say it."""
    (advice,) = named_report.advice

    assert (
        "use tf-function, start-up (import, build, compile) included. "
        "What to type in place of plain fit(), for tf-function (a step under tf.function): copy `step`. "
        "What the convenience"
    ) in advice.text
