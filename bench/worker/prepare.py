"""Prepares a user's workload: `python -m bench.worker.prepare COMMANDS RESULTS` with two descriptors."""

import sys
from dataclasses import asdict
from pathlib import Path

from bench.records.prepared import PreparedWorkload
from bench.worker.entry import die_with_parent, leave
from bench.worker.failure import report_failures
from bench.worker.messages import Prepare, Prepared
from bench.worker.runner import import_framework
from bench.worker.wire import Channel


def main() -> None:
    """Import a framework, call the user's functions, answer and leave."""
    die_with_parent()
    channel = Channel(commands=int(sys.argv[1]), results=int(sys.argv[2]))
    progress = report_failures(channel)
    request = channel.receive(Prepare)
    progress.phase = "import"
    import_framework(request.backend, device="cpu", threads=None)
    progress.phase = "prepare"
    from loops.contract import Digits  # noqa: PLC0415 - only when the framework is there
    from loops.data import mnist  # noqa: PLC0415
    from loops.preparation import DigitsOnDemand, prepare  # noqa: PLC0415

    looked: list[mnist.Fixture] = []

    def find() -> Digits:
        if not looked:
            file = None if request.data is None else Path(request.data)
            looked.append(mnist.resolve(mnist.DatasetChoice(request.dataset), file=file, cache=Path(request.cache)))
        return mnist.load(Path(looked[0].folder))

    folder, facts = prepare(
        request.workload,
        path=request.path,
        digits=DigitsOnDemand(find),
        seed=request.seed,
        policy=request.dtype,
        most_bytes=request.most_bytes,
        cache=Path(request.cache),
    )
    found = asdict(facts)  # the loops may be an older commit's, which found out less
    later = ("operations", "state_bytes", "sample_bytes", "pipeline", "pipeline_batch_size")
    channel.send(
        Prepared(
            found=PreparedWorkload(
                workload=facts.workload,
                folder=folder.name,
                sha256=facts.sha256,
                batch_size=facts.batch_size,
                fixed_batch_size=facts.fixed_batch_size is not None,
                training_samples=facts.training_samples,
                validation_samples=facts.validation_samples,
                metrics=facts.metrics,
                policy=facts.policy,
                fallback=looked[0].fallback if looked else None,
                **{name: found[name] for name in later if name in found},
            )
        )
    )
    leave()


if __name__ == "__main__":
    main()
