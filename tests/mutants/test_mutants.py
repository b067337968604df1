"""Loops with a mistake planted in them, one at a time: verification has to refuse each, and to pass the loop itself.

A mutant is a copy of a loop's source with one text replaced. It is installed as another package's loop would be and
verified in real processes. To refuse it, a number has to differ from the reference; one that crashes shows nothing.
Five of them, of four frameworks and of different kinds, are planted whenever the tests run; all of them with `-m slow`.
"""

import ast
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.records.verification import Verification
from bench.sides.launcher import Launcher
from bench.verify.pool import Request, verify
from loops import registry
from loops.data import mnist
from loops.data.mnist import DatasetChoice

PATIENCE = 120.0
"""Seconds for one workload; a check takes a few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One mistake in a copy of a loop."""

    mistake: str
    """In plain words; names the test as well."""
    loop: str
    """Which is copied."""
    workload: str
    """On which the mistake has to show."""
    old: str
    """Text of the loop's source that is replaced."""
    new: str
    times: int = 1
    """How often the old text occurs."""

    @property
    def module(self) -> str:
        """Name of the copy's module: the mistake's letters and digits."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.mistake).split()
        return "_".join(["mutant", *words, "in", *self.loop.split("-")])

    @property
    def name(self) -> str:
        """Name that the copy is registered under."""
        return self.module.replace("_", "-")


MUTANTS = (
    Mutant(
        mistake="first batch again and again",
        loop="numpy-cpp",
        workload="mnist-mlp",
        old="self.train_steps(first * self.batch_size, count)",
        new="self.train_steps(0, count)",
    ),
    Mutant(
        mistake="sample weights ignored by the kernels",
        loop="numpy-cpp",
        workload="mnist-mlp-weighted",
        old="self.sample_weights[sample:]\n",
        new="np.ones_like(self.sample_weights[sample:])\n",
    ),
    Mutant(
        mistake="bias correction of the first step in every call",
        loop="numpy-cpp",
        workload="mnist-mlp",
        old="count, self.steps, self.learning_rate",
        new="count, 0, self.learning_rate",
    ),
    Mutant(
        mistake="learning rate a tenth too high",
        loop="tf-eager",
        workload="mnist-mlp",
        old="workload.build_optimizer()",
        new="keras.optimizers.Adam(learning_rate=1.1 * workload.learning_rate)",
    ),
    Mutant(
        mistake="every tenth step skipped but counted",
        loop="tf-eager",
        workload="mnist-mlp",
        old="        self.optimizer.apply(gradients, self.model.trainable_weights)\n",
        new="""\
        if self.optimizer.iterations % 10 == 9:
            self.optimizer.iterations.assign_add(1)
        else:
            self.optimizer.apply(gradients, self.model.trainable_weights)
""",
    ),
    Mutant(
        mistake="first layer behind stop_gradient",
        loop="tf-eager",
        workload="mnist-mlp",
        old="            logits = self.model(x, training=True)\n",
        new="""\
            _, mirror, first, *layers = self.model.layers
            logits = tf.stop_gradient(first(mirror(x, training=True)))
            for layer in layers:
                logits = layer(logits)
""",
    ),
    Mutant(
        mistake="training metric without sample weights",
        loop="tf-eager",
        workload="mnist-mlp-weighted",
        old="self.training_metric.update_state(y, logits, sample_weight=weight)",
        new="self.training_metric.update_state(y, logits)",
    ),
    Mutant(
        mistake="training metric after the update instead of before",
        loop="tf-eager",
        workload="mnist-mlp",
        old="self.training_metric.update_state(y, logits, sample_weight=weight)",
        new="self.training_metric.update_state(y, self.model(x, training=True), sample_weight=weight)",
    ),
    Mutant(
        mistake="one batch trained over and over until the block ends",
        loop="tf-eager",
        workload="mnist-mlp",
        old="for batch in islice(batches, steps):",
        new="for batch in list(islice(batches, 1)) * steps:",
    ),
    Mutant(
        mistake="last batch of validation dropped",
        loop="tf-eager",
        workload="mnist-mlp",
        old="for batch in self.validation_batches:",
        new="for batch in list(self.validation_batches)[:-1]:",
    ),
    Mutant(
        mistake="epsilon of torch in Keras' Adam",
        loop="tf-function",
        workload="mnist-mlp",
        old="workload.build_optimizer()",
        new="keras.optimizers.Adam(learning_rate=workload.learning_rate, epsilon=1e-8)",
    ),
    Mutant(
        mistake="last batch of an epoch dropped",
        loop="tf-function",
        workload="mnist-mlp",
        old="yield from self.training_batches",
        new="yield from self.training_batches[:-1]",
    ),
    Mutant(
        mistake="tracked losses ignored",
        loop="tf-function",
        workload="mnist-mlp-add-loss",
        old="loss += sum(self.model.losses)",
        new="pass",
    ),
    Mutant(
        mistake="training metric never reset",
        loop="tf-function",
        workload="mnist-mlp",
        old="            self.training_metric.reset_state()\n",
        new="",
    ),
    Mutant(
        mistake="gradient of the summed loss while the mean is reported",
        loop="tf-function",
        workload="mnist-mlp",
        old="tape.gradient(scaled, self.model.trainable_weights)",
        new="[32.0 * gradient for gradient in tape.gradient(scaled, self.model.trainable_weights)]",
    ),
    Mutant(
        mistake="AMSGrad in place of Adam",
        loop="tf-function",
        workload="mnist-mlp",
        old="workload.build_optimizer()",
        new="keras.optimizers.Adam(learning_rate=workload.learning_rate, amsgrad=True)",
    ),
    Mutant(
        mistake="gradients clipped",
        loop="tf-function",
        workload="mnist-mlp",
        old="workload.build_optimizer()",
        new="keras.optimizers.Adam(learning_rate=workload.learning_rate, global_clipnorm=1.0)",
    ),
    Mutant(
        mistake="half precision",
        loop="tf-function",
        workload="mnist-mlp",
        old="        workload = job.workload\n",
        new='        workload = job.workload\n        keras.config.set_dtype_policy("mixed_bfloat16")\n',
    ),
    Mutant(
        mistake="sample weights ignored in the loss",
        loop="tf-fit",
        workload="mnist-mlp-weighted",
        old="""\
            # adds the losses that layers track
            loss = self.compute_loss(x=x, y=y, y_pred=predictions, sample_weight=weight)
""",
        new="            loss = self.compute_loss(x=x, y=y, y_pred=predictions)\n",
    ),
    Mutant(
        mistake="evaluation in training mode",
        loop="tf-fit",
        workload="mnist-mlp",
        old="predictions = self(x, training=False)",
        new="predictions = self(x, training=True)",
    ),
    Mutant(
        mistake="zero_grad missing",
        loop="torch-native",
        workload="mnist-mlp",
        old="                self.model.zero_grad()\n",
        new="",
    ),
    Mutant(
        mistake="loss summed instead of averaged",
        loop="torch-native",
        workload="mnist-mlp",
        old="workload.build_torch_loss(weighted=job.training.weights is not None)",
        new='torch.nn.CrossEntropyLoss(reduction="sum")',
    ),
    Mutant(
        mistake="every tenth step skipped and counted by the block",
        loop="torch-native",
        workload="mnist-mlp-sgd",
        old="                self.optimizer.step()\n",
        new="""\
                self.skipped = (getattr(self, "skipped", 0) + 1) % 10
                if self.skipped:
                    self.optimizer.step()
""",
    ),
    Mutant(
        mistake="optimizer state reset each epoch",
        loop="torch-native",
        workload="mnist-mlp",
        old="            self.training_metric.reset_state()\n",
        new="            self.training_metric.reset_state()\n            self.optimizer.state.clear()\n",
    ),
    Mutant(
        mistake="weighted loss divided by the sum of the weights",
        loop="torch-native",
        workload="mnist-mlp-weighted",
        old="loss = self.loss_function(outputs, y, *weight)",
        new="loss = self.loss_function(outputs, y, *weight) * len(y) / weight[0].sum()",
    ),
    Mutant(
        mistake="weight decay of AdamW",
        loop="torch-native",
        workload="mnist-mlp",
        old="workload.build_torch_optimizer(self.model.parameters())",
        new="torch.optim.AdamW(self.model.parameters(), lr=workload.learning_rate)",
    ),
    Mutant(
        mistake="targets broadcast against predictions",
        loop="torch-native",
        workload="regression",
        old="loss = self.loss_function(outputs, y, *weight)",
        new="loss = self.loss_function(outputs, y.squeeze(1))",
    ),
    Mutant(
        mistake="Adam of torch under the name of Keras'",
        loop="torch-native",
        workload="mnist-mlp",
        old='adam: ClassVar[str] = "torch-adam"',
        new='adam: ClassVar[str] = "keras-adam"',
    ),
    Mutant(
        mistake="softmax applied twice",
        loop="torch-keras",
        workload="mnist-mlp",
        old="logits = self.model(x, training=True)",
        new="logits = torch.softmax(self.model(x, training=True), dim=1)",
    ),
    Mutant(
        mistake="labels shifted by one batch",
        loop="torch-keras",
        workload="mnist-mlp",
        old="            for batch in self.training_batches:\n",
        new="""\
            batches = list(self.training_batches)
            for (x, _), (_, y) in zip(batches, batches[1:] + batches[:1], strict=True):
                batch = (x, y)
""",
    ),
    Mutant(
        mistake="half of the loss detached",
        loop="torch-keras",
        workload="mnist-mlp",
        old="loss = self.loss_function(y, logits, sample_weight=sample_weight)",
        new="loss = self.loss_function(y, (logits + logits.detach()) / 2, sample_weight=sample_weight)",
    ),
    Mutant(
        mistake="tracked losses detached",
        loop="torch-keras",
        workload="mnist-mlp-add-loss",
        old="sum(self.model.losses)",
        new="sum(tracked.detach() for tracked in self.model.losses)",
    ),
    Mutant(
        mistake="training step in inference mode",
        loop="torch-keras",
        workload="mnist-mlp",
        old="logits = self.model(x, training=True)",
        new="logits = self.model(x, training=False)",
    ),
    Mutant(
        mistake="last step of each call skipped",
        loop="jax-scan",
        workload="mnist-mlp",
        old="jax.lax.scan(self.train_step, state, stack)",
        new="jax.lax.scan(self.train_step, state, tuple(array[:-1] for array in stack))",
    ),
    Mutant(
        mistake="last call of an epoch skipped",
        loop="jax-scan",
        workload="mnist-mlp",
        old="yield from self.training_stacks",
        new="yield from self.training_stacks[:-1]",
    ),
    Mutant(
        mistake="state that the optimizer returns thrown away",
        loop="jax-jit",
        workload="mnist-mlp",
        old="trainable, optimizer = self.optimizer.stateless_apply(",
        new="trainable, _ = self.optimizer.stateless_apply(",
    ),
    Mutant(
        mistake="loss reported twice as large",
        loop="jax-fit",
        workload="mnist-mlp",
        old="metric.update_state(loss)",
        new="metric.update_state(2.0 * loss)",
    ),
    Mutant(
        mistake="every call begins at the first batch",
        loop="tf-epoch-xla",
        workload="mnist-mlp",
        old="array[step], self.batches",
        new="array[step - first], self.batches",
    ),
    Mutant(
        mistake="metric carried into the next epoch",
        loop="tf-function-epoch",
        workload="mnist-mlp",
        old="                    self.training_metric.reset_state()\n",
        new="                    pass\n",
    ),
    Mutant(
        mistake="rectifier that passes every gradient",
        loop="numpy",
        workload="mnist-mlp",
        old="gradient *= activations[layer] > 0.0",
        new="gradient *= activations[layer] >= 0.0",
    ),
    Mutant(
        mistake="epsilon inside the bias correction",
        loop="numpy",
        workload="mnist-mlp",
        old="+ EPSILON)",
        new="+ EPSILON * (1.0 - BETA_2**self.steps) ** 0.5)",
    ),
    Mutant(
        mistake="tracked loss averaged instead of summed",
        loop="torch-plain",
        workload="mnist-mlp-add-loss",
        old="hidden.sum()",
        new="hidden.mean()",
    ),
    Mutant(
        mistake="gradients left from the step before",
        loop="torch-compile",
        workload="mnist-mlp",
        old="parameter.grad = gradient",
        new="parameter.grad = gradient if parameter.grad is None else parameter.grad",
    ),
)

DCGAN_MUTANTS = (
    Mutant(
        mistake="one learning rate for both models",
        loop="tf-function",
        workload="mnist-dcgan",
        old="workload.build_generator_optimizer()",
        new="workload.build_optimizer()",
    ),
    Mutant(
        mistake="labels of real and generated images exchanged",
        loop="tf-function",
        workload="mnist-dcgan",
        old="tf.concat([labels[:, :1], labels[:, 1:]], axis=0)",
        new="tf.concat([labels[:, 1:], labels[:, :1]], axis=0)",
    ),
    Mutant(
        mistake="no noise on the labels",
        loop="tf-function",
        workload="mnist-dcgan",
        old="tf.concat([labels[:, :1], labels[:, 1:]], axis=0)",
        new="tf.concat([tf.ones_like(labels[:, :1]), tf.zeros_like(labels[:, 1:])], axis=0)",
    ),
    Mutant(
        mistake="generator trained on the latents of the discriminator's images",
        loop="tf-fit",
        workload="mnist-dcgan",
        old="self.generator(latents[:, 1], training=True)",
        new="self.generator(latents[:, 0], training=True)",
    ),
    Mutant(
        mistake="generator judged by the discriminator before its update",
        loop="torch-native",
        workload="mnist-dcgan",
        old="                self.discriminator_optimizer.step()\n",
        new="",
    ),
    Mutant(
        mistake="zero_grad of the discriminator missing",
        loop="torch-native",
        workload="mnist-dcgan",
        old="                self.discriminator_optimizer.zero_grad()\n",
        new="",
    ),
    Mutant(
        mistake="honest labels for the generator",
        loop="torch-native",
        workload="mnist-dcgan",
        old="generator_loss = self.loss_function(logits, torch.zeros_like(logits))",
        new="generator_loss = self.loss_function(logits, torch.ones_like(logits))",
    ),
)

MUTANTS += DCGAN_MUTANTS

QUICK_MISTAKES = (
    "rectifier that passes every gradient",
    "training metric after the update instead of before",
    "every tenth step skipped and counted by the block",
    "training step in inference mode",
    "state that the optimizer returns thrown away",
)
"""A wrong gradient, metric, number of steps and mode, and an optimizer that forgets."""
QUICK = tuple(mutant for mutant in MUTANTS if mutant.mistake in QUICK_MISTAKES)
LOOPS = tuple(dict.fromkeys(mutant.loop for mutant in MUTANTS))


def target(mutant: Mutant) -> tuple[str, str]:
    """Return module and class of the loop that the mistake is planted in."""
    module, _, name = registry.describe_loop(mutant.loop, workload=mutant.workload).target.partition(":")
    return module, name


def mutate(mutant: Mutant) -> str:
    """Return the source of the loop with the mistake in it.

    The old text has to occur as often as stated: a loop that was rewritten needs its mutants rewritten.
    """
    module, _ = target(mutant)
    specification = find_spec(module)
    source = Path(specification.origin).read_text()
    found = source.count(mutant.old)
    assert mutant.times == found, f"'{mutant.mistake}': {specification.origin} has {found} times {mutant.old!r}"
    mutated = source.replace(mutant.old, mutant.new)
    ast.parse(mutated)
    return mutated


def install(mutants: tuple[Mutant, ...], *, folder: Path) -> None:
    """Write what `pip` would have installed of a package with these loops."""
    points: dict[str, list[str]] = {"bench.loops": [], "bench.adversarial_loops": []}
    for mutant in mutants:
        (folder / f"{mutant.module}.py").write_text(mutate(mutant))
        group = "bench.adversarial_loops" if mutant in DCGAN_MUTANTS else "bench.loops"
        points[group].append(f"{mutant.name} = {mutant.module}:{target(mutant)[1]}")
    information = folder / "mutants-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mutants\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "\n".join(line for group, entries in points.items() for line in (f"[{group}]", *entries, ""))
    )


@pytest.fixture(scope="module")
def plugin(tmp_path_factory) -> Iterator[Path]:
    """Return the folder of a package with all mutants, which this process can find as long as the tests run."""
    folder = tmp_path_factory.mktemp("plugin")
    install(MUTANTS, folder=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        registry.look_again()
        yield folder
    registry.look_again()


@pytest.fixture(scope="module")
def check(plugin, tmp_path_factory) -> Callable[[Mapping[str, Iterable[str]]], Mapping[tuple[str, str], Verification]]:
    """Return a function from workloads by loop to what verification says of each pair."""
    file = os.environ.get("BENCH_DATA")
    digits = mnist.resolve(
        DatasetChoice.MNIST if file else DatasetChoice.SYNTHETIC,
        file=Path(file) if file else None,
        cache=tmp_path_factory.mktemp("cache"),
    )
    path = os.pathsep.join(part for part in (str(plugin), os.environ.get("PYTHONPATH")) if part)

    def check(workloads):
        with Launcher(interpreters={}, environment=os.environ | {"PYTHONPATH": path}) as launcher:
            found = verify(
                [Request(loop=loop, workloads=tuple(dict.fromkeys(names))) for loop, names in workloads.items()],
                digits=digits.folder,
                device="cpu",
                launcher=launcher,
                logs=tmp_path_factory.mktemp("logs"),
                timeout=PATIENCE,
                tell=lambda verification: None,
            )
        return {(verification.loop, verification.workload): verification for verification in found}

    return check


@pytest.fixture(scope="module")
def quick_verifications(check) -> Mapping[tuple[str, str], Verification]:
    """Return what verification says of the few mutants that every run of the tests plants."""
    return check({mutant.name: [mutant.workload] for mutant in QUICK})


@pytest.fixture(scope="module")
def verifications(check) -> Mapping[tuple[str, str], Verification]:
    """Return what verification says of each loop and each mutant."""
    workloads: dict[str, list[str]] = {}
    for mutant in MUTANTS:
        workloads[mutant.name] = [mutant.workload]
        workloads.setdefault(mutant.loop, []).append(mutant.workload)
    return check(workloads)


@pytest.mark.parametrize("mutant", QUICK, ids=lambda mutant: f"{mutant.mistake} in {mutant.loop}")
def test_a_mutant_of_each_kind_is_refused(mutant, quick_verifications):
    """That the reference can tell is shown each time, and not only when somebody has the patience."""
    verification = quick_verifications[mutant.name, mutant.workload]

    assert verification.problem is None
    assert not verification.passed


def test_the_quick_mutants_are_five():
    """A mistake that was renamed is not left out in silence."""
    assert sorted(QUICK_MISTAKES) == sorted(mutant.mistake for mutant in QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.mistake} in {mutant.loop}")
def test_a_mutant_is_refused_for_what_it_computes(mutant, verifications, record_property):
    """The mistake is seen as a number that differs from the reference."""
    verification = verifications[mutant.name, mutant.workload]

    record_property("mistake", mutant.mistake)
    record_property("loop", mutant.loop)
    record_property("workload", mutant.workload)
    record_property("caught by", verification.reason or "nothing")
    assert verification.problem is None
    assert not verification.passed


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS)
def test_the_loop_without_a_mistake_passes(loop, verifications):
    """What refuses the mutants is their mistakes: the loops pass on the same workloads."""
    for mutant in MUTANTS:
        if mutant.loop == loop:
            verification = verifications[loop, mutant.workload]
            assert verification.passed, verification.reason
