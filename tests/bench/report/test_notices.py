"""What a reader must know before quoting a number."""

import re
from dataclasses import replace

import pytest

from bench.records.cell import AGAIN, CALIBRATION, Cell
from bench.records.stored_run import AcceleratorState, Conditions, DatasetRecord
from bench.records.trial import BlockKind, FailureKind
from bench.report.model import build
from bench.report.notice import NoticeKind

ENDS = (
    "No process of tf-eager trained to the end of an epoch (1,562 steps): what an end costs is not in its step. "
    "`--steps 1562` has each process measure one."
)
SMALL_BATCH = "Batch 32 measures dispatch and Python overhead, not compute: larger batches differ less."
ONE_MACHINE = "One machine: elsewhere milliseconds differ and ratios may. Measure where you train."


def texts(run):
    """Return kind -> text of a run's notices."""
    return {notice.kind: notice.text for notice in build(run).notices}


def test_an_ordinary_run_states_only_its_scope(make_run):
    """Nothing is wrong, yet the numbers do not hold everywhere."""
    report = build(make_run())

    assert [ENDS, SMALL_BATCH, ONE_MACHINE] == [notice.text for notice in report.notices]
    assert not any(notice.lowers_trust for notice in report.notices)
    assert report.trust == (
        "Order: certain for 4 of 4. Size: within ± 4.6 %. Complete: 30 of 30 processes, 6 of 6 rounds, no warnings."
    )


def test_an_interrupted_run_is_incomplete_and_can_be_finished(make_run):
    """The command that finishes it is named."""
    run = make_run(finished_rounds=2)

    assert texts(run)[NoticeKind.INCOMPLETE] == (
        "The run is incomplete: 10 of 30 processes. Finish it with `bench run --resume 2026-01-02-120000-abcd`."
    )
    assert build(run).trust.endswith("Incomplete: 10 of 30 processes, 2 of 6 rounds, 2 warnings.")


def test_failed_loops_are_named(make_run, make_failure):
    """Which loops failed, and where to read why."""
    run = make_run(failures={"tf-fit": make_failure(), "tf-function": make_failure()}, failed_rounds=[5])

    assert texts(run)[NoticeKind.FAILED] == (
        "Failed and not ranked: tf-fit, tf-function. The reason stands with each; `journal.jsonl` has the tracebacks."
    )
    assert "Complete: 30 of 30 processes (2 failed), " in build(run).trust


def test_many_failed_loops_are_counted(make_run, make_failure):
    """Five names, then a number."""
    steps = {"tf-eager": 8e-3} | {f"loop-{i}": 1e-3 for i in range(7)}
    run = make_run(steps=steps, rounds=2, failures={f"loop-{i}": make_failure() for i in range(7)})

    assert "loop-0, loop-1, loop-2, loop-3, loop-4 and 2 more." in texts(run)[NoticeKind.FAILED]


def test_a_missing_framework_does_not_lower_trust(make_run, make_failure):
    """What cannot run here says nothing about what did."""
    missing = make_failure(FailureKind.UNAVAILABLE, phase="start", message="JAX is not installed")
    run = make_run(steps={"a": 4e-3, "b": 8e-3, "jax-fit": 1e-3}, failures={"jax-fit": missing})

    assert texts(run)[NoticeKind.UNAVAILABLE] == "Not measured here: jax-fit. The reason stands with each."
    assert build(run).trust.endswith("Complete: 12 of 12 processes, 6 of 6 rounds, no warnings.")


def test_a_baseline_that_stands_in_is_named(make_run, make_failure):
    """Speed-ups against another loop than the one asked for are not passed off as the usual ones."""
    run = make_run(failures={"tf-eager": make_failure()})

    assert texts(run)[NoticeKind.BASELINE] == "The baseline tf-eager was not measured; tf-function took its place."


def test_synthetic_digits_are_announced(make_run):
    """A fallback gives its reason, a choice does not need one."""
    fallen = DatasetRecord(name="synthetic", source="embedded", sha256="00", fallback="no network")
    chosen = DatasetRecord(name="synthetic", source="embedded", sha256="00")

    assert texts(make_run(dataset=fallen))[NoticeKind.SYNTHETIC_DATA] == (
        "Synthetic digits stand in for MNIST: no network. Speed is unaffected; accuracies are not MNIST's."
    )
    assert texts(make_run(dataset=chosen))[NoticeKind.CHOSEN_DATA] == (
        "Trained on synthetic digits, as asked: speed is unaffected; accuracies are not MNIST's."
    )
    assert build(make_run(dataset=fallen)).trust.endswith("1 warning.")
    assert build(make_run(dataset=chosen)).trust.endswith("no warnings.")


def test_a_loop_that_ends_with_another_metric_is_named(make_run):
    """Loops of a user's workload have no curve of a reference to be held against."""
    alike = {loop: {"steps": 1000, "validation_metric": 0.25} for loop in ("tf-function", "tf-fit", "torch-keras")}
    run = make_run(trial_fields=alike | {"torch-native": {"steps": 1100, "validation_metric": 3.72}})

    assert texts(run)[NoticeKind.METRICS_APART] == (
        "Validation metric of torch-native is 3.72 after 1,100 steps, and 0.250 of the loops that trained about as "
        "long: look whether it trains and evaluates what they do."
    )


def test_a_source_that_changed_between_rounds_is_announced(make_run):
    """A resumed run after an edit mixes two things."""
    run = make_run()
    edited = [replace(t, loop_sha256="ff" * 32) if t.round > 2 and t.cell.loop == "tf-fit" else t for t in run.trials]

    assert texts(replace(run, trials=tuple(edited)))[NoticeKind.IDENTITY] == (
        "The source changed between rounds: tf-fit. Measure these again in a new run."
    )


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        (1, "One round: no interval, so no verdict. Use `--rounds 6` for one."),
        (3, "Only 3 rounds: the intervals are wide. Use `--rounds 6` or more to narrow them."),
        (5, None),
    ],
)
def test_few_rounds_are_announced(make_run, rounds, expected):
    """Below five rounds an interval is mostly Student's t."""
    assert expected == texts(make_run(rounds=rounds)).get(NoticeKind.FEW_ROUNDS)


def test_wide_intervals_are_announced_with_a_remedy(make_run):
    """Noise lowers trust, and can be lowered."""
    run = make_run(noise=0.08)

    assert texts(run)[NoticeKind.WIDE_INTERVALS].endswith(
        "More rounds, `--threads 1` or a quieter machine narrow them."
    )
    assert build(run).trust.endswith(" 2 warnings.")


def test_one_thread_is_no_remedy_for_a_run_of_one_thread(make_run):
    """It was said of all."""
    run = make_run(noise=0.08)
    cells = tuple(replace(cell, threads=1) for cell in run.header.plan.cells)
    trials = tuple(replace(trial, cell=replace(trial.cell, threads=1)) for trial in run.trials)
    run = replace(run, header=replace(run.header, plan=replace(run.header.plan, cells=cells)), trials=trials)

    assert texts(run)[NoticeKind.WIDE_INTERVALS].endswith("More rounds or a quieter machine narrow them.")


def test_disturbances_announced_at_the_start_are_repeated(make_run):
    """What was printed while measuring stands in the report too."""
    run = make_run(warnings=("load 1.8 on 2 cores",))

    assert "load 1.8 on 2 cores" == texts(run)[NoticeKind.DISTURBANCE]
    assert build(run).trust.endswith("6 of 6 rounds, 1 warning.")


def test_large_batches_and_slow_steps_measure_compute(make_run):
    """The remark on overhead is made only where it is true."""
    large = [
        Cell(loop=loop, workload="mnist-mlp", track="matched", device="cpu", batch_size=1024)
        for loop in ("tf-eager", "tf-function")
    ]

    assert NoticeKind.SMALL_BATCH not in texts(make_run(cells=large))
    assert NoticeKind.SMALL_BATCH not in texts(make_run(steps={"tf-eager": 0.34, "tf-function": 0.27}))


def test_the_interval_of_a_single_loop_is_that_of_its_step_time(make_run):
    """Where nothing is compared there is still an interval."""
    report = build(make_run(steps={"tf-eager": 8e-3}))

    assert report.widest_interval == pytest.approx(report.groups[0].cells[0].step.relative_half_width)


def test_the_noise_stands_in_the_line_of_trust(make_run, make_cell):
    """And as a sentence among the conclusions."""
    cell = make_cell("tf-eager")
    report = build(make_run(cells=[cell, make_cell("tf-fit"), replace(cell, side=AGAIN)]))

    assert re.search(r"identical loops \d+(\.\d+)? % apart", report.trust)
    assert report.groups[0].conclusions[-1].startswith("Noise: tf-eager was measured twice under two names")


def test_stolen_time_names_the_rounds(make_run):
    """Below the margin it is not worth a word."""
    quiet = Conditions(round=0, load_average=1.0, stolen=0.01, seconds=20.0)
    report = build(replace(make_run(), conditions=(quiet, replace(quiet, round=1, stolen=0.3))))

    (notice,) = [notice for notice in report.notices if notice.kind is NoticeKind.STOLEN]
    assert "over 2 % of the processor time to other guests in round 2." in notice.text
    assert notice.lowers_trust


def of_kind(report, kind):
    """Return the texts of one kind of notice, all of which lower trust."""
    found = [notice for notice in report.notices if notice.kind is kind]
    assert all(notice.lowers_trust for notice in found)
    return [notice.text for notice in found]


def with_gpus(run, *rounds):
    """Return the run with what GPU 0 was seen to do, one (clock, reasons) per round."""
    return replace(
        run,
        conditions=tuple(
            Conditions(
                round=number,
                load_average=1.0,
                stolen=None,
                seconds=20.0,
                accelerators=(AcceleratorState(index=0, megahertz=clock, celsius=70.0, slowed_by=reasons),),
            )
            for number, (clock, reasons) in enumerate(rounds)
        ),
    )


def test_a_gpu_that_was_held_down_is_named_with_reason_and_rounds(make_run):
    """And what to do about it."""
    limited = (1900.0, ("power limit",))

    report = build(with_gpus(make_run(), (1900.0, ()), limited, limited))

    (text,) = of_kind(report, NoticeKind.GPU_SLOWED)
    assert text.startswith("Clocks were held down: GPU 0 (power limit) in rounds 2, 3.")
    assert [] == of_kind(report, NoticeKind.GPU_CLOCK)


def test_a_gpu_clock_that_moved_is_told_with_its_range(make_run):
    """A few per cent are usual."""
    steady = build(with_gpus(make_run(), (1980.0, ()), (1950.0, ())))
    moved = build(with_gpus(make_run(), (1980.0, ()), (1410.0, ())))

    assert [] == of_kind(steady, NoticeKind.GPU_CLOCK)
    (text,) = of_kind(moved, NoticeKind.GPU_CLOCK)
    assert text.startswith("The clock changed between rounds: GPU 0 from 1,410 to 1,980 MHz.")


def test_a_machine_that_changed_its_speed_is_told_from_the_kernel(make_run, make_cell, make_trial):
    """The same work in every round, so what it took is the machine's doing."""
    kernel = make_cell("numpy", side=CALIBRATION)

    def run_of(*steps):
        trials = tuple(make_trial(kernel, round=number, step=step) for number, step in enumerate(steps))
        return build(replace(make_run(), calibration=trials))

    assert [] == of_kind(run_of(1e-3, 1.1e-3, 1.15e-3), NoticeKind.MACHINE_SPEED)
    (text,) = of_kind(run_of(1e-3, 1.1e-3, 1.5e-3), NoticeKind.MACHINE_SPEED)
    assert "numpy, measured in each, took 1.00 to 1.50 ms per step." in text


def changed(run, loop, *, number=0, **changes):
    """Return the run with the measured blocks of one process replaced.

    Args:
        run: Any.
        loop: Whose process.
        number: Its round.
        changes: Field of `Block` -> function of a block's place among the measured ones, from 0, and of its value.
    """

    def edited(trial):
        places = iter(range(len(trial.blocks)))
        return replace(trial, blocks=tuple(edited_block(block, places) for block in trial.blocks))

    def edited_block(block, places):
        if block.kind is not BlockKind.MEASURED:
            return block
        place = next(places)
        return replace(block, **{name: new(place, getattr(block, name)) for name, new in changes.items()})

    trials = (edited(t) if (t.cell.loop, t.round) == (loop, number) else t for t in run.trials)
    return replace(run, trials=tuple(trials))


def test_a_loop_that_compiled_while_measured_is_named_with_the_steps(make_run):
    """One first step and three warm-up blocks of 1000 steps come before the measured blocks of 1000 steps."""
    run = make_run(steps={"tf-eager": 0.15e-3, "tf-fit": 1e-3}, noise=0.0, drift=0.0)
    block_steps = run.trials[0].blocks[1].steps
    run = changed(run, "tf-eager", compilations=lambda place, _: place in {2, 4})

    first = 1 + 3 * block_steps + 2 * block_steps + 1
    assert texts(run)[NoticeKind.RECOMPILED] == (
        f"Traced or compiled again while measured: tf-eager from step {first:,}, {first + 2 * block_steps:,}. "
        "A shape or a Python value changes between steps."
    )
    assert build(run).trust.endswith("1 warning.")


def test_processes_without_a_steady_state_are_counted_and_named(make_run):
    """Each block slower than the one before."""
    run = make_run(steps={"tf-eager": 1e-3, "tf-fit": 1e-3}, noise=0.001)
    advice = "Look for other work on the machine, or measure longer with `--steps`."

    one = changed(run, "tf-fit", seconds=lambda place, seconds: seconds * (1.0 + 0.05 * place))
    two = changed(one, "tf-fit", number=1, seconds=lambda place, seconds: seconds * (1.0 + 0.05 * place))

    assert (
        f"No steady state in 1 process (tf-fit): the step time still moved. {advice}"
        == (texts(one)[NoticeKind.UNSTEADY])
    )
    assert texts(two)[NoticeKind.UNSTEADY].startswith("No steady state in 2 processes (tf-fit)")


def test_a_process_unlike_the_others_of_its_loop_is_named_with_its_round(make_run):
    """Rounds are counted from 1 for readers; the process counts all the same."""
    run = make_run(steps={"tf-eager": 1e-3, "tf-fit": 1e-3}, noise=0.001, drift=0.001)
    run = changed(run, "tf-fit", number=3, seconds=lambda _, seconds: 1.5 * seconds)

    assert re.fullmatch(
        r"More than \d+ % away from the other processes of the loop: tf-fit in round 4\. "
        r"They are included; something else may have run then\.",
        texts(run)[NoticeKind.ODD_PROCESS],
    )


def test_blocks_that_other_work_interrupted_are_counted_and_named(make_run):
    """They were slow, and the processor was taken away unusually often."""
    run = make_run(steps={"tf-eager": 1e-3, "tf-fit": 1e-3}, noise=0.001)

    def interrupted(*places):
        return changed(
            run,
            "tf-fit",
            seconds=lambda place, seconds: seconds * (1.5 if place in places else 1.0),
            involuntary_switches=lambda place, switches: 1000 if place in places else switches,
        )

    assert texts(interrupted(4))[NoticeKind.INTERRUPTED] == (
        "Other work took the processor away in 1 slow block (tf-fit). Stop it or wait for it."
    )
    assert " in 2 slow blocks (tf-fit)." in texts(interrupted(4, 7))[NoticeKind.INTERRUPTED]
    assert NoticeKind.INTERRUPTED not in texts(run)
