"""Commands that look around or write a beginning: list, show, env, new."""

import os
from pathlib import Path
from typing import Literal

import click

from bench.cli.group import main
from bench.cli.options import complete_loops, option, results_option
from bench.errors import UsageError


@main.command("list", short_help="Say what exists and what is available here.")
@click.argument("what", type=click.Choice(["loops", "workloads", "guides", "devices", "runs"]), default="loops")
@results_option
@option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
@option("--limit", type=click.IntRange(min=1), default=20, help="Of runs, so many of the newest.")
def list_(what: str, results_dir: Path, output_format: str, limit: int) -> None:
    """Say which loops, workloads, devices or runs exist, what is available here, and why not.

    'workloads' shows which loops can train each, 'guides' where the systems of the Keras guides are found.

    \b
    Examples:
      bench list
      bench list workloads
      bench list devices
      bench list runs --limit 100
    """
    from bench.cli import listing  # noqa: PLC0415

    click.echo(listing.render(what, results=results_dir, output_format=output_format, limit=limit))


@main.command(short_help="Say what a LOOP is and what to type to have it.")
@click.argument("loops", nargs=-1, required=True, metavar="LOOP...", shell_complete=complete_loops)
@option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
def show(loops: tuple[str, ...], output_format: str) -> None:
    """Say what a LOOP is, what to type to have it in place of plain fit(), where its source is, what it cannot train.

    A LOOP is a name, a Python file of yours, or a pattern such as 'tf-*'.

    \b
    Examples:
      bench show tf-fit-steps
      bench show 'jax-*'
      bench show my_loop.py --format json
    """
    from bench.cli import showing  # noqa: PLC0415

    click.echo(showing.render(loops, output_format=output_format))


@main.command(short_help="Write a loop or a workload of your own to begin with.")
@click.argument("kind", metavar="loop|workload", type=click.Choice(["loop", "workload"]))
@click.argument("name")
@option("--from", "saved", type=click.Path(path_type=Path), metavar="MODEL.keras", help="A workload for a saved model.")
def new(*, kind: Literal["loop", "workload"], name: str, saved: Path | None) -> None:
    """Write NAME.py, a loop or a workload of your own to begin with: commented, and it runs as it is.

    A loop is a way of training; a workload is what is trained: a compiled Keras model and your arrays.
    Wherever a command takes the name of one, it takes such a file. A file that is there is never overwritten.

    \b
    Examples:
      bench new loop my_loop          then: bench run --quick --loop my_loop.py
      bench new workload my_model     then: bench run --quick --workload my_model.py
      bench new workload my_model --from model.keras
    """
    from bench.cli import skeletons  # noqa: PLC0415

    if saved is not None:
        if kind == "loop":
            raise UsageError("--from: a loop trains any model; 'bench new workload NAME --from MODEL.keras' is for one")
        click.echo(skeletons.next_steps(kind, skeletons.write_for(saved, name), saved=True))
        return
    click.echo(skeletons.next_steps(kind, skeletons.write(kind, name)))


@main.command(short_help="Say what this machine is and what disturbs it.")
@option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
def env(output_format: str) -> None:
    """Print this machine's passport and what would disturb a measurement.

    \b
    Example:
      bench env --format json
    """
    from bench.cli import listing  # noqa: PLC0415

    click.echo(listing.render_environment(environment=os.environ, output_format=output_format))


@main.command(short_help="Print what completes words of this command in SHELL.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what completes commands, options, loops and runs in SHELL.

    \b
    Examples:
      eval "$(bench completion bash)"                            in ~/.bashrc
      eval "$(bench completion zsh)"                             in ~/.zshrc
      bench completion fish > ~/.config/fish/completions/bench.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    found = get_completion_class(shell)
    assert found is not None  # click knows all three
    click.echo(found(main, {}, "bench", "_BENCH_COMPLETE").source())
