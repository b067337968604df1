"""`bench list` from the outside."""

import pytest

from loops import guides, registry

COLUMNS = {
    "loops": ["loop", "framework", "available", "trains", "title", "what it is"],
    "workloads": ["workload", "loops", "what it is"],
    "guides": ["guides", "teaches", "loop", "workload", "the guide's figure", "command"],
}


def test_loops_are_the_same_as_json(session):
    """Each in the list under its name, and every one with all that is known of it."""
    listed = session.bench("list", "loops")
    rows = session.bench("list", "loops", "--format", "json").json

    assert (0, "") == (listed.code, listed.err)
    assert all(COLUMNS["loops"] == list(row) for row in rows)
    assert {row["loop"] for row in rows} <= {line.split()[0] for line in listed.out.splitlines() if line}


@pytest.mark.parametrize("what", ["workloads", "guides"])
def test_a_list_is_a_table_and_the_same_as_json(session, what):
    """One line for each row under the names of its columns, every cell in its line, where no terminal has a width."""
    table = session.bench("list", what, COLUMNS="0")
    rows = session.bench("list", what, "--format", "json").json

    header, *lines = table.out.splitlines()
    assert (0, "") == (table.code, table.err)
    assert all(COLUMNS[what] == list(row) for row in rows)
    assert len(rows) == len(lines)
    assert all(name in header for name in COLUMNS[what])
    assert all(cell in line for row, line in zip(rows, lines, strict=True) for cell in row.values())


def test_every_loop_is_listed_with_what_it_needs_and_trains(session):
    """Our own ones first, in the order of the registry; a missing framework is named with what to install."""
    rows = session.bench("list", "loops", "--format", "json").json

    assert list(registry.LOOPS) == [row["loop"] for row in rows][: len(registry.LOOPS)]
    by_name = {row["loop"]: row for row in rows}
    assert ("tensorflow", "all") == (by_name["tf-function"]["framework"], by_name["tf-function"]["trains"])
    assert "all but mnist-dcgan" == by_name["tf-fit-lowlevel"]["trains"]
    assert by_name["torch-compile"]["trains"].startswith("all but mnist-dcgan, mnist-cnn, mnist-lstm, ")
    assert all(row["available"] == "yes" or row["available"].startswith("no: ") for row in rows)
    assert "numpy" == by_name["toy"]["framework"]
    assert "no: it needs numpy>=99; numpy " in by_name["needs-later"]["available"]


def test_every_workload_is_listed_with_the_loops_that_train_it(session):
    """A hole has its reason."""
    rows = session.bench("list", "workloads", "--format", "json").json

    carried = {row["workload"]: row["loops"] for row in rows}
    assert set(registry.WORKLOADS) <= carried.keys()
    assert carried["mnist-dcgan"].startswith("tf-eager, tf-function, tf-fit, torch-native, torch-keras, ")
    assert carried["mnist-dcgan"].endswith("; the others are not written for adversarial training")


def test_every_system_of_the_guides_has_a_command_that_runs_it(session):
    """S1 to S15, each with loops and a workload that exist."""
    rows = session.bench("list", "guides", "--format", "json").json

    assert [system.name for system in guides.SYSTEMS] == [row["guides"] for row in rows]
    assert {f"S{number}" for number in range(1, 16)} == {name for row in rows for name in row["guides"].split(", ")}
    for row in rows:
        assert row["workload"] in registry.WORKLOADS
        assert set(row["loop"].split(", ")) <= registry.LOOPS.keys()
        assert (
            f"bench run --track guide --workload {row['workload']} {row['loop'].replace(', ', ' ')}" == (row["command"])
        )
