"""run and ab in process: a real measurement, and what is refused before anything is started."""

import pytest

from bench.records import journal, loading

QUICK = ("--rounds", "1", "--steps", "20", "--threads", "1", "--no-verify", "--no-report", "--no-calibrate")


def test_run_measures_stores_and_prints(bench, tmp_path):
    """Text of the user and everything that was asked for stands in the stored run."""
    done = bench("run", "numpy", *QUICK, "--batch-size", "64", "--name", "a name", "--seed", "3", "--format", "json")

    assert 0 == done.exit_code, done.output
    (folder,) = journal.runs(tmp_path / "results")
    header = loading.load(folder).header
    plan = header.plan
    assert ("a name", 3, 20, 1, False) == (header.label, plan.seed, plan.steps, plan.rounds, plan.verify)
    assert [64] == [cell.batch_size for cell in plan.cells]
    assert "numpy" in done.stdout
    assert not (tmp_path / "reports").exists()


def test_ab_measures_a_loop_in_two_environments(bench, tmp_path):
    """And goes by the same options."""
    done = bench("ab", "env=A=1", "env=A=2", "numpy", *QUICK)

    assert 0 == done.exit_code, done.output
    assert "numpy [A]" in done.stdout
    assert "numpy [B]" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "nunpy"), "Error: there is no loop 'nunpy'. Did you mean 'numpy'?"),
        (
            ("run", "--quick", "--rounds", "4"),
            "Error: --rounds, --quick and --rigorous say the same thing; give one of them",
        ),
        (("run", "numpy", "--resume", "x"), "Error: --resume goes on with the plan of x; it takes no LOOP"),
        (("run", "--batch-size", "0"), "Error: Invalid value for '--batch-size': 0 is not above 0"),
        (
            ("run", "--batch-size", "1,x"),
            "Error: Invalid value for '--batch-size': '1,x' is not a list of whole numbers",
        ),
        (("run", "--margin", "100"), "Error: Invalid value for '--margin': 100 is not between 0 and 100 per cent"),
        (
            ("run", "--precision", "a bit"),
            "Error: Invalid value for '--precision': 'a bit' is not a number of per cent",
        ),
        (
            ("run", "--python", "torch"),
            "Error: Invalid value for '--python': 'torch' is not of the form torch=/path/to/python",
        ),
        (("run", "--workload", "mnist"), "Error: there is no workload 'mnist'."),
        (
            ("run", "numpy", "--arrays", "data.npz"),
            "Error: --arrays data.npz: mnist-mlp takes none: they are what a saved model is trained on,",
        ),
        (
            ("run", "--all-guides", "numpy"),
            "Error: --all-guides chooses loops and workloads itself; leave out LOOP, --exclude, --workload and",
        ),
        (("ab", "here"), "Error: Argument 'sides' takes 2 values."),
        (("ab", "here", "toy"), "Error: side B: 'toy' is no environment; write python=PATH, ref=GIT-REF"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_one_sentence_and_exit_2(refused, tmp_path, arguments, sentence):
    """Nothing is stored."""
    assert refused(2, *arguments).startswith(sentence)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("option", ["--all-guides", "--breakdown", "--samples", "--resume"])
def test_what_belongs_to_run_alone_is_no_option_of_ab(refused, option):
    """It says nothing about two environments."""
    assert f"Error: No such option '{option}'" in refused(2, "ab", "here", "here", option)
