"""Loops on users' models are held against the same models in float64: real processes, of three frameworks."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.records.verification import Verification
from bench.sides.launcher import Launcher
from bench.verify import framework_wide
from bench.verify.float64_process import BESIDE, References
from bench.verify.recording import Recording
from loops.data import mnist
from loops.data.mnist import DatasetChoice

HERE = Path(__file__).parent
PATIENCE = 600.0
MISTAKES = {
    "images": [
        "averages_thrown_away",
        "inference_mode",
        "added_loss_forgotten",
        "clipping_dropped",
        "schedule_frozen",
        "other_weight_decay",
        "sample_weights_ignored",
        "metric_not_reset",
        "metric_without_weights",
        "evaluation_in_training_mode",
    ],
    "two_outputs": [
        "average_not_applied",
        "average_not_final",
        "one_loss_dropped",
        "added_loss_forgotten",
        "clipping_dropped",
    ],
    "accumulation": ["accumulation_off_by_one", "accumulation_dropped", "inference_mode", "own_loss_forgotten"],
}
PLANTED = [(model, mistake) for model, mistakes in MISTAKES.items() for mistake in mistakes]


@pytest.fixture(scope="module", params=["tensorflow", "torch", "jax"])
def judged(request, tmp_path_factory) -> Mapping[tuple[str, str], Verification]:
    """Return what is said of each model and mistake in the loops of one framework."""
    backend, folder = request.param, tmp_path_factory.mktemp("recordings")
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[2]), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, str(HERE / "loops_apart.py"), backend, str(folder)],
        env=environment,
        check=True,
        timeout=PATIENCE,
        capture_output=True,
    )
    found = []
    with Launcher(interpreters={}, environment=environment) as launcher:
        references = References(
            launcher=launcher, digits="", logs=folder, threads=1, timeout=PATIENCE, started=lambda process: None
        )
        try:
            for recording in sorted(path for path in folder.iterdir() if path.is_dir()):
                model, mistake = recording.name.split("-")
                answer = references.hold(
                    recording, source=str(HERE / "models" / f"{model}.py"), backend=backend, side=None
                )
                found.append(
                    Verification(
                        loop=framework_wide.CONTROLS[backend] if mistake == "fit" else mistake,
                        workload=model,
                        device="cpu",
                        formula=answer.found.formula,
                        gaps=answer.found.gaps,
                        losses=tuple(call.loss for call in Recording.read(recording).calls),
                        reference=answer.reference,
                        problem=answer.found.not_finite,
                    )
                )
        finally:
            references.end()
    backends = dict.fromkeys((one.loop for one in found), backend)
    named = framework_wide.attributed(
        found, backends=backends, traits={"two_outputs": [framework_wide.Trait.LOOKS_ROWS_UP]}
    )
    assert {BESIDE[backend][0]} == {one.reference for one in named}
    return {(one.workload, one.loop): one for one in named}


@pytest.mark.slow
@pytest.mark.parametrize(("model", "mistake"), PLANTED)
def test_a_mistake_on_a_users_model_is_caught(judged, model, mistake):
    """As a number that differs, whichever framework the loop is of."""
    found = judged[model, mistake]

    assert found.problem is None
    assert not found.passed


@pytest.mark.slow
@pytest.mark.parametrize("model", MISTAKES)
def test_a_loop_without_a_mistake_passes(judged, model):
    """What differs on TensorFlow, where a row is looked up twice, differs in `fit()` as well and is no fault."""
    found = judged[model, "none"]

    assert found.passed, found.reason
    assert found.framework_wide == ("several times" in (found.remark or ""))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "tensorflow", "jax"])
def test_both_references_agree_on_our_own_workloads(backend, tmp_path):
    """Keras in float64 and NumPy in float64 know nothing of each other.

    On TensorFlow, Keras' Adam computes 1 - beta in float32, which shows in the weights.
    """
    workloads = ("mnist-mlp", "mnist-mlp-weighted", "mnist-mlp-add-loss", "mnist-mlp-sgd", "regression")
    digits = mnist.resolve(DatasetChoice.SYNTHETIC, file=None, cache=tmp_path).folder

    done = subprocess.run(
        [sys.executable, str(HERE / "numpy_apart.py"), backend, digits, *workloads],
        env=os.environ | {"PYTHONPATH": str(HERE.parents[2]), "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=PATIENCE,
        capture_output=True,
        text=True,
    )

    for found in json.loads(done.stdout).values():
        assert found["loss"] < 1e-12
        assert found["gradients"] < 1e-12
        assert found["weights"] < (1e-5 if backend == "tensorflow" else 1e-11)
        assert found["metric"] < 1e-12
