"""Hundreds of journals with one thing wrong are read or refused; a traceback is neither."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random

from bench import report
from bench.errors import InvalidResult
from bench.records.journal import Journal
from bench.records.lines import JOURNAL
from bench.records.loading import load

MANY = 300
SHOWN = 12
"""Of those that are accepted; showing one takes a tenth of a second."""


def _forged():
    """Return the module that makes them, which lies beside this one."""
    spec = spec_from_file_location("forged", Path(__file__).with_name("forged.py"))
    module = sys.modules.setdefault("forged", module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


def test_a_journal_with_something_wrong_is_read_or_refused_in_one_line(tmp_path, make_run):
    """What is accepted can be shown; the seed is the number, so a failure says how to have it again."""
    forged = _forged()
    run = make_run(rounds=2, steps={"tf-eager": 8e-3, "tf-function": 4e-4}, kernel=3e-4)
    journal = Journal.create(tmp_path, header=run.header)
    for verification in run.verifications:
        journal.add_verification(verification)
    for trial in (*run.calibration, *run.trials):
        journal.add(trial)
    path = journal.folder / JOURNAL
    good, accepted, refused = path.read_bytes(), [], {}

    for number in range(MANY):
        content, what = forged.forge(good, dice=Random(number))
        path.write_bytes(content)
        try:
            accepted.append(load(journal.folder))
        except InvalidResult as error:
            refused[what] = str(error)

    assert {} == {what: told for what, told in refused.items() if not told.startswith(str(path)) or "\n" in told}
    assert SHOWN < len(accepted) < MANY // 2
    for stored in accepted[:SHOWN]:
        shown = report.build(stored)
        assert report.render(shown, format="table")
        assert report.render(shown, format="md")
