"""Help pages: headings where there are many options, and summaries that are not cut."""

import click
import pytest

from bench.cli.groups import SECTIONS
from bench.cli.main import main


def pages():
    """Return every command, by its name."""
    return dict(main.commands)


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_commands_summary_fits_beside_its_name(name):
    """Cut with three dots it tells nobody what it is for."""
    summary = pages()[name].get_short_help_str(200)

    assert len(summary) <= 55
    assert summary.endswith(".")


@pytest.mark.parametrize("name", ["run", "ab", "gate"])
def test_a_long_help_page_lists_every_option_once_below_a_heading(bench, name):
    """None is lost by the headings, and none of them is empty."""
    text = bench(name, "--help").stdout

    command = pages()[name]
    options = [one for one in command.get_params(click.Context(command)) if isinstance(one, click.Option)]
    listed = [line.split()[0].rstrip(",") for line in text.splitlines() if line.startswith("  -")]
    assert len(options) == len(listed) == len(set(listed))
    for heading in SECTIONS:
        _, found, rest = text.partition(f"\n{heading}:\n")
        assert not found or rest.startswith("  -"), heading


def test_a_short_help_page_is_a_plain_list(bench):
    """As click writes it."""
    text = bench("env", "--help").stdout

    assert "\nOptions:\n" in text
    assert not any(heading in text for heading in SECTIONS)


@pytest.mark.parametrize(("short", "long"), [("-V", "--version"), ("-h", "--help")])
def test_what_people_type_first_has_a_letter(bench, short, long):
    """The same text."""
    assert bench(short).stdout == bench(long).stdout
