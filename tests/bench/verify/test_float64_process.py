"""The processes that train in float64, when they are to end while others ask for them."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.records.trial import Failure, FailureKind
from bench.verify.float64_process import NoReference, References
from bench.worker.process import WorkerFailed


@pytest.fixture
def started():
    """Return the processes that were started."""
    return []


@pytest.fixture
def references(monkeypatch, started):
    """Return references whose processes are fakes, and fail in their beginning."""

    def receive(_):
        raise WorkerFailed(Failure(kind=FailureKind.KILLED, phase="start", message="killed"))

    def start(self, beside, *, source, side):
        started.append(SimpleNamespace(send=lambda request: None, receive=receive, ended=0))
        return started[-1]

    monkeypatch.setattr(References, "_start", start)
    return References(launcher=None, digits="", logs=Path(), threads=1, timeout=1.0, started=lambda process: None)


def hold(references, source):
    """Ask for a reference; none can be had."""
    with pytest.raises(NoReference):
        references.hold(Path("shown"), source=source, backend="jax", side=None)


def test_another_may_be_asked_for_while_they_end(references, started):
    """On Ctrl-C the threads that check loops are still at work."""
    for source in ("a.py", "b.py"):
        hold(references, source)
    for reference, process in zip(references._references.values(), started, strict=True):
        reference.process = process
        process.end = lambda process=process: (setattr(process, "ended", process.ended + 1), hold(references, "c.py"))

    references.end()

    assert [1, 1] == [process.ended for process in started[:2]]
