"""`bench run` from the outside: real processes, toy loops."""

import json
import os
import time
from base64 import b64decode, b64encode
from itertools import pairwise

import matplotlib.image
import numpy as np
import psutil
import pytest

from bench.machine import cpus
from bench.records.stored_run import SCHEMA_VERSION
from bench.records.trial import BlockKind, FailureKind


def failures(run):
    """Return loop -> kind of failure, None where there is none."""
    return {trial.cell.loop: trial.failure and trial.failure.kind for trial in run.trials}


def test_a_run_is_measured_stored_and_reported(session):
    """One command: table on stdout, the page named on stderr, raw numbers on disk."""
    done = session.bench("run", "toy", "toy-slow")

    run = session.run()
    assert (0, True, 4) == (done.code, run.complete, len(run.trials)), done.err
    assert "toy-slow" in done.out
    assert f"report: reports/{run.header.run_id}/index.html" in done.err
    assert (session.folder / "reports" / run.header.run_id / "index.html").exists()


@pytest.mark.slow
def test_several_workloads_are_measured_apart(session):
    """Each is a group of its own; a loop that cannot train one is left out of it and named."""
    done = session.bench("run", "toy", "toy-slow", "--workload", "mnist-mlp", "--workload", "mnist-dcgan")

    run = session.run()
    cells = {(cell.loop, cell.workload, cell.batch_size) for cell in run.header.plan.cells}
    assert {("toy", "mnist-mlp", 32), ("toy-slow", "mnist-mlp", 32), ("toy", "mnist-dcgan", 64)} == cells
    assert (0, 6) == (done.code, len(run.trials)), done.err
    assert "left out of mnist-dcgan: toy-slow is not written for adversarial training" in done.err
    page = (session.folder / "reports" / run.header.run_id / "index.html").read_text()
    assert "Measured apart, never ranked together" in page


@pytest.mark.slow
def test_several_widths_are_measured_apart(session):
    """The width is part of what a cell is, and every process gets its own."""
    done = session.bench("run", "toy", "--width", "64,256", "--rounds", "1")

    run = session.run()
    assert (0, {64, 256}) == (done.code, {trial.cell.width for trial in run.trials}), done.err
    assert ["toy-mnist-mlp-matched-cpu-b32-w64", "toy-mnist-mlp-matched-cpu-b32-w256"] == [
        str(cell) for cell in run.header.plan.cells
    ]
    assert "mnist-mlp, CPU, batch 32, width 256" in done.out


@pytest.mark.slow
def test_only_loops_that_are_compared_live_together(session):
    """A round of two workloads starts the second when the first is done."""
    session.bench("run", "toy", "--workload", "mnist-mlp", "--workload", "mnist-dcgan", "--no-report", "--rounds", "1")

    times = {
        trial.cell.workload: [block.started for block in trial.blocks] for trial in session.run().trials if trial.blocks
    }
    spans = sorted((min(starts), max(starts)) for starts in times.values())
    assert spans[0][1] < spans[1][0]


@pytest.mark.slow
def test_every_trial_is_a_process_of_its_own(session):
    """Two rounds of two loops are four processes."""
    session.bench("run", "toy", "toy-slow", "--no-report")

    assert 4 == len({trial.process_id for trial in session.run().trials})


@pytest.mark.slow
def test_trials_keep_every_block_in_order(session):
    """First call, warm-up, turns of a run-in and two measured blocks, a closing call."""
    session.bench("run", "toy", "--no-report", "--rounds", "1", "--steps", "20")

    (trial,) = session.run().trials
    kinds = [block.kind for block in trial.blocks]
    warm_up = kinds.count(BlockKind.WARM_UP)
    assert [
        BlockKind.FIRST,
        *[BlockKind.WARM_UP] * warm_up,
        *[BlockKind.RUN_IN, BlockKind.MEASURED, BlockKind.MEASURED] * 5,
        BlockKind.CLOSING,
    ] == kinds
    assert [2] * 10 == [block.steps for block in trial.blocks_of(BlockKind.MEASURED)]
    assert sum(block.steps for block in trial.blocks) == trial.steps


def test_only_one_process_is_at_work_while_anything_is_measured(session):
    """Measured blocks of a round never overlap, whichever process ran them."""
    session.bench("run", "toy", "toy-slow", "prints-a-lot", "--no-report", "--rounds", "1")

    blocks = sorted((b.started, b.started + b.seconds) for t in session.run().trials for b in t.blocks)
    rounding = 1e-9  # a block begins at the same reading of the clock at which its run-in ends
    assert all(end <= start + rounding for (_, end), (start, _) in pairwise(blocks))


@pytest.mark.slow
def test_blocks_of_different_loops_take_turns(session):
    """Interleaved: no loop has all its blocks in a row."""
    session.bench("run", "toy", "toy-slow", "--no-report", "--rounds", "1", "--steps", "20")

    blocks = sorted(
        (block.started, trial.cell.loop)
        for trial in session.run().trials
        for block in trial.blocks_of(BlockKind.MEASURED)
    )
    changes = sum(a != b for (_, a), (_, b) in pairwise(blocks))
    assert changes >= 5


@pytest.mark.skipif(not cpus.allowed()[1:], reason="one CPU, or a system that cannot bind a process")
@pytest.mark.parametrize(("option", "expected"), [("--pin", cpus.allowed()[-1:]), ("--no-pin", cpus.allowed())])
def test_a_process_with_one_thread_stays_on_one_cpu(session, option, expected):
    """On the last, where the fewest interrupts arrive, unless it may move."""
    session.bench("run", "toy", "--no-report", "--rounds", "1", "--threads", "1", option)

    assert [expected] == [trial.cpus for trial in session.run().trials]


def test_steps_that_the_user_fixed_are_measured_and_no_more(session):
    """In ten blocks of whole steps, so that there is a median to speak of."""
    session.bench("run", "toy", "--no-report", "--rounds", "1", "--steps", "30")

    (trial,) = session.run().trials
    assert [3] * 10 == [block.steps for block in trial.blocks_of(BlockKind.MEASURED)]


@pytest.mark.slow
def test_sequential_measures_one_loop_after_the_other(session):
    """One change of loop, from the first to the second."""
    session.bench("run", "toy", "toy-slow", "--no-report", "--rounds", "1", "--schedule", "sequential")

    blocks = sorted(
        (block.started, trial.cell.loop)
        for trial in session.run().trials
        for block in trial.blocks_of(BlockKind.MEASURED)
    )
    assert 1 == sum(a != b for (_, a), (_, b) in pairwise(blocks))


def test_what_a_loop_prints_ends_in_its_log_and_nowhere_else(session):
    """Even lines that look like our own messages."""
    done = session.bench("run", "prints-a-lot", "--rounds", "1", "--format", "json")

    run = session.run()
    (log,) = (session.folder / "results" / run.header.run_id / "logs").iterdir()
    assert 0 == done.code
    assert "chatter" in log.read_text()
    assert "chatter" not in done.out + done.err
    assert done.json


@pytest.mark.parametrize(
    ("loop", "kind", "words"),
    [
        pytest.param("raises-in-build", FailureKind.RAISED, "ValueError: no such layer", marks=pytest.mark.slow),
        ("raises-in-training", FailureKind.RAISED, "RuntimeError: shapes do not match"),
        ("becomes-nan", FailureKind.NOT_FINITE, "the loss is nan"),
        ("is-killed", FailureKind.KILLED, "SIGKILL"),
        pytest.param("exits", FailureKind.EXITED, "exited with code 3", marks=pytest.mark.slow),
        ("skips-steps", FailureKind.BROKEN_CONTRACT, "the loop's optimizer counted"),
        pytest.param(
            "stops-early", FailureKind.BROKEN_CONTRACT, "the loop's optimizer counted", marks=pytest.mark.slow
        ),
        pytest.param("cannot-be-waited-for", FailureKind.RAISED, "synchronise", marks=pytest.mark.slow),
        pytest.param("runs-out-of-memory", FailureKind.OUT_OF_MEMORY, "Unable to allocate", marks=pytest.mark.slow),
    ],
)
def test_a_loop_that_fails_is_a_typed_row_and_the_others_complete(session, loop, kind, words):
    """Exit 5, nothing else lost."""
    done = session.bench("run", "toy", loop)

    run = session.run()
    assert {"toy": None, loop: kind} == failures(run)
    assert 2 == sum(trial.failure is None for trial in run.trials)
    assert (5, True) == (done.code, run.complete)
    message = next(trial.failure.message for trial in run.trials if trial.failure)
    assert words in message
    assert f"Error: 1 of 2 measurements failed: {loop}" in done.err


def test_a_loop_that_never_returns_is_given_up_after_the_timeout(session):
    """Its process is gone, the other loop is measured."""
    done = session.bench("run", "toy", "never-returns", "--timeout", "3")

    run = session.run()
    assert (5, {"toy": None, "never-returns": FailureKind.TIMEOUT}) == (done.code, failures(run))
    (process,) = [trial.process_id for trial in run.trials if trial.failure]
    assert not psutil.pid_exists(process)


def test_a_framework_that_is_not_there_is_a_row_with_its_reason(session, tmp_path):
    """The others go on, and the exit code is 0: nothing broke."""
    hide = tmp_path / "hide"
    hide.mkdir()
    (hide / "sitecustomize.py").write_text(
        "import importlib.metadata as m\n"
        "real = m.version\n"
        "def version(name):\n"
        "    if name == 'jax': raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.version = version\n"
    )
    path = os.pathsep.join([str(hide), session.environment["PYTHONPATH"]])

    done = session.bench("run", "toy", "needs-jax", "--no-report", PYTHONPATH=path)

    assert (0, {"toy": None, "needs-jax": FailureKind.UNAVAILABLE}) == (done.code, failures(session.run()))
    assert "needs-jax: not measured: jax is not installed; try: pip install 'loopbench[jax]'" in done.err


@pytest.mark.slow
def test_a_loop_that_needs_more_than_there_is_is_a_row_with_its_reason(session):
    """A GPU, or a later version of a library; no process is started for it."""
    done = session.bench("run", "toy", "needs-gpu", "needs-later", "--no-report")

    run = session.run()
    unavailable = FailureKind.UNAVAILABLE
    assert (0, {"toy": None, "needs-gpu": unavailable, "needs-later": unavailable}) == (done.code, failures(run))
    assert "needs-gpu: not measured: it needs a GPU" in done.err
    assert "needs-later: not measured: it needs numpy>=99; numpy " in done.err
    assert {"toy"} == {trial.cell.loop for trial in run.trials if trial.process_id is not None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tou"], "Error: there is no loop 'tou'. Did you mean 'toy'?"),
        (["toy", "--workload", "mnist-mpl"], "Error: there is no workload 'mnist-mpl'. Did you mean 'mnist-mlp'?"),
        (["toy", "--device", "tpu"], "'tpu' is not one of 'auto', 'cpu', 'gpu'"),
        (["toy", "--device", "gpu"], "Error: no GPU for any of these loops: numpy"),
        (["toy", "--batch-size", "0"], "0 is not above 0"),
        (["toy", "--width", "64,-4"], "-4 is not above 0"),
        (["toy", "--width", "256", "--workload", "regression"], "has no hidden layers whose width could be chosen"),
        (["toy", "--batch-size", "many"], "'many' is not a list of whole numbers such as 32,256"),
        (["toy", "--batch-size", "50001"], "batch size 50001 is above the 50000 training samples of mnist-mlp"),
        (["toy", "--rounds", "0"], "0 is not in the range x>=1"),
        (["toy", "--quick", "--rigorous"], "--rounds, --quick and --rigorous say the same thing"),
        (["toy", "--timeout", "0"], "0 is not in the range x>0"),
        (["toy", "--python", "torch"], "'torch' is not of the form torch=/path/to/python"),
        (["toy", "--python", "torch=no-such-python"], "--python torch=no-such-python: there is no such program"),
        (["toy", "--python", "caffe=python3"], "--python caffe=python3: known backends are"),
        (["--resume", "2020"], "Error: results: there is no run '2020'; see 'bench list runs'"),
        (["toy", "--resume", "2020"], "--resume goes on with the plan of 2020; it takes no LOOP"),
        (["toy", "--dataset", "mnist", "--data", "missing.npz"], "missing.npz"),
        (
            ["toy-slow", "--workload", "mnist-dcgan"],
            "nothing to measure on mnist-dcgan: toy-slow is not written for adversarial training; see 'bench list",
        ),
        (["toy", "--samples"], "--samples: no generator is trained by mnist-mlp; try --workload mnist-dcgan"),
        (
            ["toy", "--all-guides"],
            "--all-guides chooses loops and workloads itself; leave out LOOP, --exclude, --workload and --arrays",
        ),
        (["--workload", "regression", "--all-guides"], "--all-guides chooses loops and workloads itself"),
    ],
)
def test_bad_input_gets_one_clear_line_and_leaves_nothing_behind(session, arguments, message):
    """Exit 2, no folder, no traceback."""
    session.environment.pop("BENCH_ROUNDS")

    done = session.bench("run", *arguments)

    assert 2 == done.code
    assert message in done.err
    assert "Traceback" not in done.err
    assert [] == session.stored()


def test_a_results_folder_that_cannot_be_written_is_named(session):
    """A file stands in the way; root may write anywhere else."""
    (session.folder / "results").write_text("")

    done = session.bench("run", "toy")

    assert 2 == done.code
    assert "results" in done.err


def test_ctrl_c_stores_what_has_finished_and_leaves_no_process(session, wait_for, workers, interrupt):
    """Children are gone within 2 s, exit 130, and the way to go on is named."""
    running = session.start("run", "toy", "never-returns", "--schedule", "sequential", "--rounds", "1", "--no-report")
    wait_for(lambda: list(session.folder.glob("results/*/logs/*never-returns*")))
    alive = wait_for(lambda: workers(running.pid))
    interrupt(running)
    _, still_alive = psutil.wait_procs(alive, timeout=2)

    _, err = running.communicate(timeout=30)

    assert ([], 130) == (still_alive, running.returncode)
    assert "go on with: bench run --resume" in err
    assert not session.run().complete


def test_an_interrupted_run_is_resumed_where_it_stopped(session):
    """Exactly the missing trials are run, and the run is complete."""
    session.bench("run", "toy", "toy-slow", "--no-report")
    (journal,) = session.folder.glob("results/*/journal.jsonl")
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join(lines[:3]) + "\n")
    kept = {trial.process_id for trial in session.run().trials}

    done = session.bench("run", "--resume", journal.parent.name, "--no-report")

    run = session.run()
    assert (0, True, 4) == (done.code, run.complete, len(run.trials)), done.err
    assert kept < {trial.process_id for trial in run.trials}
    assert 4 == len({(trial.cell, trial.round) for trial in run.trials})


def test_a_loop_that_failed_is_tried_again_when_asked_for(session):
    """Going on leaves it failed; `--retry-failed` runs it in every round, and what was fine is not measured again."""
    ready = {"TOY_READY": str(session.folder / "ready")}
    failed = session.bench("run", "toy", "fails-at-first", "--no-report", **ready)
    stored = session.run()
    fine = {trial.process_id for trial in stored.trials if trial.failure is None}
    (session.folder / "ready").touch()

    plain = session.bench("run", "--resume", stored.header.run_id, "--no-report", **ready)
    after = session.run()
    again = session.bench("run", "--resume", stored.header.run_id, "--retry-failed", "--no-report", **ready)

    run = session.run()
    assert "not ready yet" in failed.err + failed.out
    assert failed.code == plain.code != 0
    assert len(stored.trials) == len(after.trials), "a plain --resume does not try it again"
    assert (0, True, 4) == (again.code, run.complete, len(run.trials)), again.err
    assert all(trial.failure is None for trial in run.trials)
    assert fine < {trial.process_id for trial in run.trials}


def test_a_run_that_is_done_can_be_extended(session):
    """With what would settle it: more rounds of the same plan, and nothing that contradicts the plan."""
    session.bench("run", "toy", "--rounds", "1", "--no-report")
    (stored,) = (folder.name for folder in session.folder.glob("results/*"))

    done = session.bench("run", "--resume", stored, "--rounds", "2", "--no-report")
    fewer = session.bench("run", "--resume", stored, "--rounds", "2", "--no-report")
    other = session.bench("run", "--resume", stored, "--threads", "2", "--no-report")

    run = session.run()
    assert (0, True, 2) == (done.code, run.complete, len(run.trials)), done.err
    assert (2, f"Error: --rounds 2: {stored} has 2 already; give more\n") == (fewer.code, fewer.err)
    assert 2 == other.code
    assert f"--resume goes on with the plan of {stored}; it takes no --threads; leave it out" in other.err


def test_a_run_that_cannot_go_on_is_not_extended(session):
    """It was whole, and stays so: what speaks against going on is found before anything is written."""
    session.bench("run", "toy", "--rounds", "1", "--no-report")
    (journal,) = session.folder.glob("results/*/journal.jsonl")
    journal.write_text(journal.read_text().replace(session.run().header.dataset.sha256, "0" * 64))
    before = journal.read_text()

    refused = session.bench("run", "--resume", journal.parent.name, "--rounds", "5", "--no-report")

    assert 2 == refused.code
    assert "was measured on other data" in refused.err
    assert before == journal.read_text()
    assert session.run().complete


def test_killing_the_harness_leaves_no_process_and_a_readable_run(session, wait_for, workers):
    """Even inside a step that never returns."""
    running = session.start("run", "never-returns", "--no-report")
    alive = wait_for(lambda: workers(running.pid))
    running.kill()

    gone, still = psutil.wait_procs(alive, timeout=5)
    running.communicate(timeout=5)

    assert (True, []) == (bool(gone), still)
    assert session.run().end is None


def test_the_harness_sleeps_while_a_block_runs(session, wait_for, workers):
    """The parent uses under 1 % of a core while a trial is at work."""
    running = session.start("run", "never-returns", "--timeout", "8", "--no-report")
    wait_for(lambda: workers(running.pid))
    parent = psutil.Process(running.pid)
    time.sleep(2.5)  # until the trial hangs in its step
    before = parent.cpu_times()

    time.sleep(2.0)

    after = parent.cpu_times()
    running.kill()
    running.communicate(timeout=5)
    assert (after.user + after.system) - (before.user + before.system) <= 0.02


@pytest.mark.parametrize("form", ["json", *(pytest.param(form, marks=pytest.mark.slow) for form in ("csv", "md"))])
def test_other_formats_go_to_stdout_alone(session, form):
    """Stdout can be piped; everything for people is on stderr."""
    done = session.bench("run", "toy", "--format", form, "--rounds", "1")

    assert "toy" in done.out
    assert "round 1/1" not in done.out


def test_options_can_be_set_by_environment_variables(session):
    """BENCH_ROUNDS=2 and BENCH_STEPS=4 come from the session."""
    session.bench("run", "toy", "--no-report", BENCH_SEED="7")

    plan = session.run().header.plan
    assert (2, 4, 7) == (plan.rounds, plan.steps, plan.seed)


@pytest.mark.slow
def test_the_fallback_to_synthetic_digits_is_announced_everywhere(session, tmp_path):
    """On stderr, in the stored run and in the report."""
    done = session.bench(
        "run", "toy", "--rounds", "1", BENCH_DATASET="auto", KERAS_HOME=str(tmp_path / "keras"), KERAS_BACKEND="none"
    )

    run = session.run()
    page = (session.folder / "reports" / run.header.run_id / "report.md").read_text()
    assert "warning: synthetic digits instead of MNIST" in done.err
    assert ("synthetic", True) == (run.header.dataset.name, bool(run.header.dataset.fallback))
    assert "synthetic" in page.lower()


def test_the_manifest_is_complete(session):
    """Environment, command, seed, dataset and schema version stand in one file."""
    session.bench("run", "toy", "--no-report", "--seed", "5")

    (path,) = session.folder.glob("results/*/manifest.json")
    manifest = json.loads(path.read_text())["run"]
    assert SCHEMA_VERSION == manifest["schema_version"]
    assert ("synthetic", 5) == (manifest["dataset"]["name"], manifest["plan"]["seed"])
    assert {"command", "environment", "started", "tool_version"} <= manifest.keys()


@pytest.mark.slow
def test_samples_of_a_generator_are_stored_and_shown(make_session, tmp_path):
    """The first round's process draws them after its last step; the report has them as a grid of eight a row."""
    session = make_session(tmp_path, BENCH_DATASET="synthetic")
    arguments = ("--workload", "mnist-dcgan", "--samples", "--rounds", "1", "--steps", "1", "--no-verify")

    done = session.bench("run", "torch-native", *arguments, patience=300.0)

    assert 0 == done.code, done.err
    run = session.run()
    (trial,) = run.trials
    images = np.frombuffer(b64decode(trial.images), np.uint8).reshape(-1, 28, 28)
    assert run.header.plan.images == len(images)
    (picture,) = (session.folder / "reports" / run.header.run_id).glob("images-*.png")
    shown = np.rint(255.0 * matplotlib.image.imread(picture)[::3, ::3, 0]).astype(np.uint8)
    assert np.array_equal(images[0], shown[:28, :28])
    page = (picture.parent / "index.html").read_text()
    assert f"data:image/png;base64,{b64encode(picture.read_bytes()).decode()}" in page


@pytest.mark.slow
def test_a_breakdown_is_asked_of_every_process_and_stands_in_the_report(session):
    """Even of loops that have nothing to tell."""
    done = session.bench("run", "toy", "--breakdown", "--rounds", "1")

    run = session.run()
    assert (0, True) == (done.code, run.header.plan.breakdown), done.err
    page = (session.folder / "reports" / run.header.run_id / "index.html").read_text()
    assert "Where does the time of a step go?" in page


@pytest.mark.slow
def test_a_breakdown_finds_the_parts_of_a_step_that_python_calls(make_session, tmp_path):
    """A compiled step is one part; all have a pipeline and a step without it."""
    session = make_session(tmp_path, BENCH_DATASET="synthetic")
    loops = ("torch-plain", "torch-keras", "tf-eager", "tf-function")

    done = session.bench("run", *loops, "--breakdown", "--rounds", "1", "--no-verify")

    assert 0 == done.code, done.err
    found = {trial.cell.loop: trial for trial in session.run().trials}
    parts = {loop: trial.ablations[-1].left_out if trial.ablations else () for loop, trial in found.items()}
    every = ("metric", "optimizer", "backward", "forward")
    torch = {"torch-plain": every, "torch-keras": every}
    assert torch | {"tf-eager": (*every, "step"), "tf-function": ("step",)} == parts
    assert all(0.0 < trial.pipeline_seconds < trial.step_alone_seconds for trial in found.values())
