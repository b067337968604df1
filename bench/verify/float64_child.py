"""Holds loops against a model in float64: `python -m bench.verify.float64_child COMMANDS RESULTS`, two descriptors.

One process per workload, under another backend than the loops' wherever one is installed, for one loop after another:
the model is built anew for each.
"""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from bench.verify.fixed_random import fixed_random_numbers
from bench.verify.float64 import REHEARSAL, TORCH_EPSILON, Batch, Training, everything_in_float64
from bench.verify.recording import Recording
from bench.verify.replay import Held, replay
from bench.worker.entry import die_with_parent
from bench.worker.failure import report_failures
from bench.worker.messages import CheckSettings, Replay, Replayed
from bench.worker.runner import import_framework
from bench.worker.wire import Channel


def main() -> None:
    """Import a framework, then answer each request with one message, until the harness ends the process."""
    die_with_parent()
    channel = Channel(commands=int(sys.argv[1]), results=int(sys.argv[2]))
    progress = report_failures(channel)
    settings = channel.receive(CheckSettings)
    progress.phase = "import"
    import_framework(settings.backend, device=settings.device, threads=settings.threads)
    rehearsed = False
    with ExitStack() as stack:
        stack.enter_context(fixed_random_numbers())
        stack.enter_context(everything_in_float64())
        while True:
            request = channel.receive(Replay)
            recording = Recording.read(Path(request.recording))
            model = partial(compiled_model, request.source, seed=settings.seed, prepared=request.prepared)
            if not rehearsed:
                progress.phase = REHEARSAL
                rehearse(model, recording)
                rehearsed = True
            progress.phase = f"{request.source} in float64"
            channel.send(held(model, recording))


def rehearse(model: Callable[..., Any], recording: Recording) -> None:
    """Train one step, to see whether it can be done here.

    Args:
        model: Builds a compiled model.
        recording: Of any loop.

    Raises:
        bench.worker.failure.NotRepeatable: If the model can be held against nothing; otherwise whatever Keras raises.
    """
    training = Training(model(training=recording.training), first=recording.batch(0))
    training.check_kept()
    training.check_repeatable(recording.batch(0))
    training.start_epoch()
    training.step(recording.batch(0), weights=training.model.get_weights())
    training.evaluate(recording.validation_batches(), weights=training.model.get_weights())


def held(model: Callable[..., Any], recording: Recording) -> Replayed:
    """Hold a loop against the float64 training.

    PyTorch's Adam adds an epsilon of its own, unless the loop passes on the one of Keras: whichever is nearer counts.

    Args:
        model: Builds a compiled model.
        recording: What the loop showed.
    """

    def once(torch_epsilon: float | None) -> tuple[Held, Training]:
        training, shaken = (
            Training(model(training=recording.training), first=recording.batch(0), torch_epsilon=torch_epsilon)
            for _ in range(2)
        )
        return replay(recording, training, shaken=shaken), training

    torch_adam = recording.formula == "torch-adam"
    found, training = once(TORCH_EPSILON if torch_adam else None)
    own_epsilon = getattr(training.own_optimizer, "epsilon", None)
    if torch_adam and own_epsilon is not None and not all(gap.passed for gap in found.gaps):
        other, training = once(training.keras_epsilon)
        if sum(gap.passed for gap in other.gaps) > sum(gap.passed for gap in found.gaps):
            found = other
    return Replayed(
        gaps=found.gaps,
        formula="torch-adam"
        if torch_adam and own_epsilon is not None
        else type(training.own_optimizer).__name__.lower(),
        not_finite=found.not_finite,
        traits=training.traits,
    )


def compiled_model(source: str, *, seed: int, training: Batch, prepared: str | None = None) -> Any:
    """Return a compiled model.

    Args:
        source: Name of a workload, or a file: one with a function `model()`, or a saved model.
        seed: Of a workload's initial weights, which are replaced by the loop's.
        training: The samples, by which a workload chooses its loss.
        prepared: Folder with what was prepared of a user's workload, which has compiled its model.
    """
    import keras  # noqa: PLC0415 - the process chose the backend before this runs

    from loops import registry, user_file  # noqa: PLC0415

    keras.utils.clear_session()  # layers are numbered from one again, so that their names are the same for every loop
    if prepared is not None:
        from loops import prepared as brought  # noqa: PLC0415

        return brought.load(source, prepared).build_model(seed=seed)
    suffix = Path(source).suffix
    if suffix == ".keras":
        return keras.saving.load_model(source)
    if suffix == user_file.SUFFIX:
        return user_file.load(source).model()
    workload = registry.load_workload(source)
    model = workload.build_model(seed=seed)
    one_hot = getattr(training.y, "ndim", 0) > 1 and training.y.shape[1] > 1
    model.compile(
        optimizer=workload.build_optimizer(),
        loss=workload.build_loss(one_hot=one_hot),
        weighted_metrics=[workload.build_metric(one_hot=one_hot)],
    )
    return model


if __name__ == "__main__":
    main()
