"""Which loops are exported, and under which names."""

import pytest

from bench.report.export.entries import exportable

FORMATS = ("pytest-benchmark", "pyperf", "github-action")
PARAMETERS = "[mnist-mlp-matched-cpu-b32]"


def test_every_loop_is_exported_or_left_out(make_run, make_failure):
    """None is lost on the way, and none is in both."""
    run = make_run(failures={"tf-fit": make_failure()}, loss_gaps={"tf-eager": 0.1})

    found = exportable(run)

    assert {"tf-fit", "tf-eager"} == {cell.cell.loop for cell in found.left_out}
    assert {cell.loop for cell in run.header.plan.cells} - {"tf-fit", "tf-eager"} == {
        entry.cell.loop for entry in found.entries
    }


@pytest.mark.parametrize("to", FORMATS)
def test_names_are_the_same_in_every_run(make_run, to, names):
    """History is kept by name; order and numbers of a run do not matter."""
    again = make_run(steps={"torch-native": 5e-3, "tf-eager": 1e-3}, seed=3, run_id="another")

    assert {f"torch-native{PARAMETERS}", f"tf-eager{PARAMETERS}"} == set(names(again, to)) < set(names(make_run(), to))


@pytest.mark.parametrize("to", FORMATS)
def test_hostile_names_stay_apart_and_on_one_line(make_run, to, names, hostile_names):
    """Different loops have different names, each of which can be printed."""
    found = names(make_run(steps=dict.fromkeys(hostile_names, 1e-3)), to)

    assert len(hostile_names) == len(set(found))
    assert all(name.isprintable() and name == name.strip() for name in found)


def test_hostile_names_are_read_by_both_tools(make_run, exported, command, names, hostile_names):
    """Every loop arrives, under its name."""
    run = make_run(steps=dict.fromkeys(hostile_names, 1e-3), rounds=2)
    paths = {to: exported(run, to, name=to) for to in ("pytest-benchmark", "pyperf")}

    table = command("pytest_benchmark", "compare", paths["pytest-benchmark"])
    listing = command("pyperf", "compare_to", "--verbose", paths["pyperf"], paths["pyperf"])

    assert all(name in table for name in names(run, "pytest-benchmark"))
    assert all(name in listing for name in names(run, "pyperf"))


@pytest.mark.parametrize("to", FORMATS)
def test_an_interrupted_run_is_exported_as_far_as_it_went(make_run, to, names):
    """What had finished counts."""
    run = make_run(finished_rounds=4)

    assert 5 == len(names(run, to))
