"""The command `bench`: what all its commands share, and how errors become one line and an exit code."""

import gc
import os
import platform
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, final

import click

from bench import __version__
from bench.cli import streams, variables
from bench.cli.long_help import Sectioned
from bench.cli.options import named_cache_folder
from bench.errors import BenchError, Interrupted, UsageError
from bench.files import way_out
from bench.runs.endings import handled_by
from bench.text import display_name, lines_of
from loops.errors import LoopError

OWN_FAULT = 70
"""Exit code of a fault of bench itself; EX_SOFTWARE of sysexits.h."""

_SELDOM = (50_000, 20, 20)
"""When to look for garbage: a command is short and keeps most of what it makes, so that Python's looking after each 700
objects is mostly in vain."""


@final
class OneLineErrors(click.Group):
    """Turns every error into one line and a documented exit code; its class carries the code of one that we know."""

    command_class = Sectioned

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with handled_by(signal.default_int_handler):  # a cancelled CI job and a closed terminal lose nothing either
                return super().invoke(ctx)
        except (BenchError, LoopError) as error:
            _say(str(error))
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(Interrupted.exit_code)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the command line; when it stands alone, end the process with a documented code whatever happens."""
        if not standalone_mode:
            return self._run(*args, **extra)
        gc.set_threshold(*_SELDOM)
        streams.guard()
        sys.exit(self._code(*args, **extra))

    def _run(self, *args: Any, **extra: Any) -> Any:
        """Run the command line; the exit code that a command chose is returned, what went wrong is raised."""
        run: Any = super().main  # whose overloads tell arguments apart that are only passed on here
        return run(*args, standalone_mode=False, **extra)

    def _code(self, *args: Any, **extra: Any) -> int:
        """Run the command line and return the exit code; what went wrong is said."""
        code = UsageError.exit_code
        try:
            returned = self._run(*args, **extra)
            sys.stdout.flush()
            code = returned if isinstance(returned, int) else 0
        except click.Abort:
            click.echo("Interrupted.", err=True)
            code = Interrupted.exit_code
        except click.ClickException as error:
            told = StringIO()
            error.show(file=told)
            in_a_line = told.getvalue().replace("\n\t", " ")  # click lists choices below one another
            click.echo(lines_of(_redacted(in_a_line)), nl=False, err=True)
        except BenchError as error:
            _say(str(error))
            code = error.exit_code
        except OSError as error:
            _say(f"{error.filename or 'the system'}: {error.strerror or error}; {way_out(error)}")
        except SystemExit as ended:  # the shell asked for a completion
            code = UsageError.exit_code if ended.code else 0
        except Exception as error:  # noqa: BLE001 - the last door: no traceback and no undocumented code leaves by it
            _say(f"a fault of bench itself, {_named(error)}; {_log(error)}")
            code = OWN_FAULT
        return code


def _say(message: str) -> None:
    """Write one line to standard error, whatever names it holds."""
    click.echo(f"Error: {display_name(_redacted(message))}", err=True)


def _redacted(text: str) -> str:
    """Return text without secrets."""
    from bench.redaction import redacted  # noqa: PLC0415 - its patterns cost a tenth of `--help`, which needs none

    return str(redacted(text))


def _named(error: Exception) -> str:
    """Return kind and message of an error on one line."""
    text = _redacted(" ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _log(error: Exception) -> str:
    """Store the traceback and return where, in words."""
    content = "".join(
        (
            f"bench {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n",
            *(_redacted(line) for line in traceback.format_exception(error)),
        )
    ).encode("utf-8", "backslashreplace")
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for folder in (named_cache_folder() / "faults", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=f"bench-{name}-", suffix=".log", delete=False) as file:
                file.write(content)
        except OSError:
            continue
        return f"its log, which belongs into a report of it: {file.name}"
    return "no log could be written; set BENCH_CACHE_DIR to a folder that can be, and try again"


@click.group(
    cls=OneLineErrors,
    short_help="Measure training loops.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  bench run --quick tf-eager tf-function",
)
@click.version_option(__version__, "-V", "--version", prog_name="bench")
def main() -> None:
    """Measure which way of writing a training loop is fastest, on this machine, by how much.

    Shell completion:  eval "$(bench completion bash)"  (zsh, fish)
    """
    for remark in variables.remarks(os.environ, commands=main.commands.values()):
        click.echo(remark, err=True)
