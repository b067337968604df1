"""Whatever `fit()` takes, from the outside: the examples, a saved model, what is refused before anything is trained."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.records.trial import BlockKind, FailureKind
from loops import registry

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
SHORT = ["--rounds", "1", "--threads", "1", "--steps", "40", "--no-calibrate"]

PLAIN = '''"""Mine."""
import keras
import numpy as np

def model():
    m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    m.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return m

def data():
    x = np.random.default_rng().normal(size=(100, 4))
    return x, (x[:, 0] > 0).astype("int32")
'''


def losses(found):
    """Return the losses of each loop that was checked."""
    return {one["loop"]: one["losses"] for one in found}


@pytest.mark.slow
def test_five_lines_are_enough(session):
    """Targets of shape (n,), data without a seed and no validation: the same losses in all frameworks, and a run."""
    example = str(EXAMPLES / "five_lines.py")
    loops = ["tf-function", "torch-native", "jax-jit"]

    checked = session.bench("verify", *loops, "--workload", example, "--format", "json")
    done = session.bench("run", "torch-native", "--workload", example, *SHORT)

    assert (0, 0) == (checked.code, done.code), checked.err + done.err
    first, *others = losses(checked.json).values()
    assert all(other == pytest.approx(first, rel=1e-3) for other in others)
    (trial,) = session.run().trials
    assert (["mae"], {}, None) == (
        list(trial.training_metrics),
        trial.validation_metrics,
        trial.validation_metric,
    )
    assert ("own", ("five_lines",)) == (
        session.run().header.dataset.name,
        tuple(one.workload for one in session.run().header.plan.prepared),
    )


@pytest.mark.slow
def test_a_saved_model_and_its_arrays_need_no_code(session):
    """The example saves both; what it says to type trains them."""
    subprocess.run([sys.executable, EXAMPLES / "saved_model.py"], cwd=session.folder, check=True, capture_output=True)
    own = ("--workload", "my_model.keras", "--arrays", "my_data.npz")

    checked = session.bench("verify", "tf-fit-stock", "torch-native", "jax-jit", *own, "--format", "json")
    done = session.bench("run", "torch-native", *own, *SHORT)

    assert (0, 0) == (checked.code, done.code), checked.err + done.err
    assert 3 == len(losses(checked.json))
    (trial,) = session.run().trials
    assert trial.validation_metrics.keys() == {"accuracy"}


@pytest.mark.slow
def test_several_inputs_outputs_losses_and_metrics_are_trained_alike(session):
    """With weights of losses and of samples, a schedule and clipping: PyTorch's own losses are of one output."""
    example = str(EXAMPLES / "two_inputs.py")

    loops = ["tf-fit-stock", "jax-jit", "tf-fit-lowlevel"]
    checked = session.bench("verify", *loops, "--workload", example, "--format", "json")
    done = session.bench("run", "jax-fit", "torch-native", "--workload", example, *SHORT)

    assert 0 == checked.code, checked.err
    stock, *others = losses(checked.json).values()  # TensorFlow's own way with rows that are looked up twice shows
    assert all(other == pytest.approx(stock, rel=1e-2) for other in others)
    trained, hole = sorted(session.run().trials, key=lambda trial: trial.cell.loop)
    assert ["liked_accuracy", "liked_auc", "stars_mae"] == list(trained.validation_metrics), done.err
    assert 50 == trained.cell.batch_size
    assert FailureKind.UNAVAILABLE is hole.failure.kind
    assert "torch.nn has one loss for one output, and the model has more than that" in hole.failure.message


@pytest.mark.slow
def test_a_model_that_trains_itself_is_left_to_loops_that_call_it(session):
    """A hand-written step would train something else under its name."""
    example = str(EXAMPLES / "own_training_step.py")

    checked = session.bench("verify", "jax-fit-stock", "--workload", example, "--format", "json")
    done = session.bench("run", "jax-fit-stock", "jax-fit", "jax-jit", "--workload", example, *SHORT)

    assert [True] == [found["passed"] and found["reference"] is not None for found in checked.json], checked.out
    kinds = {trial.cell.loop: trial.failure and trial.failure.kind for trial in session.run().trials}
    assert {"jax-fit-stock": None, "jax-fit": FailureKind.UNAVAILABLE, "jax-jit": FailureKind.UNAVAILABLE} == kinds
    assert "Mixup writes its own train_step" in done.err


@pytest.mark.slow
def test_what_calls_a_framework_itself_is_left_to_it(session):
    """Loops of others say why they cannot, and are no failure."""
    text = PLAIN.replace(
        "keras.layers.Dense(2)", "keras.layers.Dense(2), keras.layers.Lambda(lambda x: tf.math.square(x))"
    )
    (session.folder / "mine.py").write_text(text.replace("import keras\n", "import keras\nimport tensorflow as tf\n"))

    done = session.bench("verify", "tf-fit-stock", "torch-native", "--workload", "mine.py", "--format", "json")

    stock, native = done.json
    assert 0 == done.code, done.err
    assert stock["passed"]
    assert "the file calls tensorflow itself, which has no use for tensors of torch" in native["problem"]


@pytest.mark.slow
def test_a_subclassed_model_is_trained_by_each_way_of_fit(session):
    """Nothing may be added to it once it is built, and it has no inputs to build another one from."""
    text = PLAIN.replace(
        "def model():",
        """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(2)
    def call(self, x):
        return self.last(x)

def model():""",
    ).replace("keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])", "Net()")
    (session.folder / "mine.py").write_text(text)

    done = session.bench("verify", "tf-fit", "tf-fit-lowlevel", "--workload", "mine.py", "--format", "json")

    assert (0, [True, True]) == (done.code, [found["passed"] for found in done.json]), done.out


@pytest.mark.slow
@pytest.mark.parametrize("reset", ["", "    def reset_state(self):\n        self.least.assign(1e9)\n"])
def test_metrics_of_any_kind_are_compared(session, reset):
    """One score per class, several by name, a variable, and the least of many errors, which hangs on roundings.

    What is not reset by its own rule becomes zero, as `fit()` has it, and a loop by hand has to do the same.
    """
    metrics = """
class Extremes(keras.metrics.Metric):
    def __init__(self):
        super().__init__(name="extremes")
        self.least = self.add_variable(shape=(), initializer=keras.initializers.Constant(1e9), name="least")
    def update_state(self, y, p, sample_weight=None):
        self.least.assign(keras.ops.minimum(self.least, keras.ops.min(keras.ops.abs(keras.ops.cast(y, p.dtype) - p))))
    def result(self):
        return {"least": self.least, "twice": self.least * 2}
RESET
def model():"""
    text = PLAIN.replace("def model():", metrics.replace("RESET\n", reset + "\n")).replace(
        "SparseCategoricalCrossentropy(from_logits=True))",
        "MeanSquaredError(), metrics=[keras.metrics.F1Score(average=None), Extremes()], "
        "optimizer=keras.optimizers.SGD(0.1, use_ema=True))",
    )
    text = text.replace('m.compile("sgd", keras', "m.compile(loss=keras").replace(
        'return x, (x[:, 0] > 0).astype("int32")',
        'y = np.eye(2)[(x[:, 0] > 0).astype(int)].astype("float32")\n    return (x, y), (x, y)',
    )
    (session.folder / "mine.py").write_text(text)

    loops = ("tf-fit-stock", "jax-fit-stock", "jax-jit")
    done = session.bench("verify", *loops, "--workload", "mine.py", "--format", "json")

    assert (0, [True] * 3) == (done.code, [found["passed"] for found in done.json]), done.err
    stock, by_hand = (
        {gap["what"]: gap["largest"] for gap in found["gaps"] if gap["largest"] > gap["allowed"]}
        for found in done.json[1:]
    )
    assert (stock, not reset) == (by_hand, bool(by_hand))
    names = {gap["what"] for gap in done.json[1]["gaps"]}
    assert {"evaluation f1_score_0", "evaluation least", "evaluation twice"} <= names


PIPED = """
def data():
    x = np.random.default_rng(0).normal(size=(230, 4)).astype("float32")
    y = (x[:, 0] > 0).astype("int64")
    PIPELINE
"""
TF_DATA = """import tensorflow as tf
    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(230).batch(20), (x, y)
"""
LOADER = """import torch
    from torch.utils.data import DataLoader, TensorDataset
    return DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=20, shuffle=True)
"""
PY_DATASET = """class Parts(keras.utils.PyDataset):
        def __len__(self):
            return 12
        def __getitem__(self, i):
            return x[20 * i : 20 * i + 20], y[20 * i : 20 * i + 20]
    return Parts(workers=2), Parts()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pipeline", "fed", "others"),
    [
        (TF_DATA, ["tf-fit-stock", "tf-function"], ["torch-native", "jax-fit-stock"]),
        (LOADER, ["torch-fit-stock", "torch-native"], ["tf-function", "jax-jit"]),
        (PY_DATASET, ["tf-fit-stock", "tf-eager", "torch-fit-stock", "torch-keras", "jax-fit", "jax-jit"], []),
    ],
)
def test_a_pipeline_feeds_the_loops_of_its_framework_in_its_own_batches(session, pipeline, fed, others):
    """Without its last, smaller batch; loops that it cannot feed are named with the reason."""
    text = PLAIN.partition("def data")[0].replace('"sgd", ', '"adam", ') + PIPED.replace("PIPELINE", pipeline)
    (session.folder / "mine.py").write_text(text)

    done = session.bench("run", *fed, *others, "--workload", "mine.py", "--track", "pipeline", *SHORT, patience=400.0)

    trials = {trial.cell.loop: trial for trial in session.run().trials}
    assert 0 == done.code, done.err
    assert {("pipeline", 20)} == {(trial.cell.track, trial.cell.batch_size) for trial in trials.values()}
    assert set(fed) == {loop for loop, trial in trials.items() if trial.failure is None}, done.err
    assert all(trials[loop].failure.kind is FailureKind.UNAVAILABLE for loop in others)
    assert all("is fed by a" in trials[loop].failure.message for loop in others)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workload", "more", "message"),
    [
        ("mnist-mlp", [], "--track pipeline: mnist-mlp has no pipeline of its own"),
        ("mine.py", [], "--track pipeline: data() of mine returns arrays; let it return a PyDataset"),
    ],
)
def test_the_pipeline_track_is_for_those_who_have_one(session, workload, more, message):
    """Exit 2, one line."""
    (session.folder / "mine.py").write_text(PLAIN)

    done = session.bench("run", "jax-jit", "--workload", workload, "--track", "pipeline", *more, *SHORT)

    assert (2, "") == (done.code, done.out)
    assert message in done.err


@pytest.mark.slow
def test_a_saved_model_needs_no_code(session):
    """Its optimizer starts anew, whatever it had done; the arrays come from a file."""
    session.python(
        "import keras, numpy as np\n"
        "m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])\n"
        "m.compile('adam', 'mse', metrics=['mae'])\n"
        "m.fit(np.ones((8, 4)), np.ones(8), verbose=0)\n"
        "m.save('saved.keras')\n"
    )
    x = np.random.default_rng(0).normal(size=(200, 4))
    np.savez(session.folder / "data.npz", x=x, y=x.sum(axis=1), x_val=x[:50], y_val=x[:50].sum(axis=1))

    done = session.bench("run", "jax-jit", "--workload", "saved.keras", "--arrays", "data.npz", *SHORT)
    without = session.bench("run", "jax-jit", "--workload", "saved.keras", *SHORT)

    (trial,) = session.run().trials
    assert 0 == done.code, done.err
    assert ["mae"] == list(trial.validation_metrics)
    assert 2 == without.code
    assert "saved.keras: a saved model comes without data; give them by --arrays FILE.npz" in without.err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("def data():", "def date():", "mine.py: has model() and no data(); write 'def data(): return (x, y), (x_val"),
        ("def model():", "batch_size = len('x')\ndef model():", "mine.py: does not write out its batch_size"),
    ],
)
def test_a_file_with_half_of_it_is_refused_before_anything_starts(session, old, new, message):
    """Exit 2, one line."""
    (session.folder / "mine.py").write_text(PLAIN.replace(old, new))

    done = session.bench("run", "jax-jit", "--workload", "mine.py")

    assert (2, "") == (done.code, done.out)
    assert message in done.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "    m.compile",
            "    return m\n    m.compile",
            "returned a model that is not compiled; call compile(",
        ),
        ("    return m\n", "    return 3\n", "model() returned a int; return a keras.Model"),
        (
            "from_logits=True))",
            'from_logits=True), ["accuracy"])',
            "compile() was given 'accuracy' as a weight of a loss",
        ),
        ("m.compile", "m.trainable = False; m.compile", "every weight of the model is frozen"),
        (
            ", keras.losses.SparseCategoricalCrossentropy(from_logits=True))",
            ")",
            "compile() names no loss and no layer adds one, so there is nothing to train for; write compile(..., loss=",
        ),
        ("return x,", "return {'wrong': x},", "the model takes one array, and x is a dict of 'wrong'"),
        ("def model():", "def model(width):", "model() wants width, which nobody gives it; give it a default"),
        ("def data():", "data = 3\ndef other():", "data is a int, not a function; write def data(): return ..."),
        (
            "keras.layers.Dense(2)]",
            "keras.layers.Dense(3), keras.layers.Reshape((3, 1))]",
            "does not fit the model's output",
        ),
        (
            "keras.layers.Dense(2)]",
            "keras.layers.Embedding(1, 2), keras.layers.Flatten(), keras.layers.Dense(2)]",
            "and Embedding 'embedding' has rows 0 to 0; number the rows from 0",
        ),
        ("(100, 4)", "(20, 4)", "batch size 32 is above the 20 training samples of mine"),
        ('.astype("int32")', '.astype("int32") + 1', "y holds classes 1 to 2, and the model has 2 outputs"),
        ("    x = ", "    return iter([1])\n    x = ", "data() returned a generator"),
        ("    x = ", "    raise OSError('no such place')\n    x = ", "OSError: no such place (mine.py, line 11)"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_trained(session, old, new, message):
    """In one sentence, with exit 2, and nothing is stored."""
    (session.folder / "mine.py").write_text(PLAIN.replace(old, new, 1))

    done = session.bench("run", "jax-jit", "--workload", "mine.py", *SHORT)

    assert (2, "") == (done.code, done.out)
    assert message in done.err
    assert not list((session.folder / "results").glob("*/journal.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize("workload", sorted(registry.COMPILED))
def test_our_compiled_models_are_the_same_work_in_every_framework(session, workload):
    """Held against the same model in float64 under another framework, as a user's is.

    But where two activations before a maximum are alike to five digits, TensorFlow, which is less exact before, may
    take the other one: `fit()` does, and the cause is named.
    """
    checked = session.bench("verify", "tf-fit-stock", "torch-keras", "jax-jit", "--workload", workload)

    found = {line.split()[0]: line for line in checked.out.splitlines() if line}
    assert 0 == checked.code, checked.err
    assert all("same work" in found[loop] for loop in ("torch-keras", "jax-jit"))
    as_fit = "like fit()" in found["tf-fit-stock"] and "the mean of a batch" in found["tf-fit-stock"]
    assert "same work" in found["tf-fit-stock"] or (as_fit and workload == "mnist-cnn")


@pytest.mark.slow
def test_a_compiled_model_of_ours_takes_the_runs_digits_and_has_a_least_step(session):
    """Its operations were counted where it was prepared; plain `fit()` is what the others are compared with."""
    done = session.bench(
        *("run", "torch-fit-stock", "torch-native", "--workload", "mnist-cnn", "--batch-size", "64"),
        *("--rounds", "1", "--threads", "1", "--steps", "4", "--no-verify", "--calibrate"),
    )

    assert 0 == done.code, done.err
    run = session.run()
    assert ("synthetic", "torch-fit-stock") == (run.header.dataset.name, run.header.plan.baseline)
    assert {"torch-fit-stock", "torch-native"} == {trial.cell.loop for trial in run.trials}
    least = run.least_steps[0]
    assert 22e6 * 64 < least.operations < 24e6 * 64  # PyTorch counts 22.8 million a sample, at batch 32
    assert least.step_seconds < run.trials[0].blocks_of(BlockKind.MEASURED)[0].step_seconds
