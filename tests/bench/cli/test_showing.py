"""What `bench show` says of a loop, from its source alone."""

import json
import shutil
from pathlib import Path

import pytest

from loops import registry

ROOT = Path(__file__).resolve().parents[3]


def test_a_loop_is_shown_with_all_that_is_asked_of_it(bench):
    """What it is, in which framework, what to type, where, what it cannot train and why, and how to measure it."""
    text = bench("show", "tf-fit-steps").stdout

    lines = {line[2:20].strip(): line[21:] for line in text.splitlines()[1:]}
    assert text.startswith("tf-fit-steps\n")
    assert "fit() with many steps per call on TensorFlow" == lines["what it is"]
    assert lines["framework"].startswith("tensorflow")
    assert "`compile(steps_per_execution=100)`" == lines["in place of fit()"]
    assert lines["source"].endswith("loops/variants/tf_fit_steps.py")
    assert "mnist-dcgan: not written for adversarial training" in lines["cannot train"]
    assert "bench run tf-fit-stock tf-fit-steps" == lines["measure it"]


def test_a_loop_with_two_bodies_names_both(bench):
    """Adversarial training has one of its own."""
    (shown,) = json.loads(bench("show", "torch-native", "--format", "json").stdout)

    assert ["torch_native.py", "torch_native_dcgan.py"] == [Path(source).name for source in shown["sources"]]


def test_plain_fit_is_measured_alone_and_numpy_too(bench):
    """There is nothing to put beside them."""
    found = json.loads(bench("show", "jax-fit-stock", "numpy", "--format", "json").stdout)

    assert ["bench run jax-fit-stock", "bench run numpy"] == [one["command"] for one in found]
    assert "nothing" == found[0]["change"]


def test_a_pattern_and_all_show_several(bench):
    """As everywhere."""
    assert 4 == len(json.loads(bench("show", "jax-*", "--format", "json").stdout))
    assert len(registry.loop_names()) == len(json.loads(bench("show", "all", "--format", "json").stdout))


def test_a_file_of_a_user_is_shown_though_it_says_little(bench, tmp_path, monkeypatch):
    """By its path, as it is measured by."""
    monkeypatch.setenv("BENCH_FILES", "[]")
    shutil.copy(ROOT / "examples" / "my_loop.py", tmp_path / "my_loop.py")

    (shown,) = json.loads(bench("show", "my_loop.py", "--format", "json").stdout)

    assert ("my_loop", "", "") == (shown["loop"], shown["title"], shown["change"])
    assert "bench run torch-fit-stock my_loop.py" == shown["command"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("tf-fti", "Error: there is no loop 'tf-fti'. Did you mean 'tf-fit'?"),
        ("tff-*", "Error: no loop is called like 'tff-*'. Did you mean one like 'tf-fit"),
        ("no_such.py", "Error: no_such.py: cannot be read"),
    ],
)
def test_a_loop_that_there_is_not_is_one_line_and_exit_2(refused, asked, message):
    """With the nearest."""
    assert refused(2, "show", asked).startswith(message)
