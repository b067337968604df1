"""Who else used the processor, in words."""

import pytest

from bench.records.busy import BusyProgram, busiest, told

MAKE = BusyProgram(name="make", processes=2, cores=1.5)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (None, "make (2 processes, 1.5 cores)"),
        (1.7, "make (2 processes, 1.5 cores)"),
        (2.5, "make (2 processes, 1.5 cores), programs that have ended or cannot be seen (1.0 cores)"),
    ],
)
def test_what_programs_do_not_add_up_to_is_told_where_it_is_known(others, words):
    """But for a quarter of a core, which is nobody's."""
    assert words == told([MAKE], others=others)


def test_where_nobody_can_be_seen_that_is_said():
    """One process has no number of processes."""
    assert "no program that can be seen" == told([])
    assert "cc (0.4 cores)" == told([BusyProgram(name="cc", processes=1, cores=0.4)])


def test_each_program_is_told_where_it_was_busiest():
    """The busiest first."""
    later, other = BusyProgram(name="make", processes=1, cores=0.5), BusyProgram(name="cc", processes=1, cores=1.0)

    assert (MAKE, other) == busiest([later, other, MAKE])
