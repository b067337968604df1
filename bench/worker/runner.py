"""Runs one request of the harness in a process that `bench.worker.entry` has begun.

The harness leads: it sends a request, then says when to warm up, when to run a block and when to finish, so that only
one process is at work while anything is measured. In between, the process waits in a read and uses no processor.
Here nothing is imported but the standard library, NumPy and, after the request, Keras and one framework.
"""

import importlib
import resource
import sys
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from itertools import pairwise
from math import ceil, isfinite, isnan
from pathlib import Path
from time import perf_counter_ns, process_time_ns, sleep
from typing import Any, final

import numpy as np

from bench.machine import cpus
from bench.records.trial import Block, BlockKind
from bench.units import Seconds
from bench.worker import ablation, origin, profiling
from bench.worker.broken_down import broken_down, is_whole
from bench.worker.digits import load_checked
from bench.worker.failure import NotFinite, report_failures
from bench.worker.messages import (
    Closed,
    Finish,
    Finished,
    Measure,
    Measured,
    Ready,
    TrialRequest,
    Warm,
    Warmed,
)
from bench.worker.sizing import (
    LONGEST_WARM_UP_SECONDS,
    WARM_UP_SECONDS,
    WARM_UP_STEPS,
    blocks_per_turn,
    is_warm,
    measured_blocks,
    run_in_steps,
    steps_per_block,
    steps_within,
)
from bench.worker.stopwatch import CLOCK_TICKS_PER_SECOND, Stopwatch
from bench.worker.trained import has_validation, metric_name, refuse_dtype, workload_of
from bench.worker.wire import Channel
from loops.contract import AdversarialWorkload, Job, Loop, Track, Workload
from loops.errors import BackendMissing, ContractBroken, UnsupportedCell

QUIET_SECONDS, QUIET_SHARE, LONGEST_SPIN_SECONDS = 0.010, 0.1, 0.5
"""A process is quiet when it uses less than a tenth of a processor for ten milliseconds: systems count processor time
by ticks of up to 4 ms. OpenBLAS' threads look for more work for 100 ms before they sleep, OpenMP's for up to 200 ms."""


LONG_EVALUATION_SECONDS: Seconds = 1.5
"""What takes so long is evaluated once: a second time would be a good part of a round."""


@final
class Trial:
    """Runs one request and reports each phase as its own number."""

    def __init__(self, channel: Channel) -> None:
        """Speak over this channel."""
        self.channel = channel
        self.progress = report_failures(channel)
        self.steps = 0
        self.block_steps = 0
        self.run_in_steps = 0
        self.blocks_left = 0
        self.blocks_per_turn = 1
        self.last_block = False
        self.threads: int | None = None

    def run(self) -> None:
        """Do what the harness says, from the request to the farewell."""
        request = self.channel.receive(TrialRequest)
        self.threads = request.threads
        self.progress.phase = "import"
        begin = perf_counter_ns()
        backend = import_framework(request.backend, device=request.device, threads=request.threads)
        if request.track != Track.GUIDE:  # there, frameworks do what their guides leave them at
            backend.forbid_tensor_float_32()
        from loops import registry  # noqa: PLC0415 - only when the shell asks

        loop, workload = registry.load_loop(request.loop, workload=request.workload), workload_of(request)
        refuse_dtype(request.dtype, loop=loop)
        imported = perf_counter_ns()
        self.progress.phase = "build"
        workload = workload if request.width is None else workload.of_width(request.width)
        job, checked = job_of(request, workload=workload)
        loop.prepare(job)
        loop.synchronise()
        built = perf_counter_ns()
        origin.check()
        self.channel.send(
            Ready(
                import_seconds=(imported - begin) / CLOCK_TICKS_PER_SECOND,
                build_seconds=(built - imported - checked) / CLOCK_TICKS_PER_SECOND,
                steps_per_epoch=job.steps_per_epoch,
                device_name=backend.devices()[0] if request.device == "gpu" else "cpu",
                versions=_versions(backend),
            )
        )
        self.channel.receive(Warm)
        if request.cpus:
            cpus.stay_on(request.cpus)
        if request.breakdown or request.profile:
            self._apart(request, loop=loop, workload=workload, backend=backend)
            return
        loop.train(self._blocks(request, loop=loop, backend=backend))
        self._finish(request, loop=loop, workload=workload, backend=backend)

    def _warm_up(self, request: TrialRequest, *, loop: Loop, stopwatch: Stopwatch) -> Generator[int, None, Warmed]:
        """Yield the steps of the first block and of those that warm up; decide on the steps of all that follow.

        Returns:
            What the harness is told of them.
        """
        self.progress.phase = "first-step"
        blocks = [(yield from self._block(BlockKind.FIRST, steps=loop.steps_per_call, stopwatch=stopwatch))]
        first_loss = loop.outcome().loss
        if not isfinite(first_loss):
            raise NotFinite(f"the loss is {first_loss} after {loop.steps_per_call} steps")
        self.progress.phase = "warm-up"
        steps, warm_steps, warm_seconds = loop.steps_per_call, 0, 0.0
        while not is_warm(steps=warm_steps, seconds=warm_seconds):
            block = yield from self._block(BlockKind.WARM_UP, steps=steps, stopwatch=stopwatch)
            blocks.append(block)
            warm_steps += steps
            warm_seconds += block.seconds
            most = steps_within(LONGEST_WARM_UP_SECONDS / 2, block=block, loop=loop)
            left = steps_within(WARM_UP_SECONDS - warm_seconds, block=block, loop=loop) + loop.steps_per_call
            steps_left = ceil((WARM_UP_STEPS - warm_steps) / loop.steps_per_call) * loop.steps_per_call
            steps = min(steps * 2, most, max(left, steps_left))
        # The fastest warm block, not the last: a hiccup in one of them must not size all that follow.
        step_seconds = min(block.step_seconds for block in blocks)
        self.block_steps = steps_per_block(request, step_seconds=step_seconds, steps_per_call=loop.steps_per_call)
        self.run_in_steps = run_in_steps(request, step_seconds=step_seconds, steps_per_call=loop.steps_per_call)
        self.blocks_left = measured_blocks(request, steps=self.block_steps, step_seconds=step_seconds)
        self.blocks_per_turn = blocks_per_turn(request, steps=self.block_steps, step_seconds=step_seconds)
        return Warmed(first_loss=first_loss, blocks=tuple(blocks), turns=ceil(self.blocks_left / self.blocks_per_turn))

    def _blocks(self, request: TrialRequest, *, loop: Loop, backend: Any) -> Iterator[int]:
        """Yield the steps of each block; the loop trains them before it asks for the next one."""
        stopwatch = Stopwatch(loop.synchronise)
        warmed = yield from self._warm_up(request, loop=loop, stopwatch=stopwatch)
        self._rest(stopwatch)
        self.channel.send(warmed)
        self.progress.phase = "measure"
        while isinstance(self.channel.receive(Measure, Finish), Measure):
            blocks = yield from self._turn(stopwatch, compilations=backend.compilations)
            self._rest(stopwatch)
            self.channel.send(Measured(blocks=blocks))
        self.progress.phase = "finish"
        closing = yield from self._block(BlockKind.CLOSING, steps=loop.steps_per_call, stopwatch=stopwatch)
        self.channel.send(Closed(block=closing))
        self.last_block = True

    def _block(self, kind: BlockKind, *, steps: int, stopwatch: Stopwatch) -> Generator[int, None, Block]:
        """Hand one block to the loop and return its times."""
        stopwatch.start()
        yield steps
        self.steps += steps
        stopwatch.lap(kind, steps=steps)
        (block,) = stopwatch.stop()
        return block

    def _turn(
        self, stopwatch: Stopwatch, *, compilations: Callable[[], int]
    ) -> Generator[int, None, tuple[Block, ...]]:
        """Hand a run-in, if there is one, and the blocks behind it to the loop, without a pause; return their times."""
        number = min(self.blocks_per_turn, self.blocks_left)
        self.blocks_left -= number
        parts = [(BlockKind.RUN_IN, self.run_in_steps)] if self.run_in_steps else []
        parts += [(BlockKind.MEASURED, self.block_steps)] * number
        compiled = [compilations()]
        stopwatch.start()
        for kind, steps in parts:
            yield steps
            self.steps += steps
            stopwatch.lap(kind, steps=steps)
            compiled.append(compilations())
        blocks = zip(stopwatch.stop(), pairwise(compiled), strict=True)
        return tuple(replace(block, compilations=after - before) for block, (before, after) in blocks)

    def _finish(self, request: TrialRequest, *, loop: Loop, workload: Workload, backend: Any) -> None:
        """Hold the loop to its word, evaluate, and send what the steps led to."""
        outcome = loop.outcome()
        # In float16, a step whose gradients overflow is skipped, and the loss is scaled down for those that follow.
        skipped = self.steps - outcome.steps if vars(workload).get("skips_steps") else 0
        if not self.last_block or outcome.steps + max(0, skipped) != self.steps:
            raise ContractBroken(f"asked for {self.steps} steps, the loop's optimizer counted {outcome.steps}")
        if not isfinite(outcome.loss):
            raise NotFinite(f"the loss is {outcome.loss} after {self.steps} steps")
        self.progress.phase = "evaluate"
        first, warm, found = evaluate(loop, workload=workload)
        metrics = getattr(outcome, "metrics", {})  # loops of an older commit know only one
        origin.check()  # once more, for what was imported on the way
        self.channel.send(
            Finished(
                steps=self.steps,
                samples=self.steps * request.batch_size,
                last_loss=outcome.loss,
                training_metric=None if isnan(outcome.metric) and not metrics else outcome.metric,
                validation_metric=next(iter(found.values()), None),
                metric_name=metric_name(workload, metrics or found),
                training_metrics=metrics,
                validation_metrics=found,
                first_evaluation_seconds=first,
                evaluation_seconds=warm,
                peak_memory_bytes=_peak_memory_bytes(),
                device_peak_memory_bytes=backend.device_peak_memory_bytes(device=request.device),
                compiled=backend.compiled(),
                tensor_float_32=backend.tensor_float_32() if request.device == "gpu" else None,
                threads=backend.threads() | {"process": _operating_system_threads()},
                cpus=cpus.allowed(),
                images=_drawn(workload, weights=outcome.weights, request=request),
                guests=guests_of(request.backend),
            )
        )

    def _apart(self, request: TrialRequest, *, loop: Loop, workload: Workload, backend: Any) -> None:
        """Warm up, and be broken down or profiled as the harness says; the loop has nothing to prove."""
        ablation.refuse_older_contract()
        warmed, stopwatch, named = list[Warmed](), Stopwatch(loop.synchronise), profiling.NamedParts(backend.annotate)
        if request.profile:  # before a loop looks its step up
            named.name(ablation.places(loop, backward=None, compiled=True))

        def warm_up() -> Iterator[int]:
            warmed.append((yield from self._warm_up(request, loop=loop, stopwatch=stopwatch)))

        loop.train(warm_up())
        self._rest()
        parts = ablation.places(loop, backward=backend.backward(), compiled=is_whole(workload, backend=backend))
        if request.profile:
            self.channel.send(replace(warmed[0], turns=0))
            self.progress.phase = "profile"
            named.name(parts)
            loop.train(
                profiling.blocks(
                    self.channel,
                    block=lambda kind, steps: self._block(kind, steps=steps, stopwatch=stopwatch),
                    backend=backend,
                    parts=named,
                    step_seconds=min(block.step_seconds for block in warmed[0].blocks),
                    steps_per_call=loop.steps_per_call,
                )
            )
            self.channel.send(Closed())
            return
        self.channel.send(replace(warmed[0], turns=ablation.turns(loop, parts=parts)))
        self.progress.phase = "breakdown"
        found = broken_down(loop, parts=parts, steps=self.block_steps, channel=self.channel, rest=self._rest)
        self.channel.receive(Finish)
        self.channel.send(Closed())
        self.channel.send(found)

    def _rest(self, stopwatch: Stopwatch | None = None) -> None:
        """Let the threads go to sleep, where there are any, before another process is measured."""
        if self.threads != 1:
            rest()
        if stopwatch is not None:
            stopwatch.rested()


def evaluate(loop: Loop, *, workload: Any) -> tuple[Seconds | None, Seconds | None, dict[str, float]]:
    """Evaluate cold and warm, and return the seconds of each and the metrics; none without validation.

    What takes long is evaluated once, and its time stands for both: what was compiled is small beside it.
    """
    if not has_validation(workload):
        return None, None, {}
    first, found = _evaluated(loop)
    warm, found = _evaluated(loop) if first < LONG_EVALUATION_SECONDS else (first, found)
    return first, warm, found if isinstance(found, dict) else {workload.metric_name: found}


def _evaluated(loop: Loop) -> tuple[Seconds, float | dict[str, float]]:
    """Evaluate once, and return the seconds and what was found."""
    begin = perf_counter_ns()
    found = loop.evaluate()
    loop.synchronise()
    return (perf_counter_ns() - begin) / CLOCK_TICKS_PER_SECOND, found


def rest() -> None:
    """Wait until the threads of this process are asleep.

    Threads that have done their share of an operation look for the next one for a while, which keeps a processor busy.
    Whoever is measured next would share it with them: a loop of two threads took almost twice as long that way.
    """
    give_up = perf_counter_ns() + LONGEST_SPIN_SECONDS * CLOCK_TICKS_PER_SECOND
    while perf_counter_ns() < give_up:
        used = process_time_ns()
        sleep(QUIET_SECONDS)
        if process_time_ns() - used < QUIET_SHARE * QUIET_SECONDS * CLOCK_TICKS_PER_SECOND:
            return


def import_framework(name: str, *, device: str, threads: int | None) -> Any:
    """Import a framework and Keras, choose device and threads, and return the backend.

    Raises:
        BackendMissing: If the framework or Keras is not installed here.
        DeviceMissing: If the framework does not see the device.
    """
    from bench.worker import frameworks  # noqa: PLC0415 - part of the import that is timed

    reason = frameworks.missing(name)
    if reason:
        raise BackendMissing(reason)
    with frameworks.alone(name):
        backend = frameworks.load(name)
        if "keras" in frameworks.distributions(name):
            importlib.import_module("keras")  # the workload needs it; here, so that it counts as import, not as build
    backend.configure(device=device, threads=threads)
    return backend


def job_of(request: TrialRequest, *, workload: Any) -> tuple[Job, int]:
    """Load the data, and lay out what the loop trains; and say how many nanoseconds it took to check the digits."""
    checked, track, pipeline = 0, Track(request.track), request.track == "pipeline"
    if request.prepared is None:
        digits, checked = load_checked(Path(request.digits))
        training, validation = workload.samples(digits, track=track, backend=request.backend, seed=request.seed)
    else:
        training, validation = workload.fed
    pipelines = workload.pipelines(seed=request.seed) if pipeline else (None, None)
    count = len(training.arrays[0]) if request.prepared is None else training.count
    if request.batch_size > count:
        raise UnsupportedCell(f"batch size {request.batch_size} is above the {count} training samples")
    job = Job(
        workload=workload,
        training=training,
        validation=validation,
        track=track,
        batch_size=request.batch_size,
        device=request.device,
        seed=request.seed,
        **({"pipelines": pipelines} if pipeline else {}),  # loops of an older commit know none
    )
    return job, checked


def _drawn(workload: Workload, *, weights: list[Any], request: TrialRequest) -> str | None:
    """Return images that a trained generator draws, as they are stored, or None where none were asked for."""
    if not (request.images and isinstance(workload, AdversarialWorkload)):
        return None
    images = workload.draw(weights, count=request.images, seed=request.seed)
    return b64encode(images.tobytes()).decode()


def guests_of(backend: str) -> tuple[str, ...]:
    """Return the frameworks that are in this process beside its own, imported by whom ever."""
    from bench.worker import frameworks  # noqa: PLC0415 - part of the import that is timed

    return tuple(sorted(sys.modules.keys() & frameworks.DISTRIBUTIONS.keys() - {backend, "numpy"}))


def _versions(backend: Any) -> dict[str, str]:
    """Return the versions that key a result."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    keras = {"keras": sys.modules["keras"].__version__} if "keras" in sys.modules else {}
    framework: dict[str, str] = backend.versions()
    return {"python": python, "numpy": np.__version__} | keras | framework


def _peak_memory_bytes() -> int:
    """Return the largest resident set of this process since it began to run Python."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would count the parent's memory at the moment of the fork as well
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _operating_system_threads() -> int:
    """Return how many threads this process has; 0 where the operating system does not say."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 0
