"""What a gate decided, beside the runs that it measured."""

from dataclasses import replace

import msgspec
import pytest

from bench.errors import InvalidResult
from bench.records import decisions
from bench.records.decision import Decision


@pytest.fixture
def failed() -> Decision:
    """Return the decision of a gate that found a slowdown."""
    return Decision(
        word="FAILED",
        sentence="Slower, and confirmed: tf-fit.",
        base="ref=main (a1b2c3d)",
        head="here",
        anchor=None,
        budgets=("5 % slower",),
        runs=("20260101-000000-abcd",),
        comment="### Slower, and confirmed: tf-fit.\n",
    )


def test_what_was_decided_is_read_back(failed, tmp_path):
    """From the folder of the run."""
    decisions.store(failed, folder=tmp_path)

    assert failed == decisions.load(tmp_path)


def test_no_secret_is_stored(failed, tmp_path):
    """A loop that crashed may have said one."""
    token = "ghp_" + "a1B2c3D4e5" * 4
    decisions.store(replace(failed, comment=f"my loop: no access with {token}"), folder=tmp_path)

    assert token not in (tmp_path / decisions.FILE).read_text(encoding="utf-8")


def test_a_run_of_no_gate_has_none(tmp_path):
    """As most have."""
    assert None is decisions.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text[:-40], "Input data was truncated"),
        (lambda text: text.replace('"FAILED"', '"GREEN"'), r"Invalid enum value 'GREEN' - at `\$\.word`"),
        (lambda text: text.replace('"head"', '"heat"'), "contains unknown field `heat`|missing required field `head`"),
        (lambda text: text.replace("bench-decision/1", "bench-decision/9"), "it is no bench-decision/1"),
        (lambda text: text + " " * decisions.LARGEST_BYTES, "more than 1,048,576 bytes are no decision"),
    ],
)
def test_one_that_was_changed_by_hand_is_refused_with_a_way_out(failed, tmp_path, change, sentence):
    """A page would tell it as the gate's."""
    decisions.store(failed, folder=tmp_path)
    file = tmp_path / decisions.FILE
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")

    with pytest.raises(InvalidResult, match=rf"decision\.json: .*({sentence}).*; remove it"):
        decisions.load(tmp_path)


def test_it_is_a_document_of_its_own(failed):
    """Its version is in it."""
    assert "bench-decision/1" == msgspec.to_builtins(failed)["schema"]
