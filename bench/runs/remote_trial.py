"""The harness' end of one trial: says what to do next and keeps what comes back, until it is a row."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

import msgspec

from bench.records.cell import Cell
from bench.records.trial import Failure, Trial
from bench.units import Seconds
from bench.worker.process import WorkerFailed, WorkerProcess
from bench.worker.wire import TrialRequest


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
        self._fields: dict[str, Any] = {
            "cell": asdict(cell),
            "round": round_number,
            "blocks": [],
            "process_id": self._process.process_id,
            **identity,
        }
        self._process.send(asdict(request))

    def ready(self) -> None:
        """Wait until everything is imported and built."""
        self._take("ready", phase="build")

    def warm(self) -> None:
        """Have the first step and the warm-up done."""
        self._process.send({"kind": "warm"})
        self._take("warmed", phase="warm-up")

    @property
    def blocks(self) -> int:
        """How many blocks it wants to measure, now that it is warm."""
        wanted: int = self._fields["measured_blocks"]
        return wanted

    def measure(self) -> None:
        """Have one block done."""
        self._process.send({"kind": "measure"})
        self._take("measured", phase="measure")

    def finish(self) -> Trial:
        """Have the last step done and the trial evaluated, let the process go, and return its row."""
        self._process.send({"kind": "finish"})
        self._take("closed", phase="finish")
        self._take("finished", phase="evaluate")
        self.end()
        return self._row()

    def end(self) -> None:
        """Make sure the process and everything it started are gone."""
        self._process.end()

    def _take(self, kind: str, *, phase: str) -> None:
        """Wait for a message and keep what it says; its keys are fields of `Trial`.

        Raises:
            TrialFailed: If the process fails instead.
        """
        self._process.phase = phase
        try:
            message = self._process.receive(kind)
        except WorkerFailed as failed:
            raise TrialFailed(self._row(failed.failure)) from failed
        self._fields["blocks"] += message.pop("blocks", [])
        if "block" in message:
            self._fields["blocks"].append(message.pop("block"))
        self._fields |= message

    def _row(self, failure: Failure | None = None) -> Trial:
        """Return what is known so far as a typed row."""
        return msgspec.convert(self._fields | {"failure": failure and asdict(failure)}, Trial)
