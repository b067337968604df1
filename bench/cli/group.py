"""The command `bench`: what all its commands share, and how errors become one line and an exit code."""

from typing import Any

import click

from bench import __version__
from bench.errors import BenchError, Interrupted
from loops.errors import LoopError


class OneLineErrors(click.Group):
    """Turns every error that explains itself into one line and the exit code that its class carries."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (BenchError, LoopError) as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(Interrupted.exit_code)


@click.group(
    cls=OneLineErrors,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  bench run --quick tf-eager tf-function",
)
@click.version_option(__version__, prog_name="bench")
def main() -> None:
    """Measure which way of writing a training loop is fastest, on this machine, by how much.

    Shell completion:  eval "$(_BENCH_COMPLETE=bash_source bench)"  (zsh_source, fish_source)
    """
