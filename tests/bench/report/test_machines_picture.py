"""One picture per loop, a row per machine."""

import re
from xml.etree import ElementTree as ET

import pytest

from bench.analysis.many_machines import matrices
from bench.report import machines_picture

STEPS = {"tf-eager": 8e-3, "tf-function": 0.4e-3, "torch-native": 0.75e-3}


@pytest.fixture
def found(make_run):
    """Return three machines; on the last one a loop is slower than the baseline."""
    labs = {"a": STEPS, "b": STEPS, "c": STEPS | {"tf-function": 12e-3}}
    (matrix,) = matrices(
        make_run(steps=steps, seed=seed, run_id=f"run-{seed}", noise=0.01, environment={"machine name": name})
        for seed, (name, steps) in enumerate(labs.items())
    )
    return matrix


def test_letters_go_on_behind_z():
    """As columns of a spreadsheet do."""
    assert ["A", "Z", "AA", "AB"] == [machines_picture.letters(28)[place] for place in (0, 25, 26, 27)]


def test_a_row_for_each_machine_with_mark_and_interval(found):
    """The words of the picture hold the same."""
    drawn = ET.fromstring(machines_picture.draw(found)["tf-function"])

    assert ["A", "B", "C"] == [text.text for text in drawn.iter("text") if text.get("x") == "0"]
    strokes = [path.get("stroke") for path in drawn.iter("path") if path.get("stroke-width") == "11"]
    assert ["var(--faster)", "var(--faster)", "var(--slower)"] == strokes
    assert re.match(r"tf-function against tf-eager, A: .*x faster; B: .*; C: .*x slower$", drawn.get("aria-label"))


def test_the_scale_is_the_same_in_all_pictures_and_has_one_at_its_line(found):
    """Else they could not be compared."""
    texts = [
        [(text.get("x"), text.text) for text in ET.fromstring(machines_picture.draw(found)[loop]).iter("text")]
        for loop in ("tf-function", "torch-native")
    ]

    assert texts[0] == texts[1]
    assert "1x" in [text for _, text in texts[0]]
    assert len([text for _, text in texts[0] if text.endswith("x")]) <= 4


def test_the_baseline_has_no_picture(found, make_run):
    """Nor have machines without a ratio."""
    (nothing,) = matrices(make_run(steps={"a": 1e-3}, run_id=name, environment={"machine name": name}) for name in "ab")

    assert {"tf-function", "torch-native"} == set(machines_picture.draw(found))
    assert {} == machines_picture.draw(nothing)
