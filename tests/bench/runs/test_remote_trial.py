"""The harness' end of a trial, against a process that says what it is told to say."""

import sys
from contextlib import suppress
from dataclasses import fields

import pytest

from bench.records.trial import Ablation, Block, BlockKind, FailureKind
from bench.runs.remote_trial import TrialFailed, TrialProcess
from bench.worker import messages
from bench.worker.messages import TrialRequest

PROLOGUE = f"""#!{sys.executable}
import os, sys
sys.path[:0] = {sys.path!r}
from bench.records.trial import Ablation, Block, BlockKind, FailureKind
from bench.worker.messages import *
from bench.worker.wire import Channel
channel = Channel(commands=int(sys.argv[3]), results=int(sys.argv[4]))

def block(kind, steps=3):
    return Block(kind=kind, steps=steps, seconds=0.03, started=1.0, cpu_seconds=0.03, involuntary_switches=0)

request = channel.receive(TrialRequest)
ready = Ready(
    import_seconds=1.5, build_seconds=0.5, steps_per_epoch=1500, device_name="CPU", versions={{"numpy": "2.0"}}
)
warmed = Warmed(first_loss=2.3, blocks=(block(BlockKind.FIRST, 1), block(BlockKind.WARM_UP)), turns=2)
finished = Finished(
    steps=10, samples=320, last_loss=0.5, training_metric=0.8, validation_metric=0.9, metric_name="accuracy",
    first_evaluation_seconds=0.2, evaluation_seconds=0.1, peak_memory_bytes=1000, device_peak_memory_bytes=None,
    compiled={{}}, tensor_float_32=None, threads={{"intra-op": 1}}, cpus=(0,), images=None,
)
"""
WELL = """
channel.send(ready)
channel.receive(Warm)
channel.send(warmed)
for _ in range(2):
    channel.receive(Measure)
    channel.send(Measured(blocks=(block(BlockKind.MEASURED),)))
channel.receive(Finish)
channel.send(Closed(block=block(BlockKind.CLOSING, 1)))
channel.send(finished)
"""
BROKEN_DOWN = """
channel.send(ready)
channel.receive(Warm)
channel.send(warmed)
channel.receive(Measure)
channel.send(Measured())
channel.receive(Finish)
channel.send(Closed())
channel.send(BrokenDown(
    ablations=(Ablation(left_out=(), step_seconds=0.01),), pipeline_seconds=0.001, step_alone_seconds=None
))
"""


@pytest.fixture
def start(tmp_path, make_cell):
    """Return a function that starts a trial whose interpreter runs a piece of code in place of what it is told to."""
    started = []

    def begin(code, *, timeout=30.0, breakdown=False):
        program = tmp_path / "python"
        program.write_text(PROLOGUE + code, encoding="utf-8")
        program.chmod(0o755)
        cell = make_cell("numpy")
        request = TrialRequest(
            loop=cell.loop,
            workload=cell.workload,
            backend="numpy",
            track=cell.track,
            device=cell.device,
            batch_size=cell.batch_size,
            threads=None,
            seed=0,
            digits="",
            blocks=2,
            block_seconds=0.03,
            steps=None,
            breakdown=breakdown,
        )
        trial = TrialProcess(
            request,
            cell=cell,
            round_number=3,
            identity={"loop_sha256": "aa", "workload_sha256": "bb"},
            interpreter=str(program),
            environment={},
            log=tmp_path / "log",
            timeout=timeout,
        )
        started.append(trial)
        return trial

    yield begin
    for trial in started:
        trial.end()


def until_the_end(trial, *, blocks=2):
    """Lead a trial through all its phases and return its row."""
    trial.ready()
    trial.warm()
    for _ in range(blocks):
        trial.measure()
    return trial.finish()


def test_everything_that_is_said_ends_up_in_the_row(start):
    """Phase by phase, blocks in the order in which they ran."""
    row = until_the_end(start(WELL))

    assert ("numpy", 3, "aa", "bb", None) == (
        row.cell.loop,
        row.round,
        row.loop_sha256,
        row.workload_sha256,
        row.failure,
    )
    assert (1.5, 0.5, 1500, "CPU", {"numpy": "2.0"}) == (
        row.import_seconds,
        row.build_seconds,
        row.steps_per_epoch,
        row.device_name,
        row.versions,
    )
    kinds = [BlockKind.FIRST, BlockKind.WARM_UP, BlockKind.MEASURED, BlockKind.MEASURED, BlockKind.CLOSING]
    assert kinds == [block.kind for block in row.blocks]
    assert all(isinstance(block, Block) for block in row.blocks)
    assert (10, 320, 2.3, 0.5, 0.9, "accuracy", {}, (0,)) == (
        row.steps,
        row.samples,
        row.first_loss,
        row.last_loss,
        row.validation_metric,
        row.metric_name,
        row.compiled,
        row.cpus,
    )


def test_every_field_of_what_a_trial_finishes_with_is_kept(start):
    """One that is forgotten here would be missing from every journal."""
    row = until_the_end(start(WELL))

    assert [] == [field.name for field in fields(messages.Finished) if not hasattr(row, field.name)]
    assert (0.8, 0.2, 0.1, 1000, {"intra-op": 1}) == (
        row.training_metric,
        row.first_evaluation_seconds,
        row.evaluation_seconds,
        row.peak_memory_bytes,
        row.threads,
    )


def test_all_blocks_of_a_turn_are_kept_in_order(start):
    """What was trained before them is in front, and marked, so that it is not counted."""
    turn = "blocks=(block(BlockKind.RUN_IN, 7), block(BlockKind.MEASURED), block(BlockKind.MEASURED))"
    row = until_the_end(start(WELL.replace("blocks=(block(BlockKind.MEASURED),)", turn)))

    kinds = [block.kind for block in row.blocks if block.kind in (BlockKind.RUN_IN, BlockKind.MEASURED)]
    assert [BlockKind.RUN_IN, BlockKind.MEASURED, BlockKind.MEASURED] * 2 == kinds
    assert 4 == len(row.blocks_of(BlockKind.MEASURED))


def test_a_trial_says_how_many_turns_it_wants_once_it_is_warm(start):
    """Before, none."""
    trial = start(WELL)
    before = trial.turns
    trial.ready()
    trial.warm()

    assert (0, 2) == (before, trial.turns)


def test_a_breakdown_keeps_its_blocks_to_itself(start):
    """Its row has what a step is made of, in place of how it ended."""
    row = until_the_end(start(BROKEN_DOWN, breakdown=True), blocks=1)

    assert [BlockKind.FIRST, BlockKind.WARM_UP] == [block.kind for block in row.blocks]
    assert ((Ablation(left_out=(), step_seconds=0.01),), 0.001, None, None) == (
        row.ablations,
        row.pipeline_seconds,
        row.step_alone_seconds,
        row.steps,
    )


@pytest.mark.parametrize(
    ("code", "phase"),
    [
        ("sys.exit(3)", "build"),
        ("channel.send(ready); channel.receive(Warm); sys.exit(3)", "warm-up"),
        ("channel.send(ready); channel.receive(Warm); channel.send(warmed); channel.receive(Measure); sys.exit(3)",
         "measure"),
        (WELL.partition("channel.send(Closed")[0] + "sys.exit(3)", "finish"),
        (WELL.replace("channel.send(finished)", "sys.exit(3)"), "evaluate"),
    ],
)  # fmt: skip
def test_a_death_is_told_with_its_phase_and_what_was_known_by_then(start, code, phase):
    """Whoever reads the report wants to know how far it came."""
    trial = start(code)

    with pytest.raises(TrialFailed) as failed:
        until_the_end(trial)

    row = failed.value.trial
    assert (FailureKind.EXITED, phase) == (row.failure.kind, row.failure.phase)
    assert (phase == "build") is (row.build_seconds is None)
    assert row.cell == trial.cell


def test_a_failure_that_the_process_reports_is_kept_as_it_was_told(start):
    """With its own word for the phase, and the traceback."""
    report = 'Failed(failure=FailureKind.NOT_FINITE, phase="first-step", message="the loss is nan", traceback="Tr...")'
    trial = start(f"channel.send(ready); channel.receive(Warm); channel.send({report})")
    trial.ready()

    with pytest.raises(TrialFailed, match="the loss is nan") as failed:
        trial.warm()

    failure = failed.value.trial.failure
    assert (FailureKind.NOT_FINITE, "first-step", "Tr...") == (failure.kind, failure.phase, failure.traceback)


def test_an_answer_to_something_else_breaks_the_contract(start):
    """Such as blocks that nobody asked for."""
    trial = start("channel.send(Measured())")

    with pytest.raises(TrialFailed) as failed:
        trial.ready()

    assert FailureKind.BROKEN_CONTRACT is failed.value.trial.failure.kind


def test_a_silent_process_is_given_up_after_the_time_out(start):
    """It may wait for something that never comes."""
    trial = start("channel.receive(Warm)", timeout=0.2)

    with pytest.raises(TrialFailed) as failed:
        trial.ready()

    assert FailureKind.TIMEOUT is failed.value.trial.failure.kind


def test_ending_twice_is_ending_once(start):
    """The rounds end every trial that they ever started, whatever became of it."""
    trial = start("sys.exit(0)")
    with suppress(TrialFailed):
        trial.ready()

    trial.end()
    trial.end()
