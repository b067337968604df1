"""Write many stored runs that nobody measured: valid in every field, with noise and with changes at known places.

    python tools/write_runs.py FOLDER --runs 1000 [--rounds 6] [--blocks 12] [--noise 2] [--seed 0]
    python tools/write_runs.py FOLDER --figures 1000,2000,5000,10000    how long history takes over so many

One run a night, of five loops and the kernel. `tf-fit` takes 5 % longer from 60 % of the nights on, with another Keras;
`torch-keras` 0.05 % longer each night of the last tenth; every loop 4 % longer from 80 % on, and the kernel does not.
"""

import resource
import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np

from bench.records.cell import CALIBRATION, Cell
from bench.records.lines import JOURNAL, ConditionsLine, EndLine, HeaderLine, TrialLine, VerificationLine
from bench.records.plan import Plan
from bench.records.stored_run import SCHEMA_VERSION, Conditions, DatasetRecord, RunEnd, RunHeader
from bench.records.trial import Block, BlockKind, Trial
from bench.records.verification import Gap, Verification
from bench.runs.options import BLOCKS_PER_TRIAL

STEPS = {
    "tf-eager": 19.4e-3,
    "tf-function": 0.685e-3,
    "tf-fit": 1.07e-3,
    "torch-native": 1.58e-3,
    "torch-keras": 2.02e-3,
}
KERNEL = 0.3e-3
FIRST_NIGHT = datetime(2000, 1, 1, 2, 0, tzinfo=UTC)
PASSPORT = {
    "tool version": "0.1.0",
    "operating system": "Debian GNU/Linux 12 (bookworm)",
    "cpu model": "AMD EPYC",
    "cpu cores logical": "2",
    "cpu cores usable": "2",
    "cgroup cpu quota": "none",
    "memory total MiB": "24105",
    "machine name": "nightly",
}


def cell_of(loop, *, side=None):
    return Cell(loop=loop, workload="mnist-mlp", track="matched", device="cpu", batch_size=32, side=side)


def level(loop, *, night, nights):
    """How much longer than at first a loop takes."""
    factor = 1.0
    if loop == "tf-fit" and night >= 0.6 * nights:
        factor *= 1.05
    if loop == "torch-keras" and night > 0.9 * nights:
        factor *= 1.0005 ** (night - 0.9 * nights)
    return factor * (1.04 if loop != "numpy" and night >= 0.8 * nights else 1.0)


def trial_of(cell, *, round_number, step, blocks, random, keras):
    """A finished process; `step` is its own level."""
    per_block = max(1, round(0.04 / step))
    kinds = [(BlockKind.FIRST, 1), *((BlockKind.WARM_UP, 2**power) for power in range(7))]
    kinds += [(BlockKind.MEASURED, per_block)] * blocks + [(BlockKind.CLOSING, 1)]
    noise = random.normal(0.0, 0.01, len(kinds)).tolist()
    started, made = 1000.0 + 30.0 * round_number, []
    for (kind, steps), wobble in zip(kinds, noise, strict=True):
        seconds = round(steps * step * (1.0 + wobble), 9)
        started += 5.0 * seconds
        made.append(
            Block(kind=kind, steps=steps, seconds=seconds, started=started, cpu_seconds=seconds, involuntary_switches=2)
        )
    framework = {"tf": "tensorflow", "torch": "torch"}.get(cell.loop.partition("-")[0])
    versions = {"python": "3.11.7", "numpy": "2.4.6"}
    if framework:
        versions |= {"keras": keras, framework: {"tensorflow": "2.21.0", "torch": "2.13.0+cpu"}[framework]}
    return Trial(
        cell=cell,
        round=round_number,
        import_seconds=6.3,
        build_seconds=2.1,
        blocks=tuple(made),
        first_evaluation_seconds=0.5,
        evaluation_seconds=0.2,
        peak_memory_bytes=600_000_000,
        steps=sum(block.steps for block in made),
        samples=32 * sum(block.steps for block in made),
        steps_per_epoch=1562,
        first_loss=2.31,
        last_loss=0.21,
        training_metric=0.94,
        validation_metric=0.95,
        metric_name="accuracy",
        compiled={},
        versions=versions,
        threads={"intra_op": 2, "inter_op": 2},
        cpus=(0, 1),
        device_name="cpu",
        loop_sha256=sha256(cell.loop.encode()).hexdigest(),
        workload_sha256="ab" * 32,
        process_id=4000 + round_number,
    )


def lines_of(night, *, nights, rounds, blocks, noise, seed):
    """The name of a night's run, and the lines of its journal."""
    random = np.random.default_rng([seed, night])
    started = FIRST_NIGHT + timedelta(days=night)
    kernel = cell_of("numpy", side=CALIBRATION)
    header = RunHeader(
        schema_version=SCHEMA_VERSION,
        run_id=f"{started:%Y%m%d-%H%M%S}-{night % 65536:04x}",
        tool_version="0.1.0",
        command="bench run --name nightly",
        label="nightly",
        started=started.isoformat(timespec="seconds"),
        plan=Plan(
            cells=tuple(cell_of(loop) for loop in STEPS),
            rounds=rounds,
            blocks_per_trial=blocks,
            block_seconds=0.04,
            schedule="interleaved",
            seed=night,
            timeout=300.0,
            baseline="tf-eager",
            calibration=kernel,
        ),
        dataset=DatasetRecord(name="mnist", source="Keras cache", sha256="cd" * 32),
        environment=PASSPORT | {"project commit": sha256(str(night // 3).encode()).hexdigest()[:40]},
    )
    yield HeaderLine(run=header)
    for loop in STEPS:
        gap = Gap(what="loss, 100 steps", largest=4e-7, allowed=1e-5, step=61)
        yield VerificationLine(
            verification=Verification(loop=loop, workload="mnist-mlp", device="cpu", formula="keras-adam", gaps=(gap,))
        )
    keras = "3.14.0" if night < 0.6 * nights else "3.15.1"
    # A run's value is the mean of its processes, so each of them scatters by the root of their number more.
    own = random.normal(0.0, noise * np.sqrt(rounds), (rounds, len(STEPS) + 1))
    own[:, -1] /= 4.0  # the kernel is the quietest
    for number in range(rounds):
        common = 1.0 + random.normal(0.0, 0.01)
        for place, (cell, step) in enumerate((*((cell_of(k), v) for k, v in STEPS.items()), (kernel, KERNEL))):
            factor = level(cell.loop, night=night, nights=nights) * common * np.exp(own[number, place])
            yield TrialLine(
                trial=trial_of(
                    cell,
                    round_number=number,
                    step=float(step * factor),
                    blocks=blocks,
                    random=random,
                    keras=keras,
                )
            )
        seen = Conditions(round=number, load_average=0.4, stolen=0.0, seconds=32.0, others=0.02)
        yield ConditionsLine(conditions=seen)
    yield EndLine(end=RunEnd(ended=(started + timedelta(minutes=3)).isoformat(timespec="seconds"), complete=True))


def write(nights_of, *, folder, nights, **settings):
    for night in nights_of:
        lines = list(lines_of(night, nights=nights, **settings))
        place = folder / lines[0].run.run_id
        place.mkdir(parents=True)
        (place / JOURNAL).write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def write_all(folder, *, nights, **settings):
    parts = [range(start, min(start + 50, nights)) for start in range(0, nights, 50)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(write, folder=folder, nights=nights, **settings), parts))


def timed(command):
    """Wall time of a command, processor time of it and its children, and their peak memory; seconds and MiB."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen([sys.executable, "-m", "bench", *command], stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_memory(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"bench {' '.join(command)}: exit code {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, used, peak / 2**20


def tree_memory(process_id):
    """Resident bytes of a process and its children."""
    import psutil

    try:
        parent = psutil.Process(process_id)
        return sum(one.memory_info().rss for one in [parent, *parent.children(recursive=True)])
    except psutil.Error:
        return 0


def figures(folder, *, counts, **settings):
    """Print how long the full history page takes over so many runs, with an index and without one."""
    print("In brackets: processor time of all processes together, which other work on the machine disturbs less.\n")
    print("| runs | cold, s | warm, s | one new run, s | memory, MiB | journals, MB | index, MB | page, MB |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    for count in counts:
        place = folder / f"runs-{count}"
        if not (place / "results").is_dir():
            write_all(place / "results", nights=count, **settings)
        for left in (place / "results").glob(".index*"):
            left.unlink()
        command = ["history", "--results-dir", str(place / "results"), "--reports-dir", str(place / "reports")]
        cold, cold_used, memory = timed(command)
        warm, warm_used, _ = timed(command)
        write([count], folder=place / "results", nights=count, **settings)
        new, new_used, _ = timed(command)
        journals = sum(path.stat().st_size for path in place.glob(f"results/*/{JOURNAL}"))
        index = sum(path.stat().st_size for path in (place / "results").glob(".index*"))
        page = sum(path.stat().st_size for path in place.glob("reports/history/*"))
        pairs = ((cold, cold_used), (warm, warm_used), (new, new_used))
        times = [f"{wall:.3g} ({used:.3g})" for wall, used in pairs]
        sizes = [f"{number:.3g}" for number in (memory, journals / 1e6, index / 1e6, page / 1e6)]
        print(f"| {count:,} | {' | '.join([*times, *sizes])} |", flush=True)
        shutil.rmtree(place)


def main():
    parser = ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--blocks", type=int, default=BLOCKS_PER_TRIAL)
    parser.add_argument("--noise", type=float, default=2.0, help="of a run's value, in per cent")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figures", help="such as 1000,2000")
    options = parser.parse_args()
    settings = {"rounds": options.rounds, "blocks": options.blocks, "noise": options.noise / 100, "seed": options.seed}
    if options.figures:
        figures(options.folder, counts=[int(count) for count in options.figures.split(",")], **settings)
    else:
        write_all(options.folder, nights=options.runs, **settings)


if __name__ == "__main__":
    main()
