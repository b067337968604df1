"""`bench-verdict.json`: whatever ends a gate, it says the same as the exit code, and an older one never survives."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import final

import click

from bench.errors import BenchError, FileTrouble, Interrupted
from bench.files import explained, make_folder, write_whole
from bench.gate.result import SCHEMA, GateResult, Outcome
from bench.gate.text import to_comment, to_json, to_markdown
from bench.runs.options import Console
from loops.errors import LoopError

NAME = "bench-verdict.json"
OPTION, VARIABLE = "--verdict-file", "BENCH_VERDICT_FILE"
USAGE, FAULT = 2, 70

OUTCOMES = {
    USAGE: Outcome.ERROR,
    4: Outcome.NOT_COMPARABLE,
    5: Outcome.FAILED,
    FAULT: Outcome.FAULT,
    Interrupted.exit_code: Outcome.INTERRUPTED,
}
"""Exit code of what is raised -> what the gate as a whole says."""


@final
class VerdictFile:
    """A verdict file of one gate: a context that leaves a verdict behind however it is left."""

    def __init__(self, path: Path) -> None:
        """Write there."""
        self.path = path
        self._written = False

    def __enter__(self) -> "VerdictFile":
        """Remove what an earlier gate has left.

        Raises:
            FileTrouble: If it is there to stay, so that nobody could tell whose it is.
        """
        make_folder(self.path.parent)
        for path in (self.path, self.comment):
            with explained(path, doing="replaced"):
                path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what ended the gate, if that was no verdict."""
        if error is None or self._written or isinstance(error, click.exceptions.Exit):
            return
        code = exit_code(error)
        with suppress(FileTrouble):  # the disk that is full is what `error` says already; there is no older verdict
            self._replace(ended(OUTCOMES.get(code, Outcome.ERROR), exit_code=code, reason=said(error)))

    @property
    def comment(self) -> Path:
        """Where the text for the pull request goes."""
        return self.path.with_suffix(".md")

    def write(self, result: GateResult, *, environment: Mapping[str, str], console: Console) -> None:
        """Write the verdict and the text for a pull request, and the summary where GitHub says that it wants one.

        Raises:
            FileTrouble: If the verdict cannot be written; a summary that cannot be is a warning.
        """
        self._replace(result)
        self._written = True
        summary = environment.get("GITHUB_STEP_SUMMARY")
        if summary:
            try:
                with explained(summary), Path(summary).open("a", encoding="utf-8") as page:
                    page.write(to_markdown(result) + os.linesep)
            except FileTrouble as trouble:
                console.notice(f"warning: the job summary: {trouble}")

    def _replace(self, result: GateResult) -> None:
        """Write both files whole."""
        write_whole(self.comment, to_comment(result).encode())
        write_whole(self.path, to_json(result).encode())


def ended(outcome: Outcome, *, exit_code: int, reason: str) -> GateResult:
    """Return the verdict of a gate that came to none."""
    return GateResult(
        schema=SCHEMA,
        outcome=outcome,
        exit_code=exit_code,
        base="",
        head="",
        loops=(),
        noise=None,
        rounds=0,
        confirmation_rounds=0,
        runs=(),
        reason=reason,
    )


def exit_code(error: BaseException) -> int:
    """Return what the command line exits with when this is raised."""
    if isinstance(error, BenchError | LoopError):
        return error.exit_code
    if isinstance(error, click.ClickException | OSError):
        return USAGE
    return Interrupted.exit_code if isinstance(error, KeyboardInterrupt | click.Abort) else FAULT


def said(error: BaseException) -> str:
    """Return what an error says in one line."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    if not isinstance(error, BenchError | LoopError | click.ClickException):
        text = f"{type(error).__name__}: {text}"
    return " ".join(text.split())


def asked_for(arguments: Sequence[str], *, environment: Mapping[str, str]) -> Path:
    """Return where a verdict goes by a command line that could not be read."""
    for number, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name == OPTION and equals:
            return Path(value)
        if name == OPTION and number + 1 < len(arguments):
            return Path(arguments[number + 1])
    return Path(environment.get(VARIABLE) or NAME)
