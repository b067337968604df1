"""What is said about a profile."""

from dataclasses import replace

import pytest

from bench.records.profile import MemoryReading, Operation, Profile, Sampled, Traced
from bench.records.trial import Ablation
from bench.report import model, profiled, terminal
from bench.report.levers import Lever, Levers


@pytest.fixture
def profile(make_cell) -> Profile:
    """Return a profile of a compiled step under `fit()`, of two milliseconds."""
    operation = Operation(name="MatMul", calls=5.0, step_seconds=4e-4, share=0.5)
    return Profile(
        cell=make_cell("tf-fit"),
        backend="tensorflow",
        versions={},
        block_step_seconds=(0.002, 0.0021, 0.0019),
        traced=Traced(
            steps=100,
            step_seconds=0.0024,
            operations=(operation,),
            kinds=19,
            operation_seconds=8e-4,
            busy_seconds=6e-4,
            parts={"backward": 4e-4, "optimizer": 4e-4},
            outside_seconds=4e-4,
        ),
        sampled=Sampled(samples=300, step_seconds=0.0018, shares={"step": 0.9, "callbacks": 0.1}),
        ablations=(Ablation(left_out=(), step_seconds=0.002), Ablation(left_out=("fit step",), step_seconds=0.0004)),
        memory=(
            MemoryReading(seconds=0.1, bytes=300 << 20, phase="start"),
            MemoryReading(seconds=0.2, bytes=500 << 20, phase="steps"),
            MemoryReading(seconds=0.4, bytes=510 << 20, phase="steps"),
        ),
        files=("trace.json.gz",),
        missing=("no flame graph: py-spy is not installed; try: pip install 'loopbench[profile]'",),
    )


def told(profile, *, levers=None):
    """Return what is said, line by line."""
    return list(profiled.to_lines(profiled.build(profile, cell=None, levers=levers), encoding="utf-8"))


def test_it_begins_with_the_sentence_and_ends_with_what_is_missing(profile):
    """What somebody asked for, and what to install."""
    first, *_, last = told(profile)

    assert first.startswith("tf-fit: 56 % of the step is dispatch in the step, while no operation runs: ")
    assert "0.400 ms is fit() itself" in first
    assert last.startswith("! no flame graph: py-spy is not installed; try: pip install")


def test_operations_and_what_lay_between_are_tables(profile):
    """With calls, time and share."""
    lines = told(profile)

    assert "    5.00      0.400    50 %  MatMul" in lines
    assert "    90 %  in the step" in lines
    assert "    10 %  callbacks" in lines
    (caption,) = (line for line in lines if "Of 19 kinds in 100 traced steps" in line)
    assert caption.endswith("for 0.600 of 2.40 ms. Between two calls of the step: 0.400 ms.")


def test_what_profiling_costs_is_told_for_each_profiler(profile):
    """Faster under one than without is noise."""
    (line,) = (line for line in told(profile) if "without a profiler" in line)

    assert line == (
        "A step of the profiled process took 2.00 ms without a profiler, 2.40 ms while operations were traced "
        "(20 % more) and 1.80 ms while py-spy looked (10 % less: within its noise)."
    )


def test_memory_is_told_by_phase_and_drawn(profile):
    """A leak shows as growth while steps are done."""
    found = profiled.build(profile, cell=None, levers=None)

    assert found.memory == (
        "Resident memory: 300 MiB at most in start and 510 MiB at most in steps. "
        "From the first measured step on it grew by 10.0 MiB."
    )
    assert 3 == len(found.memory_line.split())


def test_without_profilers_there_is_still_what_was_left_out(profile):
    """On NumPy, or where nothing is installed."""
    lines = told(replace(profile, traced=None, sampled=None, memory=()))

    assert lines[0].startswith("tf-fit: 80 % of the step is the compiled step (1.60 ms); 0.400 ms is fit() itself")
    assert "A step of the profiled process took 2.00 ms without a profiler; there was none." in lines
    assert not any("dearest operations (" in line for line in lines)


def test_a_step_of_which_nothing_can_be_left_out_is_divided_by_its_trace(profile):
    """As of two models against each other, which no call of ours does."""
    found = profiled.build(replace(profile, ablations=()), cell=None, levers=None)

    assert ["backward pass", "optimizer", "dispatch and waiting in the step"] == [one.name for one in found.parts.parts]


def test_what_to_change_is_a_list_with_gain_code_and_doubt(profile):
    """And what was tried in vain."""
    lever = Lever(loop="b", title="many steps", gain="1.8x faster here", change="`compile(x=1)`", not_when="no logs")
    lines = told(profile, levers=Levers(group="g", loop="tf-fit", items=(lever,), remark="c was no faster."))

    start = lines.index("What to change about tf-fit:")
    assert lines[start + 1 : start + 5] == [
        "  many steps: 1.8x faster here",
        "      `compile(x=1)`",
        "      but: no logs",
        "  c was no faster.",
    ]


def test_a_profile_of_another_run_is_no_part_of_the_report(profile, make_run, make_cell):
    """Copied into its folder, it would explain what was not measured."""
    run = make_run()

    assert [profile.cell] == [one.cell for one in (profile,) if model.build(run, profiles=[one]).explained.profiles]
    assert () == model.build(run, profiles=[replace(profile, cell=make_cell("mine"))]).explained.profiles


def test_what_to_change_about_a_profiled_loop_stands_once_beside_a_breakdown(profile, make_run):
    """Both have the list; a terminal shows it where the profile is."""
    run = make_run()
    trials = tuple(
        replace(trial, versions={"tensorflow": "2.21.0"}, ablations=profile.ablations) for trial in run.trials
    )
    header = replace(run.header, plan=replace(run.header.plan, breakdown=True))
    report = model.build(replace(run, header=header, trials=trials), profiles=[profile])

    assert {"tf-eager", "tf-fit"} <= {one.loop for one in report.explained.levers}
    shown = terminal.to_text(report)
    assert 1 == shown.count("What to change about tf-fit:")
    assert 1 == shown.count("What to change about tf-eager:")
