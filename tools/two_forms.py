"""What does the fit-style form of a workload cost a step, against the class form? Both in one process, in turns.

    python tools/two_forms.py [--pairs N] [--turns N] [--data FILE] [LOOP]...

One model with Adam and one set of arrays, written down in both forms: as a class `Workload`, and as `model()` and
`data()`. Per pair and loop, one process prepares the loop twice, once for each form, and trains both in turns, behind a
run-in each, in an order left to chance: what processes of the same thing differ by is the same for both. Which form is
prepared first changes from pair to pair. A pair says the typical ratio of its turns (Hodges and Lehmann). Prints per
loop, and for all of them, the fit-style form over the class form: the geometric mean over pairs with its 95 % interval.
Nothing else may run on the machine.
"""

import os
import subprocess
import sys
from argparse import SUPPRESS
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import geometric_mean
from tempfile import TemporaryDirectory

from run_in import digits_of, parser_of, piece, ready, warmed_up
from turns import BLOCK_SECONDS

from bench.analysis import intervals
from bench.runs import inputs
from bench.runs.options import RUN_IN_SECONDS, Options
from bench.units import Seconds
from bench.worker.stopwatch import Stopwatch
from loops import registry
from loops.contract import Loop

LOOPS = ("tf-function", "torch-native", "jax-jit")
FORMS = ("as_class", "as_fit")
SHARED = '''"""A classifier of ten classes, and random arrays."""

import numpy as np


def arrays(count):
    """Return inputs and targets."""
    random = np.random.default_rng(count)
    return random.random((count, 784), dtype=np.float32), random.integers(0, 10, count)


def network():
    """Return the model, not compiled."""
    import keras

    hidden = [keras.layers.Dense(256, activation="relu") for _ in range(2)]
    return keras.Sequential([keras.Input((784,)), *hidden, keras.layers.Dense(10)])


'''
AS_CLASS = '''
from loops.contract import Samples, Workload
from loops.workloads.initial_weights import start_alike


class AsClass(Workload):
    """The form with a name for everything."""

    metric_name = "accuracy"
    batch_size = 32
    optimizer = "Adam"
    learning_rate = 1e-3
    torch_loss = "CrossEntropyLoss"

    def samples(self, digits, *, track, backend, seed):
        """Return the arrays."""
        return tuple(Samples(inputs=x, targets=y) for x, y in (arrays(20_000), arrays(2_000)))

    def build_model(self, *, seed):
        """Return the model."""
        return start_alike(network(), seed=seed)

    def build_loss(self, *, one_hot):
        """Return the loss."""
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def build_metric(self, *, one_hot):
        """Return a new metric."""
        import keras

        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
'''
AS_FIT = '''
def model():
    """Return the model, compiled."""
    import keras

    found = network()
    found.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    return found


def data():
    """Return the arrays."""
    return arrays(20_000), arrays(2_000)
'''


def prepared(folder: Path, *, loops: list[str]) -> dict[str, tuple[str, str]]:
    """Write both forms and prepare them as a run does; return form -> workload and the folder that it lies in."""
    found = {}
    for form, source in zip(FORMS, (AS_CLASS, AS_FIT), strict=True):
        file = folder / f"{form}.py"
        file.write_text(SHARED + source)
        name = registry.named("workload", str(file))
        options = Options(loops=tuple(loops), workloads=(name,), cache=folder / "cache")
        (one,) = inputs.prepare(options, inventories={}, environment=os.environ)
        found[form] = name, str(options.cache / one.folder)
    return found


def train_both(name: str, *, digits: str, forms: dict[str, tuple[str, str]], count: int, order: Random) -> None:
    """Be the process of a loop: train both forms in turns, and print the second one's step time over the first's."""
    loops = [ready(name, digits=digits, workload=workload, prepared=folder) for workload, folder in forms.values()]
    sizes = [sized(loop) for loop in loops]
    ratios = []
    for _ in range(count):
        taken = {place: a_turn(loops[place], steps=sizes[place]) for place in order.sample((0, 1), 2)}
        ratios.append(taken[1] / taken[0])
    print(intervals.signed_rank_interval(ratios).estimate, flush=True)
    os._exit(0)


def sized(loop: Loop) -> int:
    """Warm a loop up and return how many of its steps a block is."""
    found: list[int] = []

    def until_warm() -> Iterator[int]:
        found.append((yield from warmed_up(loop, stopwatch=Stopwatch(loop.synchronise), seconds=BLOCK_SECONDS)))

    loop.train(until_warm())
    return found[0]


def a_turn(loop: Loop, *, steps: int) -> Seconds:
    """Train a run-in and a block, and return the seconds of a step of the block."""
    stopwatch, blocks = Stopwatch(loop.synchronise), []
    before = max(1, round(steps * RUN_IN_SECONDS / BLOCK_SECONDS / loop.steps_per_call)) * loop.steps_per_call

    def turn() -> Iterator[int]:
        yield before
        blocks.append((yield from piece(steps, stopwatch=stopwatch)))

    loop.train(turn())
    return blocks[0].step_seconds


def ratio_of_a_pair(loop: str, *, digits: str, forms: dict[str, tuple[str, str]], count: int, first: str) -> float:
    """Return the typical ratio of a step in the fit-style form to one in the class form, of one fresh process."""
    second = next(form for form in FORMS if form != first)
    words = ["--train", loop, "--digits", digits, "--turns", str(count)]
    for form in (first, second):
        words += ["--form", *forms[form]]
    backend = registry.describe_loop(loop).backend or ""
    done = subprocess.run(
        [sys.executable, __file__, *words],
        env=os.environ | {"KERAS_BACKEND": backend},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    ratio = float(done.stdout)  # of the second one to the first
    return ratio if first == FORMS[0] else 1.0 / ratio


def told(ratios: list[float]) -> str:
    """Return "1.004 (0.995 to 1.013)"."""
    found = intervals.geometric_mean_interval(ratios)
    if found.low is None:
        return f"{found.estimate:.3f}"
    return f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})"


def main() -> None:
    """Measure the loops and print one line each."""
    parser = parser_of(__doc__, loops=LOOPS, turns=60)
    parser.add_argument("--pairs", type=int, default=10, help="of loops in one process, per loop")
    parser.add_argument("--form", nargs=2, metavar=("WORKLOAD", "FOLDER"), action="append", help=SUPPRESS)
    arguments = parser.parse_args()
    order = Random(0)  # noqa: S311 - not for secrets
    if arguments.train:
        forms = {workload: (workload, folder) for workload, folder in arguments.form}
        train_both(arguments.train, digits=arguments.digits, forms=forms, count=arguments.turns, order=order)
    loops = list(arguments.loops)
    digits = digits_of(arguments)
    found: dict[str, list[float]] = {loop: [] for loop in loops}
    with TemporaryDirectory(prefix="bench-two-forms-") as name:
        forms = prepared(Path(name), loops=loops)
        for pair in range(arguments.pairs):
            for loop in loops:
                print(f"\rpair {pair + 1} of {arguments.pairs}: {loop:<20}", end="", file=sys.stderr, flush=True)
                first = FORMS[pair % 2]
                ratio = ratio_of_a_pair(loop, digits=digits, forms=forms, count=arguments.turns, first=first)
                found[loop].append(ratio)
    print(file=sys.stderr)
    for loop, ratios in found.items():
        print(f"{loop:<15}{told(ratios)}")
    together = [geometric_mean(of_pair) for of_pair in zip(*found.values(), strict=True)]
    print(f"{'all together':<15}{told(together)}")


if __name__ == "__main__":
    main()
