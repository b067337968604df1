"""A help page with many options has headings; one with few is a list, as click writes it."""

from collections.abc import Iterator

import click

from bench.cli.groups import SECTIONS

LONG = 12
"""Options from which on a list is too long to be looked through."""

_REST = "Options"

_HEADINGS = {**SECTIONS, "On which machines": ("on", "machines", "where", "wait_for_node", "sent")}
"""And what only `bench run` takes beside the groups."""


class Sectioned(click.Command):
    """Writes options below the headings of `bench.cli.groups.SECTIONS`; those that stand in none come first."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        records = {
            parameter.name or "": record
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None
        }
        if len(records) < LONG:
            super().format_options(ctx, formatter)
            return
        for heading, names in _sections(records):
            with formatter.section(heading):
                formatter.write_dl([records[name] for name in names])


def _sections(records: dict[str, tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield each heading that has options, and their names in its order."""
    known = {name for names in _HEADINGS.values() for name in names}
    if rest := [name for name in records if name not in known]:
        yield _REST, rest
    for heading, names in _HEADINGS.items():
        if found := [name for name in names if name in records]:
            yield heading, found
