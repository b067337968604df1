"""Checks one loop on several workloads: `python -m bench.verify_worker COMMANDS RESULTS` with two descriptors."""

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bench.channel import Channel
from bench.worker import die_with_parent, import_framework, leave, report_failures


def main() -> None:
    """Answer one request with one message per workload."""
    die_with_parent()
    channel = Channel(commands=int(sys.argv[1]), results=int(sys.argv[2]))
    progress = report_failures(channel)
    request = channel.receive()
    progress.phase = "import"
    backend = import_framework(request["backend"], device=request["device"], threads=request["threads"])
    from bench import parity  # noqa: PLC0415 - part of what a framework's process needs and the parent does not
    from loops import registry  # noqa: PLC0415
    from loops.data import mnist  # noqa: PLC0415

    digits = mnist.load(Path(request["digits"]))
    for name in request["workloads"]:
        progress.phase = name
        found = parity.check(
            partial(registry.load_loop, request["loop"], workload=name),
            workload=registry.load_workload(name),
            digits=digits,
            device=request["device"],
            seed=request["seed"],
        )
        backend.forget()
        channel.send({"kind": "verified", "workload": name} | asdict(found))
    leave()


if __name__ == "__main__":
    main()
