"""What is stored of a campaign, and what is refused when it is read back."""

import stat
from dataclasses import replace

import pytest

from bench.errors import InvalidResult, ResultsError
from bench.fleet import record as records
from bench.fleet.record import Attempt, Part, Record
from bench.fleet.travel import Parcel

NAME = "campaign-20260101-000000-abcd"


@pytest.fixture
def record():
    """Return a campaign of one machine."""
    part = Part(name="a", kind="x", title="kind x", attempts=(Attempt(machine="a", state="running"),))
    return Record(campaign=NAME, tool_version="1", started="now", command="bench run", on="ray", parts=(part,))


def test_a_record_is_read_back_as_it_was(record, tmp_path):
    """By its name or its path, and nothing else is taken for one."""
    records.write(record, results=tmp_path)

    assert record == records.load(tmp_path / NAME)
    assert tmp_path / NAME == records.find(tmp_path, NAME) == records.find(tmp_path, str(tmp_path / NAME))
    assert records.find(tmp_path, "20260101-000000-abcd") is None


def test_no_secret_of_the_command_is_stored(record, tmp_path):
    """It stands there as it was typed."""
    leaky = Record(campaign=NAME, tool_version="1", started="", command="bench run --token hunter2hunter2", on="ray")

    records.write(leaky, results=tmp_path)

    assert "hunter2" not in (tmp_path / NAME / "campaign.json").read_text()


def test_nor_is_one_of_what_a_machine_said(record, tmp_path):
    """Also where only that has changed since the record was written."""
    records.write(record, results=tmp_path)
    (part,) = record.parts
    failed = Attempt(machine="a", state="failed", why="no access with --token hunter2hunter2")

    records.write(replace(record, parts=(replace(part, attempts=(failed,)),)), results=tmp_path)

    text = (tmp_path / NAME / "campaign.json").read_text()
    assert '"failed"' in text
    assert "hunter2" not in text


def test_what_was_sent_is_kept_for_its_owner_until_all_is_done(record, tmp_path):
    """The user's files are in it."""
    records.keep(Parcel(content=b"parcel"), record=record, results=tmp_path)

    path = tmp_path / NAME / "parcel.zip"
    assert (b"parcel", 0o600) == (records.parcel(tmp_path / NAME).content, stat.S_IMODE(path.stat().st_mode))
    records.drop_parcel(record, results=tmp_path)
    with pytest.raises(ResultsError, match="nothing is left to be done"):
        records.parcel(tmp_path / NAME)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("{}", "missing required field"), ("{", "campaign.json: "), ('{"campaign": 1}', r"\$\.campaign")],
)
def test_a_broken_record_is_named_with_the_way_out(tmp_path, content, sentence):
    """The runs are as good as any."""
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "campaign.json").write_text(content)

    with pytest.raises(InvalidResult, match=sentence) as raised:
        records.load(tmp_path / NAME)

    assert "the runs beside it can be gone on with one by one" in str(raised.value)


def test_a_record_in_a_folder_of_another_name_is_refused(record, tmp_path):
    """Its runs would be stored as those of another campaign."""
    records.write(record, results=tmp_path)
    (tmp_path / NAME).rename(tmp_path / "other")

    with pytest.raises(InvalidResult, match=f"it is of {NAME}"):
        records.load(tmp_path / "other")
