"""Profile one loop in a process of its own, beside the run that it belongs to; nothing that is seen there is ranked.

A block without a profiler comes before and after each with one, so that what profiling costs is told by the process
itself. A second process leaves parts of the step out, as `--breakdown` has it done.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from time import monotonic
from typing import Protocol, final

import psutil

from bench import redaction
from bench.analysis import python_stacks
from bench.errors import InvalidResult
from bench.files import make_folder, write_whole
from bench.records import framework_trace, profiles
from bench.records.cell import Cell
from bench.records.plan import Plan
from bench.records.profile import TRACE, MemoryReading, Profile, Sampled, Traced
from bench.records.trial import Block, Trial
from bench.runs import python_spy
from bench.runs.remote_trial import TrialFailed, TrialProcess
from bench.units import Seconds
from loops import registry

PLAIN_SECONDS: Seconds = 0.5
"""Of a block without a profiler."""
TRACED_SECONDS: Seconds = 0.25
"""Of the block that is traced."""
SAMPLED_SECONDS: Seconds = 3.0
"""As long as py-spy looks: 300 samples."""
MEMORY_SECONDS: Seconds = 0.05
"""Between two readings of a process' memory."""


class Launch(Protocol):
    """Starts a process of a cell that is not ranked."""

    def __call__(self, cell: Cell, *, breakdown: bool, profile: bool) -> TrialProcess:
        """Start one that leaves parts out or one that is profiled."""


def of_plan(
    plan: Plan,
    *,
    trials: Iterable[Trial],
    run: Path,
    launch: Launch,
    environment: Mapping[str, str],
    tell: Callable[[str], None],
) -> None:
    """Profile the cells that a plan names, but for those that failed and those that are profiled already.

    Args:
        plan: Of the run.
        trials: What became of its cells.
        run: Its folder.
        launch: Starts a process.
        environment: Of the harness.
        tell: Is told in one line what is done, and what goes wrong.
    """
    failed = {trial.cell for trial in trials if trial.failure is not None}
    for cell in plan.cells:
        there = (profiles.folder_of(run, cell) / profiles.RECORD).exists()
        if cell.loop not in plan.profile or cell.side is not None or cell in failed or there:
            continue
        tell(f"profiling {cell.loop}, apart from what is ranked")
        backend = registry.describe_loop(cell.loop, workload=cell.workload).backend or ""
        profile(cell, backend=backend, run=run, launch=launch, environment=environment, tell=tell)


def profile(
    cell: Cell, *, backend: str, run: Path, launch: Launch, environment: Mapping[str, str], tell: Callable[[str], None]
) -> Profile | None:
    """Profile a cell, store what was seen beside its run, and return it; None where its process failed.

    Args:
        cell: Which loop, in which setting.
        backend: Its framework.
        run: Folder of the run.
        launch: Starts a process.
        environment: Of the harness.
        tell: Is told in one line what goes wrong.
    """
    folder = profiles.folder_of(run, cell)
    make_folder(folder)
    seen = _Seen(cell=cell, backend=backend, folder=folder, environment=environment)
    try:
        with _running(lambda: launch(cell, breakdown=False, profile=True)) as process:
            seen.look(process)
        with _running(lambda: launch(cell, breakdown=True, profile=False)) as process:
            left_out = _left_out(process)
    except TrialFailed as failed:
        tell(f"{cell.name}: not profiled: {failed.trial.failure and failed.trial.failure.message}")
        return None
    found = replace(
        seen.profile(),
        ablations=left_out.ablations,
        pipeline_seconds=left_out.pipeline_seconds,
        step_alone_seconds=left_out.step_alone_seconds,
    )
    profiles.store(found, folder=folder)
    return found


@contextmanager
def _running(start: Callable[[], TrialProcess]) -> Iterator[TrialProcess]:
    """Start a process; whatever happens, it is gone afterwards."""
    process = start()
    try:
        yield process
    finally:
        process.end()


def _left_out(process: TrialProcess) -> Trial:
    """Have all parts left out in turn, with nobody else taking turns."""
    process.ready()
    process.warm()
    for _ in range(process.turns):
        process.measure()
    return process.finish()


@final
class _Seen:
    """What is seen of one process, piece by piece."""

    def __init__(self, *, cell: Cell, backend: str, folder: Path, environment: Mapping[str, str]) -> None:
        """Nothing yet."""
        self._cell, self._backend, self._folder, self._environment = cell, backend, folder, environment
        self._plain: list[Block] = []
        self._traced: Traced | None = None
        self._sampled: Sampled | None = None
        self._memory: tuple[MemoryReading, ...] = ()
        self._files: list[str] = []
        self._missing: list[str] = []
        self._versions: dict[str, str] = {}

    def look(self, process: TrialProcess) -> None:
        """Look at a process from its start to its end."""
        with _Memory(process.process_id) as memory:
            process.ready()
            memory.phase = "warm-up"
            process.warm()
            memory.phase = "steps"
            self._plain.append(process.profile(PLAIN_SECONDS).block)
            memory.phase = "trace"
            self._trace(process)
            memory.phase = "steps"
            self._plain.append(process.profile(PLAIN_SECONDS).block)
            memory.phase = "samples"
            self._sample(process)
            memory.phase = "steps"
            self._plain.append(process.profile(PLAIN_SECONDS).block)
        self._memory = memory.readings
        self._versions = process.finish_profile().versions

    def profile(self) -> Profile:
        """Return all of it."""
        return Profile(
            cell=self._cell,
            backend=self._backend,
            versions=self._versions,
            block_step_seconds=tuple(block.step_seconds for block in self._plain),
            traced=self._traced,
            sampled=self._sampled,
            memory=self._memory,
            files=tuple(self._files),
            missing=tuple(self._missing),
        )

    def _trace(self, process: TrialProcess) -> None:
        """Have the framework's own profiler record a block."""
        folder = self._folder / profiles.FRAMEWORK
        make_folder(folder)
        said = process.profile(TRACED_SECONDS, folder=str(folder.absolute()))
        if said.trace is None:
            self._missing.append(f"no trace of operations: {said.problem}")
            return
        path = self._folder / TRACE
        if Path(said.trace) != path:
            copyfile(said.trace, path)
        self._files.append(TRACE)
        try:
            self._traced = framework_trace.read(path.read_bytes(), backend=self._backend, block=said.block)
        except InvalidResult as error:  # a profiler of another version; the file may be of use to others
            self._missing.append(f"no table of operations: {path}: {error}")

    def _sample(self, process: TrialProcess) -> None:
        """Have py-spy look at two blocks: once for a text, once for a picture."""
        if (why := python_spy.absent(self._environment)) is not None:
            self._missing.append(why)
            return
        stacks, drawn = self._folder / profiles.STACKS, self._folder / profiles.FLAME_GRAPH
        found = self._spied(process, file=stacks, kind="raw")
        if found is None:
            return
        text = str(redaction.redacted(stacks.read_text(encoding="utf-8", errors="replace")))
        write_whole(stacks, text.encode())
        self._files.append(profiles.STACKS)
        steps = sum(block.steps for block in found)
        self._sampled = python_stacks.read(text, step_seconds=sum(block.seconds for block in found) / steps)
        if self._spied(process, file=drawn, kind="flamegraph") is not None:
            picture = str(redaction.redacted(drawn.read_text(encoding="utf-8", errors="replace")))
            write_whole(drawn, picture.encode())
            self._files.append(profiles.FLAME_GRAPH)

    def _spied(self, process: TrialProcess, *, file: Path, kind: python_spy.Format) -> list[Block] | None:
        """Have blocks done while py-spy looks, and return them; None where it saw nothing."""
        spy = python_spy.Spy(
            process.process_id, file=file, kind=kind, seconds=SAMPLED_SECONDS, environment=self._environment
        )
        try:
            blocks = [process.profile(PLAIN_SECONDS).block]
            while spy.looks:
                blocks.append(process.profile(PLAIN_SECONDS).block)
            problem = spy.problem()
        finally:
            spy.end()
        if problem is None:
            return blocks
        file.unlink(missing_ok=True)
        self._missing.append(f"no flame graph and nothing about Python: {problem}")
        return None


@final
class _Memory:
    """Reads how much memory a process holds, again and again, beside whoever waits for it."""

    def __init__(self, process_id: int) -> None:
        """Look at this process."""
        self.phase = "start"
        self._process_id = process_id
        self._readings: list[MemoryReading] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "_Memory":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._done.set()
        self._thread.join()

    @property
    def readings(self) -> tuple[MemoryReading, ...]:
        """All of them, in order."""
        return tuple(self._readings)

    def _read(self) -> None:
        """Read until it is over or the process is."""
        begin = monotonic()
        with suppress(psutil.Error):
            process = psutil.Process(self._process_id)
            while not self._done.wait(MEMORY_SECONDS):
                held = process.memory_info().rss
                self._readings.append(MemoryReading(seconds=monotonic() - begin, bytes=held, phase=self.phase))
