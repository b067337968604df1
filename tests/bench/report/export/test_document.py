"""The text of an export, what it leaves out, and the file it is saved in."""

import pyperf
import pytest

from bench.errors import FileTrouble, NothingComparable, UsageError
from bench.records.trial import FailureKind
from bench.report.export import document
from bench.report.export.entries import exportable

FORMATS = ("pytest-benchmark", "pyperf", "github-action")
PARAMETERS = "[mnist-mlp-matched-cpu-b32]"


def test_one_round_has_no_interval(make_run, exported, command, parsed):
    """No range is made up, and both tools still read the file."""
    run = make_run(steps={"mine": 1e-3}, rounds=1)

    (entry,) = parsed(run, "github-action")

    assert "range" not in entry
    assert "mine" in command("pytest_benchmark", "compare", exported(run, "pytest-benchmark", name="pytest"))
    assert 10 == pyperf.Benchmark.load(str(exported(run, "pyperf", name="pyperf"))).get_nvalue()


@pytest.mark.parametrize("to", FORMATS)
def test_loops_that_failed_are_named_and_not_exported(make_run, make_failure, to, names):
    """No number, no zero: one line says why. One failed process is enough."""
    run = make_run(failures={"tf-fit": make_failure(FailureKind.TIMEOUT, message="gave up")}, failed_rounds=[2])

    assert f"tf-fit{PARAMETERS}" not in names(run, to)
    assert 4 == len(names(run, to))
    assert (
        "not exported: tf-fit-mnist-mlp-matched-cpu-b32: 1 of 6 processes failed: timeout in measure: gave up",
    ) == document.remarks(exportable(run), to=to)


@pytest.mark.parametrize("to", FORMATS)
def test_loops_that_do_other_work_are_named_and_not_exported(make_run, to, names):
    """A faster loop that trains less is not faster."""
    run = make_run(loss_gaps={"tf-fit": 0.1})

    (line,) = document.remarks(exportable(run), to=to)

    assert f"tf-fit{PARAMETERS}" not in names(run, to)
    assert line.startswith("not exported: tf-fit-mnist-mlp-matched-cpu-b32: it does not do the same work: loss")


def test_remarks_are_one_line_each(make_run, make_failure, hostile_names):
    """Whatever a loop is called and however it failed."""
    run = make_run(
        steps=dict.fromkeys(hostile_names, 1e-3), failures=dict.fromkeys(hostile_names, make_failure(message="a\nb\rc"))
    )

    lines = document.remarks(exportable(run), to="pyperf")

    assert len(hostile_names) == len(lines)
    assert not any(set("\n\r\x1b\x00") & set(line) for line in lines)


@pytest.mark.parametrize("to", FORMATS)
def test_a_run_without_a_finished_trial_is_an_error(make_run, to):
    """Exit code 4: there is nothing another tool could compare."""
    run = make_run(finished_rounds=0)

    with pytest.raises(NothingComparable) as caught:
        document.render(exportable(run), to=to)

    assert (
        "2026-01-02-120000-abcd: nothing to export, since no loop was measured and passed its check; "
        "see 'bench report 2026-01-02-120000-abcd'"
    ) == str(caught.value)
    assert 4 == caught.value.exit_code
    assert 5 == len(document.remarks(exportable(run), to=to))


@pytest.mark.parametrize("to", FORMATS)
def test_equal_runs_are_exported_alike(make_run, to):
    """Byte for byte, and in ASCII, whatever the locale."""
    text = document.render(exportable(make_run()), to=to)

    assert document.render(exportable(make_run()), to=to) == text
    assert text.isascii()


def test_an_existing_file_is_kept_unless_force_is_given(tmp_path):
    """Yesterday's baseline is not lost to a slip."""
    file = tmp_path / "base.json"
    file.write_text("yesterday")

    with pytest.raises(UsageError) as caught:
        document.save("today", file=file, force=False)

    assert f"{file}: is there already; choose another --output or give --force" == str(caught.value)
    assert "yesterday" == file.read_text()
    document.save("today", file=file, force=True)
    assert "today\n" == file.read_text()


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    """Its folder is missing."""
    file = tmp_path / "missing" / "base.json"

    with pytest.raises(FileTrouble) as caught:
        document.save("{}", file=file, force=False)

    assert str(caught.value).startswith(f"{file}: cannot be written (No such file or directory); a folder on the way")
