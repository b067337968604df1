"""Train with Keras' `train_on_batch` on PyTorch: bench run torch-keras torch-fit --loop examples/my_loop.py"""

from itertools import islice

from loops.contract import Loop, Outcome
from loops.data.torch_feed import training_batches, validation_loader


class MyLoop(Loop):
    backend = "torch"

    def prepare(self, job):  # build everything; its time is a number of its own
        workload, one_hot = job.workload, job.training.one_hot
        self.model, optimizer = workload.build_model(seed=job.seed), workload.build_optimizer()
        loss, metric = workload.build_loss(one_hot=one_hot), workload.build_metric(one_hot=one_hot)
        self.model.compile(optimizer=optimizer, loss=loss, metrics=[metric])
        self.batches, self.validation = training_batches(job), validation_loader(job)
        self.loss, self.scores = None, []

    def epochs(self):  # without end
        while True:
            self.scores = []
            yield from self.batches

    def train(self, blocks):  # this is timed: as many steps as each block says, and nothing else
        batches = self.epochs()
        for steps in blocks:
            for x, y in islice(batches, steps):
                self.loss, score = self.model.train_on_batch(x, y)
                self.scores.append(score)

    def evaluate(self):  # the metric over the validation samples
        return self.model.evaluate(self.validation, verbose=0)[1]

    def synchronise(self):
        """Wait for the device; here each step ends with numbers on the host, so there is nothing to wait for."""

    def outcome(self):  # what the steps led to; not timed
        steps, metric = int(self.model.optimizer.iterations), sum(self.scores) / len(self.scores)
        return Outcome(steps=steps, loss=self.loss, metric=metric, weights=self.model.get_weights())
