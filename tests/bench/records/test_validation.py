"""What journals may hold is written down for every field, and what they hold beyond it is named."""

import math
import typing
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

from bench.errors import InvalidResult
from bench.records import limits, validation
from bench.records.journal import Journal, runs
from bench.records.lines import JOURNAL
from bench.records.loading import load
from bench.records.plan import Plan
from bench.records.stored_run import RunHeader
from bench.records.trial import BlockKind

REFERENCE = Path(__file__).resolve().parent.parent.parent.parent / "results" / "reference"


def types_in(annotation):
    """Return the plain types that an annotation is made of."""
    parts = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return {str}
    return set().union(*(types_in(part) for part in parts)) if parts else {annotation}


@pytest.mark.parametrize("record", limits.LIMITS, ids=lambda record: record.__name__)
def test_every_field_has_a_limit(record):
    """A new or renamed field is thought about; neither true, false nor a record of its own needs one."""
    hints = typing.get_type_hints(record)
    needing = {
        field.name
        for field in fields(record)
        if {kind for kind in types_in(hints[field.name]) if not is_dataclass(kind)} - {bool, type(None), ...}
    }

    assert needing == set(limits.LIMITS[record])


def test_every_record_of_a_journal_is_judged():
    """Those that stand in others included."""
    reached, waiting = set(), [RunHeader, *limits.LIMITS]
    while waiting:
        record = waiting.pop()
        if record not in reached:
            reached.add(record)
            hints = typing.get_type_hints(record)
            waiting += [kind for field in fields(record) for kind in types_in(hints[field.name]) if is_dataclass(kind)]

    assert reached == set(limits.LIMITS)


@pytest.mark.parametrize("folder", runs(REFERENCE), ids=lambda folder: folder.name)
def test_what_was_measured_is_within_the_limits(folder):
    """All published runs can be read."""
    assert load(folder).trials


@pytest.mark.parametrize(
    ("line", "old", "new", "named"),
    [
        (1, '"rounds":2', '"rounds":-3', "$.run.plan.rounds: expected a number from 1 to 1e+06, got -3"),
        (1, '"margin":0.02', '"margin":1e308', "$.run.plan.margin: expected a number from 1e-09 to 100, got 1e+308"),
        (1, '"batch_size":32', '"batch_size":-1', "$.run.plan.cells[0].batch_size: expected a number from 1 to"),
        (
            1,
            '"baseline":"tf-eager"',
            '"baseline":"gone"',
            "$.run.plan.baseline: expected the loop of a cell, got 'gone'",
        ),
        (1, '"run_id":"', '"run_id":"../', "$.run.run_id: expected the name of a folder, got '../"),
        (1, '"label":null', f'"label":"{"x" * 20_000}"', "$.run.label: expected 0 to 1,000 characters, got 20,000"),
        (
            2,
            '"steps":1,"seconds":',
            '"steps":0,"seconds":',
            "$.trial.blocks[0].steps: expected a number from 1 to 1e+12",
        ),
        (2, '"seconds":', '"seconds":-', "$.trial.blocks[0].seconds: expected a number from 1e-09 to 1e+09, got -"),
        (2, '"steps":1,', f'"steps":1{"0" * 400},', "$.trial.blocks[0].steps: expected a number from 1 to"),
        (2, '"round":0', '"round":4', "$.trial.round: expected one below the planned 4, got 4"),
        (2, '"loop":"tf-eager"', '"loop":"mine"', "$.trial.cell: 'mine-mnist-mlp-matched-cpu-b32' is not in the plan"),
        (2, '"kind":"measured"', '"kind":"warm-up"', "$.trial.blocks: expected a measured one, since nothing failed"),
        (1, '"label":null', '"label":' + '{"a":' * 3000 + "{", "nested too deep"),
        (
            2,
            '"versions":{',
            '"versions":' + '{"a":' * 3000 + "{",
            "Expected `str`, got `object` - at `$.trial.versions",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_that_cannot_be_is_named(tmp_path, make_run, line, old, new, named):
    """File, line, field, what would be right, and a way out."""
    run = make_run(rounds=2)
    journal = Journal.create(tmp_path, header=run.header)
    for trial in run.trials:
        journal.add(trial)
    path = journal.folder / JOURNAL
    lines = path.read_text().split("\n")
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new) if "measured" in old else lines[line - 1].replace(old, new, 1)
    path.write_text("\n".join(lines))

    with pytest.raises(InvalidResult) as caught:
        load(journal.folder)

    assert str(caught.value).startswith(f"{path}:{line}: {named}")
    assert str(caught.value).endswith("; correct the line, or move the run's folder away")
    assert len(str(caught.value)) < 1000


def test_rounds_are_without_a_plan_where_precision_decides(tmp_path, make_run):
    """They are added as long as it takes."""
    run = make_run(rounds=3)
    plan = replace(run.header.plan, rounds=2, precision=0.01)
    journal = Journal.create(tmp_path, header=replace(run.header, plan=plan))
    for trial in run.trials:
        journal.add(trial)

    assert 3 == load(journal.folder).planned_rounds


def test_a_finished_trial_was_measured(make_trial, make_cell, make_header):
    """One that failed may have no block at all."""
    contents = validation.Contents(make_header([make_cell("tf-eager")]))
    trial = make_trial(make_cell("tf-eager"), blocks=0)

    assert not trial.blocks_of(BlockKind.MEASURED)
    assert ["$.trial.blocks: expected a measured one, since nothing failed"] == list(contents.wrong_trial(trial))


@pytest.mark.parametrize("waited", [None, 0.0, 0.002])
def test_a_block_is_passed_at_a_glance_whatever_its_system_does_not_say(make_block, waited):
    """A run has thousands of them; looked at field by field they take longer than all else of its reading."""
    block = replace(make_block(), waited_seconds=waited)

    assert validation._is_sound_block(block)
    assert not validation._is_sound_block(replace(block, waited_seconds=math.nan))
    assert not validation._is_sound_block(replace(block, steps=0))


@pytest.mark.parametrize(
    ("field", "smallest", "below"), [("rounds", 1, 0), ("looks", 2, 1), ("blocks_per_trial", 1, 0), ("steps", 1, 0)]
)
def test_the_smallest_run_that_can_be_asked_for_can_be_stored(field, smallest, below):
    """One round of one block of one step; to look at a single round tells nothing."""
    limit = limits.LIMITS[Plan][field]

    assert limit.wrong(smallest) is None
    assert limit.wrong(below) is not None


def test_a_seed_is_one_that_tables_can_hold():
    """Columns of integers have 64 bits, one of them for the sign."""
    seed = limits.LIMITS[Plan]["seed"]

    assert seed.wrong(2**63 - 1) is None
    assert seed.wrong(2**63) is not None
