"""How long does an epoch's end wait for tf.data's tuning? Epochs with and without it, in fresh processes.

    python tools/epoch_ends.py [--epochs N] [--rounds N]

The guides' pipeline (`from_tensor_slices`, `shuffle(1024)`, `batch(32)`) over 50,000 random samples, as it is and with
`options.autotune.enabled = False`. Trained by plain `fit()`, and gone through without any training. Per round a fresh
process each, in an order left to chance. Prints seconds per epoch, first one left out, how much of that lay between the
last batch of one epoch and the first of the next, and how many times as long an epoch with tuning takes, with its 95 %
interval over rounds. Nothing else may run on the machine.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from itertools import pairwise, product
from random import Random
from statistics import fmean
from time import perf_counter

from two_forms import told

SAMPLES = 50_000
TRAINED = {"fit()": True, "iterated only": False}
TUNED = {"as it is": True, "without tuning": False}


def measure(*, trained: bool, tuned: bool, epochs: int) -> tuple[float, float]:
    """Return seconds per epoch, and how many of them lie between batches of different epochs."""
    import keras
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    x, y = random.random((SAMPLES, 784), dtype=np.float32), random.integers(0, 10, SAMPLES)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(1024).batch(32, drop_remainder=True)
    options = tf.data.Options()
    options.autotune.enabled = tuned
    dataset = dataset.with_options(options)
    begun: list[float] = []
    ended: list[float] = []

    class Clock(keras.callbacks.Callback):
        """Notes when the first batch of each epoch begins and when its last one is done."""

        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            if batch == 0:
                begun.append(perf_counter())

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            ended.append(perf_counter())

    if trained:
        model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(dataset, epochs=epochs, verbose=0, callbacks=[Clock()])
    else:
        for _ in range(epochs):
            for number, _batch in enumerate(dataset):  # its iterator is gone when the loop is left
                now = perf_counter()
                if number == 0:
                    begun.append(now)
            ended.append(now)
    whole = fmean(after - before for before, after in pairwise(begun[1:]))
    return whole, fmean(after - before for before, after in zip(ended[1:], begun[2:], strict=False))


def main() -> None:
    """Measure and print one line per way."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", nargs=2, help="be one of these processes")
    arguments = parser.parse_args()
    if arguments.one:
        trained, tuned = TRAINED[arguments.one[0]], TUNED[arguments.one[1]]
        print(json.dumps(measure(trained=trained, tuned=tuned, epochs=arguments.epochs)))
        return
    order, ways = Random(0), list(product(TRAINED, TUNED))  # noqa: S311 - not for secrets
    found: dict[tuple[str, str], list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(arguments.rounds):
        for way in order.sample(ways, len(ways)):
            command = [sys.executable, __file__, "--epochs", str(arguments.epochs), "--one", *way]
            environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            found[way].append(tuple(json.loads(done.stdout.splitlines()[-1])))
    print(f"{'':<32}{'s per epoch':>12}{'between':>10}")
    for (trained, tuned), seconds in found.items():
        whole, between = map(fmean, zip(*seconds, strict=True))
        print(f"{trained:<15}{tuned:<17}{whole:>12.2f}{between:>10.2f}")
    for trained in TRAINED:
        pairs = zip(*(found[trained, tuned] for tuned in TUNED), strict=True)
        print(f"{trained:<15}with tuning / without: {told([ours[0] / theirs[0] for ours, theirs in pairs])}")


if __name__ == "__main__":
    main()
