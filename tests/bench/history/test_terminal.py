"""A history as a table, in Markdown, and as data."""

import csv
import io
import json

import pytest

from bench.history import terminal


@pytest.fixture
def slower(make_judged, make_event):
    """Return a loop that became 10 % slower on the third night."""
    return make_judged([2.0, 2.0, 2.2, 2.2], events=[make_event(2, 1.1, changed=("keras 3.14.0 to 3.15.1",))])


def lines(*judged, encoding="utf-8"):
    """Return the lines of the table and of what follows."""
    return terminal.to_text(judged, encoding=encoding).splitlines()


def test_a_row_holds_level_course_and_last_change(slower):
    """With the day of the change."""
    (_, row, *_) = lines(slower)

    for part in ("tf-fit", "mnist-mlp, CPU, batch 32", "AMD EPYC, 2 cores", "  4  ", "▁▁█", "0.660"):
        assert part in row
    assert row.endswith("+10.0 % (+8.9 to +11.1) slower, 2026-01-03")


def test_a_loop_to_which_nothing_happened_has_a_row_and_nothing_else(make_judged):
    """One line under the header."""
    said = lines(make_judged())

    assert 2 == len(said)
    assert said[1].endswith("none found")


def test_a_change_before_a_break_is_not_the_last_one(make_judged, make_event, make_break):
    """Another thing is measured since then; the sentence about it stays."""
    said = lines(make_judged([2.0] * 6, events=[make_event(2)], breaks=[make_break(4)]))

    assert said[1].endswith("none found")
    assert any("slower since 20260103-0002" in line for line in said[2:])


def test_setting_and_machine_stand_once_where_rows_share_them(make_judged):
    """A row that differs in either shows both again."""
    first, second, third = (
        make_judged(loop="a"),
        make_judged(loop="b"),
        make_judged(loop="c", title="Apple M4"),
    )

    (_, *rows) = lines(first, second, third, first)

    assert [True, False, True, True] == ["mnist-mlp" in row for row in rows]
    assert [True, False, False, True] == ["AMD EPYC" in row for row in rows]


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("UTF8", True), ("ascii", False), ("latin-1", False), (None, False)]
)
def test_bars_are_what_the_terminal_can_show(slower, encoding, unicode):
    """Where it is not known, plain ones."""
    assert unicode == ("█" in lines(slower, encoding=encoding)[1])


def test_what_all_loops_did_stands_once_and_not_under_each_loop(make_judged, make_event):
    """A row says that it was all of them."""
    event = make_event(2, alike=("a", "b", "c"))

    said = lines(*(make_judged(events=[event], loop=loop) for loop in "abc"))

    assert all("(all loops)" in row for row in said[1:4])
    assert ["", "AMD EPYC, 2 cores: all 3 loops moved alike"] == [line.partition(",  ")[0][:42] for line in said[4:]]


def test_notes_follow_the_events_of_their_loop(make_judged, make_event):
    """Indented, under the loop's name."""
    said = lines(make_judged(events=[make_event(2)], left_out=2))

    assert ["", "tf-fit, mnist-mlp, CPU, batch 32, AMD EPYC, 2 cores:"] == said[2:4]
    assert "  2 runs without a kernel are left out" == said[-1]
    assert said[4].startswith("  +10.0 %")


def test_markdown_is_a_table_and_a_list(slower):
    """Of which nothing is left over where nothing happened."""
    said = terminal.to_markdown([slower]).splitlines()

    assert ["| loop ", "| --- |", "| tf-fi", "", "- tf-fi"] == [line[:7] for line in said]


def test_markdown_without_events_ends_with_its_table(make_judged):
    """No empty list, no blank line."""
    assert 3 == len(terminal.to_markdown([make_judged()]).splitlines())


def test_names_open_nothing_in_markdown(make_judged, make_event):
    """Whatever the loop and the machine are called."""
    said = terminal.to_markdown([make_judged(loop="a|b<img>", title="@all [x](y)", events=[make_event(2)])])

    assert "<img>" not in said
    assert "@all" not in said
    assert r"a\|b" in said


def test_data_hold_every_level_event_and_break(make_judged, make_event, make_break):
    """By the names of runs, with the schema's own version."""
    judged = make_judged([2.0] * 6, events=[make_event(2, earliest=1, latest=3)], breaks=[make_break(4)])

    found = json.loads(terminal.to_json([judged]))

    (series,) = found["series"]
    assert "bench-history/1" == found["schema"]
    assert ("multiples of the kernel's step", 0.3e-3, 6) == (series["unit"], series["unit_seconds"], series["runs"])
    assert [
        ("20260101-0000", "20260102-0001"),
        ("20260103-0002", "20260104-0003"),
        ("20260105-0004", "20260106-0005"),
    ] == [(level["first"], level["last"]) for level in series["levels"]]
    assert [{"run": "20260105-0004", "what": "the data"}] == series["breaks"]
    (event,) = series["events"]
    assert ("step", "20260103-0002", "20260102-0001", "20260104-0003", False, []) == tuple(
        event[name] for name in ("kind", "run", "earliest", "latest", "all_loops_alike", "changed")
    )


def test_data_in_seconds_and_a_creep_say_so(make_judged, make_event):
    """The kind of an event, and the unit of a value."""
    ratio = make_event(0).ratio
    judged = make_judged(events=[make_event(3, earliest=0, per_run=ratio)], calibrated=False, unit_seconds=1.0)

    (series,) = json.loads(terminal.to_json([judged]))["series"]

    assert ("seconds", "creep") == (series["unit"], series["events"][0]["kind"])


def test_no_series_is_data_too():
    """An empty list."""
    assert {"schema": "bench-history/1", "series": []} == json.loads(terminal.to_json([]))


def test_csv_has_a_row_per_run_with_its_level(slower):
    """Plain numbers, and whatever a name holds."""
    rows = list(csv.DictReader(io.StringIO(terminal.to_csv([slower]))))

    assert [2.0, 2.0, 2.2, 2.2] == [float(row["level"]) for row in rows]
    assert [2.0, 2.0, 2.2, 2.2] == [float(row["value"]) for row in rows]
    assert ("box", "tf-fit", "2026-01-01T02:00:00", "0.0006") == tuple(
        rows[0][name] for name in ("machine", "loop", "started", "step_seconds")
    )


def test_a_name_with_commas_and_quotes_is_one_field_of_csv(make_judged):
    """As RFC 4180 has it."""
    (row, *_) = csv.DictReader(io.StringIO(terminal.to_csv([make_judged(loop='a,"b"\nc')])))

    assert 'a,"b"\nc' == row["loop"]
