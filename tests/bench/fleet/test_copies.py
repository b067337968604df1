"""A copy of a journal: whatever is sent again, comes late or is cut off, no line is lost and none is there twice."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import ResultsError
from bench.fleet.copies import Copy

RUN = "20260101-000000-abcd"
LINES = b"".join(b'{"line": %d}\n' % number for number in range(20))
STARTS = [0, *(place + 1 for place, byte in enumerate(LINES) if byte == ord("\n"))]


@pytest.fixture
def copy(tmp_path):
    """Return an empty copy."""
    copy = Copy(tmp_path, RUN)
    yield copy
    copy.release()


@given(spans=st.lists(st.tuples(st.sampled_from(STARTS), st.sampled_from(STARTS)), max_size=30))
def test_whatever_arrives_twice_is_there_once(tmp_path_factory, spans):
    """A machine answers from where it was asked; answers may overlap, and after the last one everything is there."""
    copy = Copy(tmp_path_factory.mktemp("results"), RUN)
    for begin, end in spans:
        if begin <= copy.length:
            copy.append(LINES[begin : max(begin, end)], at=begin)
        assert LINES[: copy.length] == copy.content()

    copy.append(LINES[copy.length :], at=copy.length)

    assert LINES == copy.content()
    copy.release()


def test_a_gap_is_refused(copy):
    """Lines before it would be missing for good."""
    copy.append(LINES[: STARTS[1]], at=0)

    with pytest.raises(ResultsError, match="bytes before the next line have not arrived"):
        copy.append(LINES[STARTS[3] :], at=STARTS[3])

    assert LINES[: STARTS[1]] == copy.content()


def test_a_line_that_was_cut_off_is_asked_for_again(tmp_path):
    """A driver that is killed while it writes leaves half a line."""
    folder = tmp_path / RUN
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes(LINES[: STARTS[2] + 4])

    copy = Copy(tmp_path, RUN)

    assert (STARTS[2], LINES[: STARTS[2]]) == (copy.length, copy.content())
    copy.release()


def test_one_process_writes_a_copy(copy, tmp_path):
    """Two drivers of one campaign would both append."""
    with pytest.raises(ResultsError, match="is writing to this run"):
        Copy(tmp_path, RUN)


@pytest.mark.parametrize("name", ["../outside", "campaign-1", "/etc", ""])
def test_a_machine_chooses_no_folder(tmp_path, name):
    """It names its run, and a name is no path."""
    with pytest.raises(ResultsError):
        Copy(tmp_path, name)


def test_what_lies_beside_a_journal_comes_too_and_never_over_it(copy, tmp_path):
    """Whatever an archive calls its files."""
    copy.append(LINES, at=0)
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w") as archive:
        for name in ("logs/a.log", "trials.csv", "journal.jsonl", "../outside", "/outside", "logs/../../outside"):
            archive.writestr(name, name)

    copy.put_beside(archived.getvalue())

    assert "logs/a.log" == (copy.folder / "logs" / "a.log").read_text()
    assert (copy.folder / "trials.csv").exists()
    assert LINES == copy.content()
    assert [RUN] == [path.name for path in tmp_path.iterdir()]


def test_a_copy_that_cannot_be_read_has_no_trials_and_no_end(copy):
    """Its header may not have arrived."""
    assert (0, False) == (copy.trials, copy.complete)
