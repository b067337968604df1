"""Train with Keras' `train_on_batch` on PyTorch: bench run torch-keras torch-fit --loop examples/my_loop.py"""

from itertools import islice

import keras

from loops.contract import Loop, Outcome
from loops.data.torch_feed import training_batches, validation_loader


class MyLoop(Loop):
    backend = "torch"

    def prepare(self, job):  # build everything; its time is a number of its own
        self.model, one_hot = job.workload.build_model(seed=job.seed), job.training.one_hot
        optimizer = getattr(keras.optimizers, job.workload.optimizer)(learning_rate=job.workload.learning_rate)
        loss, metric = job.workload.build_loss(one_hot=one_hot), job.workload.build_metric(one_hot=one_hot)
        self.model.compile(optimizer=optimizer, loss=loss, metrics=[metric])
        self.batches, self.validation = self.epochs(training_batches(job)), validation_loader(job)

    def epochs(self, batches):  # without end
        while True:
            self.scores = []
            yield from batches

    def train(self, blocks):  # this is timed: as many steps as each block says, and nothing else
        for steps in blocks:
            for x, y in islice(self.batches, steps):
                self.loss, score = self.model.train_on_batch(x, y)
                self.scores.append(score)

    def evaluate(self):  # the metric over the validation samples
        return self.model.evaluate(self.validation, verbose=0)[1]

    def synchronise(self):
        """Wait for the device; here each step ends with numbers on the host, so there is nothing to wait for."""

    def outcome(self):  # what the steps led to; not timed
        steps, metric = int(self.model.optimizer.iterations), sum(self.scores) / len(self.scores)
        return Outcome(steps=steps, loss=self.loss, metric=metric, weights=self.model.get_weights())
