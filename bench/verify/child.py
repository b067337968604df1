"""Checks loops one after another: `python -m bench.verify.child COMMANDS RESULTS` with two descriptors.

What a check finds does not depend on those before it: everything is built anew, and what they left behind is dropped.
"""

import gc
import sys
from functools import partial
from pathlib import Path

from bench.worker import origin
from bench.worker.digits import load_checked
from bench.worker.entry import die_with_parent, heed_interrupts, look_here_last
from bench.worker.failure import report_failures
from bench.worker.messages import Check, CheckSettings, Verified
from bench.worker.runner import import_framework
from bench.worker.trained import workload_of
from bench.worker.wire import Channel


def main() -> None:
    """Import a framework, then answer each request with one message, until the harness ends the process."""
    die_with_parent()
    heed_interrupts()
    look_here_last()
    origin.keep_to_commit()
    channel = Channel(commands=int(sys.argv[1]), results=int(sys.argv[2]))
    progress = report_failures(channel)
    settings = channel.receive(CheckSettings)
    progress.phase = "import"
    backend = import_framework(settings.backend, device=settings.device, threads=settings.threads)
    backend.forbid_tensor_float_32()
    backend.compile_less()
    # Tracing makes millions of objects that live for long; looking through them all again and again takes a tenth of
    # the time of a check.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    from bench.verify.examiner import Examiner  # noqa: PLC0415 - part of what a framework's process needs and the parent does not
    from loops import registry  # noqa: PLC0415 - only when the shell asks

    digits = load_checked(Path(settings.digits))[0] if settings.digits else None
    examiner = Examiner(digits, device=settings.device, seed=settings.seed)
    while True:
        request = channel.receive(Check)
        loop, workload = request.loop, request.workload
        progress.phase = f"{loop} on {workload}"
        sys.stdout.write(f"--- {progress.phase}\n")  # the log holds what many loops print
        sys.stdout.flush()
        found = examiner.check(
            partial(registry.load_loop, loop, workload=workload),
            workload=workload_of(request),
            recordings=None if request.recordings is None else Path(request.recordings),
        )
        recording = None if found.recording is None else str(found.recording)
        channel.send(Verified(formula=found.formula, gaps=found.gaps, losses=found.losses, recording=recording))
        backend.forget()


if __name__ == "__main__":
    main()
