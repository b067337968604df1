"""Every message between harness and process: its name, its defaults, and that it is never changed."""

from dataclasses import MISSING, FrozenInstanceError, asdict, fields
from typing import get_args

import pytest

from bench.records.cell import Setting
from bench.worker import messages
from bench.worker.messages import Answer, Check, Command, Failed, Finished, Measured, Prepare, TrialRequest, Warm
from bench.worker.wire import encode, fields_of

ALL = [*get_args(Command), *get_args(Answer)]


def needed(message):
    """Return the names of the fields that have to be given."""
    return {one.name for one in fields(message) if one.default is MISSING and one.default_factory is MISSING}


@pytest.mark.parametrize("end", [Command, Answer])
def test_no_two_messages_of_one_end_have_one_name(end):
    """The name is how they are told apart."""
    kinds = [message.kind for message in get_args(end)]

    assert sorted(set(kinds)) == sorted(kinds)


@pytest.mark.parametrize("message", ALL, ids=lambda message: message.__name__)
def test_a_name_is_safe_on_the_wire_and_no_field(message):
    """Beside the fields, under a name that none of them has."""
    assert message.kind == message.kind.lower().strip()
    assert message.kind.isascii()
    assert "kind" not in {one.name for one in fields(message)}


@pytest.mark.parametrize("message", ALL, ids=lambda message: message.__name__)
def test_a_message_is_whole_or_refused(message):
    """A field that is missing or unknown is no message."""
    with pytest.raises(TypeError):
        message(**dict.fromkeys(needed(message)), unknown=1)
    for name in needed(message):
        with pytest.raises(TypeError, match=name):
            message(**dict.fromkeys(needed(message) - {name}))


@pytest.mark.parametrize("message", ALL, ids=lambda message: message.__name__)
def test_a_message_is_not_changed_once_it_is_made(message):
    """Neither a field nor its name."""
    made = message(**dict.fromkeys(needed(message)))

    for name in (*(one.name for one in fields(message)), "kind"):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(made, name, 1)


@pytest.mark.parametrize("message", ALL, ids=lambda message: message.__name__)
def test_a_message_is_one_line_with_its_name_and_every_field(message):
    """Also those that were left out."""
    made = message(**dict.fromkeys(needed(message)))

    line = encode(made)
    found, values = fields_of(line, expected=message)

    assert (1, message) == (line.count(b"\n"), found)
    assert values.keys() == asdict(made).keys()


def test_a_trial_is_asked_for_in_a_setting():
    """All of it: what is ranked together was asked for alike."""
    assert {one.name for one in fields(Setting)} <= {one.name for one in fields(TrialRequest)}


@pytest.mark.parametrize(
    ("message", "optional"),
    [
        (
            TrialRequest,
            {
                "cpus": (),
                "breakdown": False,
                "profile": False,
                "images": 0,
                "prepared": None,
                "width": None,
                "threads": None,
            },
        ),
        (Check, {"prepared": None, "dtype": None, "recordings": None}),
        (Prepare, {"dtype": None}),
        (Measured, {"blocks": ()}),
        (Finished, {"training_metrics": {}, "validation_metrics": {}}),
        (Warm, {}),
        (Failed, {}),
    ],
)
def test_what_is_left_out_is_not_asked_for(message, optional):
    """No other environment, nothing beside the measurement, one metric."""
    made = message(**dict.fromkeys(needed(message)))

    assert optional == {name: getattr(made, name) for name in optional}


def test_dicts_of_two_messages_are_two():
    """A default is nobody's to share."""
    first, second = (Finished(**dict.fromkeys(needed(Finished))) for _ in range(2))

    first.training_metrics["a"] = 1.0

    assert {} == second.training_metrics


def test_every_message_is_known_to_one_end():
    """One that is in neither would be refused by both."""
    here = [one for one in vars(messages).values() if getattr(one, "__module__", None) == messages.__name__]

    assert set(ALL) == {one for one in here if hasattr(one, "kind")}
