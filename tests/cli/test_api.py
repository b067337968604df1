"""`bench.run` and its like in a program of their own: real processes, toy loops."""

import signal
import subprocess
import sys

import pytest

from bench import api

RUN = """
import signal, sys, threading
import bench

before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
result = bench.run({loops!r}, **{options!r})
assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
assert not {{"tensorflow", "torch", "jax", "keras"}} & set(sys.modules)
assert 1 == threading.active_count()
"""


def program(session, code):
    """Run a program to its end."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=session.folder,
        env=session.environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def run(session, loops, then, **options):
    """Measure loops in a program, and go on with what it does with the result."""
    return program(session, RUN.format(loops=loops, options=options) + then)


def test_a_program_measures_and_has_the_numbers(session):
    """One that fails is a row and a warning; the run is stored as any, with the line that measures it again."""
    done = run(
        session,
        ["toy", "raises-in-training"],
        "verdict = result.verdict('toy', 'raises-in-training').verdict\n"
        "print(result.table['step_seconds'].count(), *result.failed, verdict)",
        name="from a program",
    )

    assert (0, "1 raises-in-training failed") == (done.returncode, done.stdout.strip()), done.stderr
    assert "warning: 1 of 2 measurements failed: raises-in-training" in done.stderr
    stored = session.run()
    assert "bench run --name 'from a program' toy raises-in-training" == stored.header.command
    assert stored.header.run_id == api.load(results_dir=session.folder / "results").name
    assert not (session.folder / "reports").exists()


def test_ctrl_c_keeps_what_has_finished_and_raises_keyboard_interrupt(session, wait_for, workers):
    """The program goes on if it wants to, and its own handlers are back."""
    code = RUN.partition("result = ")[0] + (
        "try:\n"
        "    bench.run(['toy', 'never-returns'], schedule='sequential', rounds=1)\n"
        "except KeyboardInterrupt as interrupt:\n"
        "    print(interrupt)\n"
        "assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]\n"
        "print(len(bench.load().run.trials))\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=session.folder,
        env=session.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: list(session.folder.glob("results/*/logs/*never-returns*")))
    wait_for(lambda: workers(running.pid))
    running.send_signal(signal.SIGINT)

    out, err = running.communicate(timeout=60)

    assert 0 == running.returncode, err
    assert "go on with: bench run --resume" in out


@pytest.mark.slow
def test_two_environments_are_compared(session):
    """As `bench ab` does; sides are called A and B."""
    code = (
        "import bench\n"
        "result = bench.ab('here', 'env=TOY_RATE=1', 'toy-tuned')\n"
        "print(result.verdict('A', 'B').new)\n"
        "print(bench.load_history().table['loop'].tolist())\n"
    )

    done = program(session, code)

    assert 0 == done.returncode, done.stderr
    assert "toy-tuned [B]" in done.stdout


NOTEBOOK_MODEL = """
import numpy as np, keras
from keras import ops

class Scale(keras.layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer=ones)
    def call(self, inputs):
        return half(inputs) * self.factor

def ones(shape, dtype=None):
    return ops.ones(shape, dtype=dtype)

def half(inputs):
    return inputs * 0.5

class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.scale, self.dense = Scale(), keras.layers.Dense(1)
    def call(self, inputs):
        return self.dense(self.scale(inputs))

model = Net()
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss=lambda y, p: ops.mean(ops.square(y - p)), metrics=["mae"])
x = np.random.default_rng(0).normal(size=(640, 4))
y = x.sum(axis=1, keepdims=True)
before = [np.array(weight) for weight in model.get_weights()]

import bench
options = dict(rounds=1, steps=5, verify=False)
result = bench.measure(model, x, y, validation_data=(x[:64], y[:64]), batch_size=16, **options, loops=LOOPS)
assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
print(*result.failed, result.table["step_seconds"].count(), result.settings[0])
"""


@pytest.mark.slow
def test_a_model_in_memory_is_measured_under_every_framework(session):
    """With classes and functions of the program itself, which no other process can import; it stays as it was."""
    loops = ["torch-fit-stock", "torch-keras", "tf-function", "jax-jit"]
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK_MODEL.replace("LOOPS", repr(loops))],
        cwd=session.folder,
        env=session.environment | {"KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert done.stdout.strip().startswith("4 "), done.stdout + done.stderr
    assert "batch 16" in done.stdout
