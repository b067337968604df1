"""One loop, measured and judged by the command line from within a test, and the three lines that a test fails with.

`bench gate` and `bench run` are called as a person would: whatever holds for them (pyproject.toml, `BENCH_*`) holds
here, the command in the message is the one that was run, and the process of the tests imports nothing heavy.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from bench.errors import BenchError
from bench.files import SOURCE_TREE, temporary_folder
from bench.machine import system

Json = dict[str, Any]

FAILING = ("slower", "removed", "failed", "invalid")
"""Verdicts that no test passes with; `unclear` is for its user to decide."""

NOTHING = "nothing-to-compare"
"""As in `bench.gate.result.Outcome`, which would import what a process of tests has no use for."""

_HEAD = "head"
_PATIENCE = 30.0
"""Seconds in which an interrupted command stores what it has."""
_INTERRUPTED = 130


class NotMeasured(BenchError):
    """There are no numbers that a test may pass with or export; the message is three lines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a test wants to know."""

    loop: str
    workload: str | None
    max_slowdown: float | None
    """Per cent; None leaves it to pyproject.toml."""
    base_ref: str | None
    """None measures and compares with nothing."""
    folder: Path
    """Where pyproject.toml lies."""

    @property
    def command(self) -> tuple[str, ...]:
        """What a person types to see the same."""
        words = ["gate" if self.base_ref is not None else "run", self.loop]
        if self.base_ref is not None:
            words += ["--base-ref", self.base_ref]
        if self.workload is not None:
            words += ["--workload", self.workload]
        if self.base_ref is not None and self.max_slowdown is not None:
            words += ["--max-slowdown", f"{self.max_slowdown:g}"]
        return tuple(words)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a loop came to."""

    word: str | None
    """The stable word; None where nothing was compared."""
    reason: str
    """One sentence."""
    message: str
    """Three lines, for a test that fails."""
    entry: Json | None
    """The loop in a file of pytest-benchmark; None if it was not asked for."""


class Call(Protocol):
    """Runs `bench`."""

    def __call__(self, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a command in a folder to its end, and return what it printed."""


def call_bench(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `bench` to its end; an interruption is passed on once, so that it stores what it has.

    Raises:
        KeyboardInterrupt: If the command was interrupted.
    """
    # Many loops would fill the page of a job with headings; tests are shown there by other means.
    environment = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    command = [sys.executable, "-m", "bench", *words]
    with ExitStack() as stack:
        ours = stack.enter_context(temporary_folder())
        with system.heeding_interrupts():
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment | _path(ours, folder=folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        stack.enter_context(process)
        try:
            out, err = process.communicate()
        finally:
            if process.poll() is None:  # this process was interrupted, by whatever it was
                _interrupt(process)
    if process.returncode == _INTERRUPTED:
        raise KeyboardInterrupt
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def judge(request: Request, *, export: bool, call: Call = call_bench) -> Judged:
    """Measure a loop, and compare it with the base if there is one.

    Args:
        request: What is asked.
        export: Whether the numbers are wanted as pytest-benchmark has them.
        call: Runs the commands.

    Raises:
        NotMeasured: If the loop is gone, crashed or does other work, or the command could not do what it was asked.
        KeyboardInterrupt: If the command was interrupted.
    """
    ask = _measured if request.base_ref is None else _gated
    return ask(request, export=export, call=call)


def _gated(request: Request, *, export: bool, call: Call) -> Judged:
    """Call `bench gate` for one loop."""
    with temporary_folder() as folder:
        file = folder / "verdict.json"
        done = call(*request.command, "--no-report", "--verdict-file", str(file), folder=request.folder)
        if not file.exists():
            raise NotMeasured(_unanswered(request, done=done))
        verdict = json.loads(file.read_text(encoding="utf-8"))
    if verdict.get("outcome") == NOTHING and not verdict["loops"]:
        alone = _measured(replace(request, base_ref=None), export=export, call=call)
        return replace(alone, reason=f"{alone.reason}; compared with nothing: {verdict['reason']}")
    if not verdict["loops"]:
        raise NotMeasured(_unanswered(request, done=done))
    (row,) = verdict["loops"]
    message = _message(request, verdict=verdict, row=row)
    if row["verdict"] in FAILING and row["verdict"] != "slower":
        raise NotMeasured(message)
    entry = _entry(verdict["runs"][0], request=request, call=call) if export else None
    if entry is not None:
        judgement = {name: row[name] for name in ("verdict", "slowdown", "low", "high", "budget", "confirmed")}
        entry["extra_info"]["bench"] |= judgement | {name: verdict[name] for name in ("base", "head", "runs")}
    return Judged(word=row["verdict"], reason=_one_line(row["reason"]), message=message, entry=entry)


def _measured(request: Request, *, export: bool, call: Call) -> Judged:
    """Call `bench run` for one loop, with what the gate would measure it with."""
    from bench import units  # noqa: PLC0415 - scipy, only where it is used
    from bench.gate import comparison  # noqa: PLC0415
    from bench.gate.settings import read_settings  # noqa: PLC0415

    settings = read_settings(request.folder)
    words = [
        *request.command,
        "--no-report",
        "--format",
        "json",
        "--threads",
        str(settings.threads or comparison.THREADS),
    ]
    if settings.rounds is not None and "BENCH_ROUNDS" not in os.environ:
        words += ["--rounds", str(settings.rounds)]
    if settings.workload is not None and request.workload is None:
        words += ["--workload", settings.workload]
    done = call(*words, folder=request.folder)
    if done.returncode != 0:
        raise NotMeasured(_unanswered(request, done=done))
    entry = _entry(json.loads(done.stdout)["run_id"], request=request, call=call)
    entry["extra_info"]["bench"] |= {"verdict": None, "baseline": None, "speed_up": None}
    step = entry["extra_info"]["bench"]["step_seconds"]["estimate"]
    reason = f"{units.duration(step)} per step"
    return Judged(word=None, reason=reason, message=reason, entry=entry if export else None)


def _path(ours: Path, *, folder: Path) -> dict[str, str]:
    """Return variables that have a process import the harness from here, then what this one can import of a project.

    The project may have a folder `bench` or `loops` of its own, and pytest has put on the path what its settings say.
    """
    for package in ("bench", "loops"):
        (ours / package).symlink_to(SOURCE_TREE / package)
    top = folder.resolve()
    seen = [entry for entry in sys.path if entry and Path(entry).resolve().is_relative_to(top)]
    inherited = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    installed = Path(sys.prefix).resolve()
    added = [entry for entry in (*seen, str(folder)) if not Path(entry).resolve().is_relative_to(installed)]
    return {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys((str(ours), *inherited, *added))),
        "PYTHONSAFEPATH": "1",
    }


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Have a command store what it has, and end it if it does not."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()  # `with` does not, once an interruption was met


def _entry(run_id: str, *, request: Request, call: Call) -> Json:
    """Return the loop, on the side of the head, in the words of pytest-benchmark.

    Raises:
        NotMeasured: If there is nothing that may be exported.
    """
    done = call("export", run_id, "--to", "pytest-benchmark", folder=request.folder)
    found: list[Json] = json.loads(done.stdout)["benchmarks"] if done.returncode == 0 else []
    for entry in found:
        cell = entry["extra_info"]["bench"]["cell"]
        if cell["side"] in (None, _HEAD):  # of the one loop that was asked for
            entry["group"] = entry["group"].removesuffix(f"-{_HEAD}")
            return entry
    raise NotMeasured(_unanswered(request, done=done))


def _message(request: Request, *, verdict: Json, row: Json) -> str:
    """Return what is wrong, what was measured, and what to do next."""
    from bench import units  # noqa: PLC0415 - scipy, only where it is used

    base, head = (f"{verdict[side]}: {units.duration(row[f'{side}_step_seconds'])}" for side in ("base", _HEAD))
    fresh = f", {verdict['confirmation_rounds']} more to confirm" if verdict["confirmation_rounds"] else ""
    return "\n".join(
        (
            f"{row['verdict']}: {request.loop}: {_one_line(row['reason'])}",
            f"time per step at base {base}, at head {head}; {verdict['rounds']} rounds of both{fresh}",
            f"{_again(request)}; its page: bench report {verdict['runs'][-1]}",
        )
    )


def _unanswered(request: Request, *, done: subprocess.CompletedProcess[str]) -> str:
    """Return the same for a command that gave no verdict."""
    said = [line for line in done.stderr.splitlines() if line.strip()]
    failures = [line for line in said if " failed (" in line or line.startswith("INVALID: ")]
    return "\n".join(
        (
            f"not measured: {request.loop}: {_one_line((said or ['it said nothing'])[-1])}",
            _one_line(failures[0]) if failures else f"bench ended with exit code {done.returncode} and gave no verdict",
            _again(request),
        )
    )


def _again(request: Request) -> str:
    """Return how a person sees the same."""
    return f"to repeat it: {shlex.join(['bench', *request.command])}"


def _one_line(text: str) -> str:
    """Return text without line breaks."""
    return " ".join(text.split())
