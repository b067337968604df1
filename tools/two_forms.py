"""What does the fit-style form of a workload cost a step, against the class form? Pairs of blocks of two processes.

    python tools/two_forms.py [--pairs N] [--turns N] [--data FILE] [LOOP]...

One model with Adam and one set of arrays, written down in both forms: as a class `Workload`, and as `model()` and
`data()`. Per pair and loop, a process trains each form; both are alive at once and take turns block by block, behind a
run-in each, in an order left to chance, so that the machine is as fast for one as for the other. A pair says the
typical ratio of its turns (Hodges and Lehmann). Prints per loop, and for all of them, the fit-style form over the class
form: the geometric mean over pairs with its 95 % interval, which knows what processes of the same thing differ by.
Nothing else may run on the machine.
"""

import os
import sys
from pathlib import Path
from random import Random
from statistics import geometric_mean
from tempfile import TemporaryDirectory

import turns
from run_in import digits_of, parser_of, ready, start

from bench.analysis import intervals
from bench.runs import inputs
from bench.runs.options import RUN_IN_SECONDS, Options
from loops import registry

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


def ratio_of_a_pair(loop: str, *, digits: str, forms: dict[str, tuple[str, str]], count: int, order: Random) -> float:
    """Return the typical ratio of a step in the fit-style form to one in the class form, of two fresh processes."""
    processes = {
        form: start(loop, "--form", *forms[form], digits=digits, script=__file__)
        for form in order.sample(FORMS, len(FORMS))
    }
    steps: dict[str, list[float]] = {form: [] for form in FORMS}
    for _ in range(count):
        for form in order.sample(FORMS, len(FORMS)):
            processes[form].stdin.write(f"{RUN_IN_SECONDS}\n")
            processes[form].stdin.flush()
            steps[form].append(float(processes[form].stdout.readline()))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return intervals.signed_rank_interval([b / a for a, b in zip(*steps.values(), strict=True)]).estimate


def told(ratios: list[float]) -> str:
    """Return "1.004 (0.995 to 1.013)"."""
    found = intervals.geometric_mean_interval(ratios)
    if found.low is None:
        return f"{found.estimate:.3f}"
    return f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})"


def main() -> None:
    """Measure the loops and print one line each."""
    parser = parser_of(__doc__, loops=LOOPS, turns=60)
    parser.add_argument("--pairs", type=int, default=10, help="of processes, per loop")
    parser.add_argument("--form", nargs=2, metavar=("WORKLOAD", "FOLDER"))
    arguments = parser.parse_args()
    if arguments.train:
        workload, folder = arguments.form
        turns.train_in_turns(ready(arguments.train, digits=arguments.digits, workload=workload, prepared=folder))
        return
    loops, order = list(arguments.loops), Random(0)  # noqa: S311 - not for secrets
    digits = digits_of(arguments)
    found: dict[str, list[float]] = {loop: [] for loop in loops}
    with TemporaryDirectory(prefix="bench-two-forms-") as name:
        forms = prepared(Path(name), loops=loops)
        for pair in range(arguments.pairs):
            for loop in loops:
                print(f"\rpair {pair + 1} of {arguments.pairs}: {loop:<20}", end="", file=sys.stderr, flush=True)
                ratio = ratio_of_a_pair(loop, digits=digits, forms=forms, count=arguments.turns, order=order)
                found[loop].append(ratio)
    print(file=sys.stderr)
    for loop, ratios in found.items():
        print(f"{loop:<15}{told(ratios)}")
    together = [geometric_mean(of_pair) for of_pair in zip(*found.values(), strict=True)]
    print(f"{'all together':<15}{told(together)}")


if __name__ == "__main__":
    main()
