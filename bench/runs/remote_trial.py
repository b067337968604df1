"""The harness' end of one trial: says what to do next and keeps what comes back, until it is a row."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import final

from bench.records.cell import Cell
from bench.records.trial import Block, Trial
from bench.units import Seconds
from bench.worker import messages
from bench.worker.messages import TrialRequest
from bench.worker.process import WorkerFailed, WorkerProcess
from bench.worker.wire import Message


class TrialFailed(Exception):
    """A trial ended without numbers; carries the row that is stored for it."""

    def __init__(self, trial: Trial) -> None:
        """Keep the row."""
        super().__init__(str(trial.failure))
        self.trial = trial


@final
class TrialProcess:
    """One running trial."""

    def __init__(
        self,
        request: TrialRequest,
        *,
        cell: Cell,
        round_number: int,
        identity: Mapping[str, str | None],
        interpreter: str,
        environment: Mapping[str, str],
        log: Path,
        timeout: Seconds,
    ) -> None:
        """Start the process and send it the request.

        Args:
            request: What to measure.
            cell: The same, as it is stored.
            round_number: Counted from 0.
            identity: `loop_sha256` and `workload_sha256`, stored with the numbers.
            interpreter: Python that has the framework.
            environment: Everything the process sees.
            log: File for its stdout and stderr.
            timeout: Longest wait for any one phase.
        """
        self.cell = cell
        self._process = WorkerProcess(
            "bench.worker.entry", interpreter=interpreter, environment=environment, log=log, timeout=timeout
        )
        self._row = Trial(
            cell=cell,
            round=round_number,
            process_id=self._process.process_id,
            loop_sha256=identity.get("loop_sha256"),
            workload_sha256=identity.get("workload_sha256"),
        )
        self._turns = 0
        self._breaks_down = request.breakdown
        self._process.send(request)

    def ready(self) -> None:
        """Wait until everything is imported and built."""
        said = self._answer(messages.Ready, phase="build")
        self._row = replace(
            self._row,
            import_seconds=said.import_seconds,
            build_seconds=said.build_seconds,
            steps_per_epoch=said.steps_per_epoch,
            device_name=said.device_name,
            versions=said.versions,
        )

    def warm(self) -> None:
        """Have the first step and the warm-up done."""
        self._process.send(messages.Warm())
        said = self._answer(messages.Warmed, phase="warm-up")
        self._turns = said.turns
        self._row = replace(self._row, first_loss=said.first_loss, blocks=said.blocks)

    @property
    def turns(self) -> int:
        """How many turns it wants, now that it is warm."""
        return self._turns

    def measure(self) -> None:
        """Have the blocks of one turn done."""
        self._process.send(messages.Measure())
        self._add(*self._answer(messages.Measured, phase="measure").blocks)

    @property
    def process_id(self) -> int:
        """Of the process."""
        return self._process.process_id

    def profile(self, seconds: Seconds, *, folder: str | None = None) -> messages.Profiled:
        """Have one block done, of about so many seconds, under the framework's profiler where a folder is given."""
        self._process.send(messages.Profile(seconds=seconds, folder=folder))
        return self._answer(messages.Profiled, phase="profile")

    def finish_profile(self) -> Trial:
        """Let the process go after its last profile, and return its row, which nobody stores."""
        self._process.send(messages.Finish())
        self._answer(messages.Closed, phase="profile")
        self.end()
        return self._row

    def finish(self) -> Trial:
        """Have the last step done and the trial evaluated, let the process go, and return its row."""
        self._process.send(messages.Finish())
        closed = self._answer(messages.Closed, phase="finish")
        if closed.block is not None:
            self._add(closed.block)
        if self._breaks_down:
            parts = self._answer(messages.BrokenDown, phase="breakdown")
            self._row = replace(
                self._row,
                ablations=parts.ablations,
                pipeline_seconds=parts.pipeline_seconds,
                step_alone_seconds=parts.step_alone_seconds,
            )
        else:
            self._conclude(self._answer(messages.Finished, phase="evaluate"))
        self.end()
        return self._row

    def end(self) -> None:
        """Make sure the process and everything it started are gone."""
        self._process.end()

    def _add(self, *blocks: Block) -> None:
        """Keep the times of blocks."""
        self._row = replace(self._row, blocks=(*self._row.blocks, *blocks))

    def _conclude(self, said: messages.Finished) -> None:
        """Keep what the steps led to."""
        self._row = replace(
            self._row,
            steps=said.steps,
            samples=said.samples,
            last_loss=said.last_loss,
            training_metric=said.training_metric,
            validation_metric=said.validation_metric,
            training_metrics=dict(said.training_metrics),
            validation_metrics=dict(said.validation_metrics),
            metric_name=said.metric_name,
            first_evaluation_seconds=said.first_evaluation_seconds,
            evaluation_seconds=said.evaluation_seconds,
            peak_memory_bytes=said.peak_memory_bytes,
            device_peak_memory_bytes=said.device_peak_memory_bytes,
            compiled=said.compiled,
            tensor_float_32=said.tensor_float_32,
            threads=said.threads,
            cpus=said.cpus,
            images=said.images,
            guests=said.guests,
        )

    def _answer(self, expected: type[Message], *, phase: str) -> Message:
        """Wait for an answer.

        Raises:
            TrialFailed: If the process fails instead; its row holds what was known by then.
        """
        self._process.phase = phase
        try:
            return self._process.receive(expected)
        except WorkerFailed as failed:
            raise TrialFailed(replace(self._row, failure=failed.failure)) from failed
