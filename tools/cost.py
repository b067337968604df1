"""What does a verdict cost? One loop against itself, by `bench ab`, by pyperf and by pytest-benchmark in turn.

    python tools/cost.py [--repetitions 3] [--processes 6]

Each tool runs as its manual says: `bench ab` interleaves both sides; pyperf measures one side and then the other with
its own defaults; so does pytest-benchmark, in as many fresh processes for each side as `bench ab` starts. All on one
thread and one CPU. The interval is of the ratio of both sides, over processes. Seconds to reach ± 2 % are what was
spent times the square of (half-width / 2 %), since intervals narrow with the root of the effort. Nothing else may run
on the machine meanwhile.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import fmean, median

from bench.analysis import intervals
from bench.analysis.intervals import Interval
from bench.machine import cpus

LOOP, STEPS, TARGET = "numpy", 200, 0.02
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

SETUP = """
from pathlib import Path
from loops import registry
from loops.contract import Job, Track
from loops.data import mnist
import platformdirs

fixture = mnist.resolve(mnist.DatasetChoice.AUTO, file=None, cache=platformdirs.user_cache_path("loopbench"))
workload = registry.load_workload("mnist-mlp")
training, validation = workload.samples(mnist.load(Path(fixture.folder)), track=Track.MATCHED, backend="numpy", seed=0)
loop = registry.load_loop("{loop}", workload="mnist-mlp")
loop.prepare(Job(workload=workload, training=training, validation=validation, track=Track.MATCHED, batch_size=32,
                 device="cpu", seed=0))


def steps():
    loop.train([{steps}])
"""
PYPERF = (
    SETUP
    + """
import pyperf

pyperf.Runner().bench_func("steps", steps)
"""
)
PYTEST = (
    SETUP
    + """

def test_steps(benchmark):
    benchmark(steps)
"""
)


def run(*command: str, folder: Path, bound: bool) -> None:
    """Run a command to its end, on one thread."""
    bind = ["taskset", "--cpu-list", str(cpus.allowed()[-1])] if bound else []
    subprocess.run(
        [*bind, *command],
        cwd=folder,
        env=os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


def by_bench(folder: Path, *, processes: int) -> Interval:
    """Measure both sides in the same rounds."""
    where = ["--results-dir", str(folder / "results"), "--no-report", "--no-verify", "--format", "csv"]
    command = [sys.executable, "-m", "bench", "ab", "env=SIDE=1", "env=SIDE=2", LOOP, "--threads", "1", *where]
    run(*command, "--rounds", str(processes), folder=folder, bound=False)
    from bench.analysis import summary
    from bench.records import journal, loading

    (group,) = summary.summarise(loading.load(journal.find(folder / "results")))
    return next(cell.speed_up for cell in group.cells if cell.speed_up is not None)


def by_pyperf(folder: Path, *, processes: int) -> Interval:
    """Measure one side and then the other, with as many processes as pyperf takes by itself."""
    del processes
    script = folder / "steps_pyperf.py"
    script.write_text(PYPERF.format(loop=LOOP, steps=STEPS))
    sides = []
    for side in ("base", "new"):
        output = folder / f"pyperf-{side}-{time.monotonic_ns()}.json"
        kept = ["--inherit-environ", ",".join(("PYTHONPATH", "BENCH_DATA", *THREADS))]
        run(sys.executable, str(script), *kept, "-o", str(output), folder=folder, bound=True)
        runs = json.loads(output.read_text())["benchmarks"][0]["runs"]
        sides.append([fmean(one["values"]) for one in runs if "values" in one])
    found = intervals.unpaired_ratio_interval(*sides)
    assert found is not None
    return found


def by_pytest_benchmark(folder: Path, *, processes: int) -> Interval:
    """Measure one side and then the other, each in fresh processes, and take the median round of each."""
    script = folder / "test_steps.py"
    script.write_text(PYTEST.format(loop=LOOP, steps=STEPS))
    sides = []
    for _ in ("base", "new"):
        medians = []
        for _ in range(processes):
            output = folder / f"pytest-{time.monotonic_ns()}.json"
            run(
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(script)),
                f"--benchmark-json={output}",
                folder=folder,
                bound=True,
            )
            medians.append(json.loads(output.read_text())["benchmarks"][0]["stats"]["median"])
        sides.append(medians)
    found = intervals.unpaired_ratio_interval(*sides)
    assert found is not None
    return found


def main() -> None:
    """Measure in turn and print a table."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--processes", type=int, default=6)
    options = parser.parse_args()
    tools = {"bench ab": by_bench, "pyperf": by_pyperf, "pytest-benchmark": by_pytest_benchmark}
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    ratios: dict[str, list[Interval]] = {name: [] for name in tools}
    with tempfile.TemporaryDirectory(prefix="bench-cost-") as name:
        for _ in range(options.repetitions):
            for tool, measure in tools.items():
                begin = time.monotonic()
                ratios[tool].append(measure(Path(name), processes=options.processes))
                seconds[tool].append(time.monotonic() - begin)
                ratio = ratios[tool][-1]
                print(f"{tool}: {ratio.low:.4f} to {ratio.high:.4f}, {seconds[tool][-1]:.0f} s", flush=True)
    print("\n| tool | seconds | half-width, median | furthest from 1 | seconds to ± 2 %, median |")
    print("| --- | --- | --- | --- | --- |")
    for tool, found in ratios.items():
        widths = [one.relative_half_width or 0.0 for one in found]
        furthest = max(max(one.estimate, 1.0 / one.estimate) - 1.0 for one in found)
        enough = median(spent * (width / TARGET) ** 2 for spent, width in zip(seconds[tool], widths, strict=True))
        print(
            f"| {tool} | {median(seconds[tool]):.0f} | {100 * median(widths):.2f} % | {100 * furthest:.2f} % "
            f"| {enough:.1f} |"
        )


if __name__ == "__main__":
    main()
