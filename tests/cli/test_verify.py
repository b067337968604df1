"""`bench verify` and the verification in `bench run`, from the outside."""

from pathlib import Path

import psutil
import pytest

from bench.files import SOURCE_TREE


def test_a_loop_that_computes_something_else_fails(session):
    """Exit 5, and the row says how its model is another one."""
    done = session.bench("verify", "toy", "--workload", "mnist-mlp")

    assert 5 == done.code
    assert "the loop shows weights of shapes [(784, 10)], where the model's are [" in " ".join(done.out.split())
    assert "Error: 1 of 1 checks failed: toy on mnist-mlp" in done.err


def test_a_loop_of_ours_passes(session):
    """Losses, weights, gradients and metrics agree with the reference."""
    done = session.bench("verify", "torch-native", "--workload", "regression", "--format", "json")

    (found,) = done.json
    assert (0, True, "torch-adam") == (done.code, found["passed"], found["formula"])
    assert {"loss, 100 steps", "weights, 100 steps", "gradients of the first step", "training metric", "evaluation"} < {
        gap["what"] for gap in found["gaps"]
    }


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        ("raises-in-build", "raised: ValueError: no such layer"),
        ("raises-in-training", "raised: RuntimeError: shapes do not match"),
        ("is-killed", "killed: the process was killed by SIGKILL"),
    ],
)
def test_a_loop_that_crashes_is_not_verified(session, loop, words):
    """The reason stands in the table."""
    done = session.bench("verify", loop, "--workload", "mnist-mlp")

    assert 5 == done.code
    assert words in done.out
    assert f"; see verify-numpy-{loop}-1.log" in done.out
    assert (Path(done.err.rpartition("logs: ")[2].strip()) / f"verify-numpy-{loop}-1.log").exists()


def test_ctrl_c_ends_all_processes(session, cache, wait_for, interrupt):
    """The one that checks and the one that waits for it, within 2 s."""
    log = cache / "logs" / "verify-numpy-never-returns-1.log"
    log.unlink(missing_ok=True)
    running = session.start("verify", "never-returns", "--workload", "mnist-mlp")
    wait_for(lambda: log.exists() and "--- never-returns on mnist-mlp" in log.read_text())
    alive = psutil.Process(running.pid).children(recursive=True)
    interrupt(running)
    _, still_alive = psutil.wait_procs(alive, timeout=2)

    _, err = running.communicate(timeout=30)

    assert alive
    assert ([], 130) == (still_alive, running.returncode)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tf-egaer"], "Error: there is no loop 'tf-egaer'. Did you mean 'tf-eager'?"),
        (["--workload", "mnist"], "Error: there is no workload 'mnist'."),
        (["toy", "--device", "gpu"], "Error: no GPU for any of these loops: numpy"),
        (["toy", "--data", "nothing.npz", "--dataset", "mnist"], "nothing.npz"),
    ],
)
def test_bad_input_gets_one_clear_line(session, arguments, message):
    """Exit 2, no traceback."""
    done = session.bench("verify", *arguments)

    assert 2 == done.code
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_run_does_not_rank_a_loop_that_fails_verification(session):
    """It is measured, shown as invalid with the reason, and the exit code says so."""
    del session.environment["BENCH_NO_VERIFY"]

    done = session.bench("run", "toy", "--rounds", "1")

    run = session.run()
    assert 5 == done.code
    assert [False] == [verification.passed for verification in run.verifications]
    assert "invalid" in done.out
    assert "Error: not the same work as the reference: toy" in done.err


def test_skipping_verification_is_said_aloud(session):
    """On the terminal and in the report."""
    done = session.bench("run", "toy", "--rounds", "1")

    page = session.folder / "reports" / session.run().header.run_id / "report.md"
    assert "Nothing was verified (`--no-verify`)" in done.out
    assert "--no-verify" in page.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("hooks", "mistake"), [("pre", "clipping dropped"), ("post", "schedule frozen")])
def test_what_pytorchs_optimizer_does_around_its_formula_is_checked(session, hooks, mistake):
    """A copy of `torch-native` that leaves out clipping, or the schedule, trains `mnist-cnn` otherwise."""
    build = "        self.optimizer = workload.build_torch_optimizer(self.model.parameters())\n"
    text = (SOURCE_TREE / "loops" / "variants" / "torch_native.py").read_text()
    assert build in text
    copy = session.folder / "mutant.py"
    copy.write_text(text.replace(build, f"{build}        self.optimizer._optimizer_step_{hooks}_hooks.clear()\n"))

    done = session.bench("verify", str(copy), "torch-native", "--workload", "mnist-cnn", "--format", "json")

    passed = {found["loop"]: found["passed"] for found in done.json}
    assert (5, {"mutant": False, "torch-native": True}) == (done.code, passed), mistake


@pytest.mark.slow
def test_a_check_that_passed_is_remembered(session, cache):
    """The same sources under the same versions are not checked twice."""
    del session.environment["BENCH_NO_VERIFY"]
    first = session.bench("run", "torch-native", "--workload", "regression-weighted", "--rounds", "1", "--no-report")

    second = session.bench("run", "torch-native", "--workload", "regression-weighted", "--rounds", "1", "--no-report")

    assert (0, 0) == (first.code, second.code), first.err
    assert "verified: torch-native" in first.err
    assert "verified: torch-native" not in second.err


def test_a_cell_that_cannot_run_here_is_not_called_a_failure(session):
    """A GPU loop on a machine without one is refused before anything is checked."""
    done = session.bench("run", "torch-native", "--device", "gpu")

    assert 2 == done.code
    assert "Error: no GPU for any of these loops: torch" in done.err
    assert [] == session.stored()
