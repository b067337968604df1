"""A campaign on machines that are made up, with a clock that is: what is begun, lost, begun again and given up."""

from dataclasses import replace
from functools import partial

import pytest

from bench.errors import Interrupted, UsageError
from bench.fleet import record as records
from bench.fleet.campaign import MOST_LOSSES, Campaign, News, NodeLost
from bench.fleet.record import Part, Record
from bench.fleet.travel import Parcel
from bench.records import loading
from bench.records.journal import Journal

NAME = "campaign-20260101-000000-abcd"


class FakeWorker:
    """Hands a journal over one line at a time; what it has sent is what it was asked for."""

    def __init__(self, world, node, job):
        self.world, self.node, self.job = world, node, job
        self.run = job.run or world.new_run()
        self.written = len(job.journal)
        assert world.journal(self.run).startswith(job.journal)
        self.asked, self.heard = self.written, 0
        self.gone = False

    @property
    def said(self):
        """Return what a run that has begun has printed."""
        return self.world.said.get(self.node.node_id, b"")

    def work(self):
        """Write one more line of the journal, unless it is all there."""
        rest = self.world.journal(self.run)[self.written :]
        self.written += rest.find(b"\n") + 1

    def news(self):
        """Return what is new, as a machine does."""
        if self.node.node_id not in self.world.alive:
            raise NodeLost("its raylet is gone")
        if self.node.node_id in self.world.refusing:
            raise UsageError("a machine cannot begin: no space left")
        journal = self.world.journal(self.run)
        code = self.world.codes.get(self.node.node_id, 0 if self.written == len(journal) else None)
        lines = b"" if self.node.node_id in self.world.codes else journal[self.asked : self.written]
        return News(run=self.run, lines=lines, said=self.said[self.heard :], code=code)

    def ask(self, *, known, heard):
        """Take note of what the driver has."""
        self.asked, self.heard = known, heard

    def end(self, *, known, heard):
        """End, and answer once more; a machine that is gone never does."""
        self.ask(known=known, heard=heard)
        return lambda patience: self.news() if self.node.node_id in self.world.alive else None

    def beside(self):
        """Return nothing."""
        return b""

    def let_go(self):
        """Be given back."""
        self.gone = True


class World:
    """Machines, what happens to them, and a clock."""

    def __init__(self, make_run, tmp_path):
        self.now, self.make_run, self.folder = 0.0, make_run, tmp_path / "elsewhere"
        self.alive, self.workers, self.told, self.journals = {}, [], [], {}
        self.events, self.codes, self.said, self.refusing = {}, {}, {}, set()

    def new_run(self):
        """Return the name of a run that some machine begins, whose journal is a real one."""
        name = f"20260101-0000{len(self.journals):02d}-abcd"
        run = self.make_run(rounds=2, steps={"numpy": 1e-3, "mine": 2e-3})
        journal = Journal.create(self.folder, header=replace(run.header, run_id=name))
        for trial in run.trials:
            journal.add(trial)
        journal.end(complete=True)
        journal.release()
        self.journals[name] = (journal.folder / "journal.jsonl").read_bytes()
        return name

    def journal(self, run):
        """Return the journal of a run as it is in the end."""
        return self.journals[run]

    def nodes(self):
        """Return the machines that are there."""
        return tuple(self.alive.values())

    def start(self, node, job):
        """Start a run."""
        self.workers.append(FakeWorker(self, node, job))
        return self.workers[-1]

    def pause(self, workers, *, patience):
        """Have every machine write a line, which takes a second."""
        for worker in workers.values():
            worker.work()
        self.sleep(1.0)

    def sleep(self, seconds):
        """Let time pass, and happen what happens then."""
        self.now += seconds
        for when in [when for when in self.events if when <= self.now]:
            self.events.pop(when)()


@pytest.fixture
def world(make_run, make_node, tmp_path):
    """Return a world of two machines of one kind and one of another."""
    made = World(make_run, tmp_path)
    for node in (make_node("a"), make_node("b"), make_node("c", "y")):
        made.alive[node.node_id] = node
    return made


@pytest.fixture
def campaign(world, tmp_path):
    """Return a function that makes a campaign in that world."""
    parts = (Part(name="a", kind="x", title="kind x"), Part(name="c", kind="y", title="kind y"))

    def make(*, record=None, wait=60.0):
        found = record or Record(
            campaign=NAME, tool_version="1", started="now", command="bench run", on="ray", parts=parts
        )
        records.keep(Parcel(content=b""), record=found, results=tmp_path)
        return Campaign.new(
            found,
            results=tmp_path,
            cluster=world,
            tell=world.told.append,
            clock=lambda: world.now,
            sleep=world.sleep,
            wait_for_node=wait,
        )

    return make


def attempts(record):
    """Return name -> (machine, state) of every attempt."""
    return {part.name: [(one.machine, one.state) for one in part.attempts] for part in record.parts}


def test_machines_measure_side_by_side_and_their_journals_are_here(campaign, world, tmp_path):
    """Byte for byte, and the record beside them says whose is which."""
    record = campaign().run()

    assert {"a": [("a", "complete")], "c": [("c", "complete")]} == attempts(record)
    assert record.complete
    assert record == records.load(tmp_path / NAME)
    for part in record.parts:
        assert world.journal(part.last.run) == (tmp_path / part.last.run / "journal.jsonl").read_bytes()
    assert world.now < 10
    assert all(worker.gone for worker in world.workers)
    assert not (tmp_path / NAME / "parcel.zip").exists()


def test_work_of_a_dead_machine_starts_again_on_one_of_its_kind(campaign, world, tmp_path):
    """Its own run stays as far as it had come: rounds of two machines do not belong into one."""
    world.events[3.5] = partial(world.alive.pop, "id-a")

    record = campaign().run()

    assert {"a": [("a", "lost"), ("b", "complete")], "c": [("c", "complete")]} == attempts(record)
    lost, again = record.parts[0].attempts
    assert lost.run != again.run
    kept = loading.load(tmp_path / lost.run)
    assert (False, True) == (kept.complete, len(kept.trials) > 0)
    assert f"a: lost: its raylet is gone; {len(kept.trials)} finished trials are kept" in world.told
    assert 4 == len(loading.load(tmp_path / again.run).trials)


def test_a_machine_that_comes_back_goes_on_with_its_run(campaign, world, make_node, tmp_path):
    """Where no other one of its kind is there; no trial is measured twice."""
    del world.alive["id-b"]
    world.events[3.5] = partial(world.alive.pop, "id-a")
    world.events[20.0] = lambda: world.alive.update(new=make_node("a", node_id="new"))

    record = campaign().run()

    assert [("a", "complete")] == attempts(record)["a"]
    (attempt,) = record.parts[0].attempts
    assert world.journal(attempt.run) == (tmp_path / attempt.run / "journal.jsonl").read_bytes()
    assert any(line.startswith(f"a: goes on with {attempt.run}, ") for line in world.told)


def test_work_is_given_up_when_no_machine_comes_in_time(campaign, world):
    """The others come to their end; the record says why."""
    del world.alive["id-b"]
    world.events[3.5] = partial(world.alive.pop, "id-a")

    record = campaign(wait=30.0).run()

    assert {"a": [("a", "failed")], "c": [("c", "complete")]} == attempts(record)
    assert "no machine of its kind came back within 30 s" == record.parts[0].last.why
    assert not record.complete
    assert 30 < world.now < 60


def test_a_run_that_is_killed_again_and_again_is_given_up(campaign, world):
    """As where memory does not suffice: the machine is there, and would be tried without end."""
    world.codes["id-a"] = -9

    record = campaign().run()

    assert ("failed", "the run was ended by signal 9") == (record.parts[0].last.state, record.parts[0].last.why)
    assert MOST_LOSSES == len([worker for worker in world.workers if worker.node.node_id == "id-a"])


def test_a_run_that_cannot_begin_says_what_it_said(campaign, world):
    """A framework that is asked for and not there is no matter of trying again."""
    world.codes["id-a"] = 2
    world.said["id-a"] = b"warning: hot\nError: there is no loop 'nunpy'\n"

    record = campaign().run()

    assert ("failed", "Error: there is no loop 'nunpy'") == (record.parts[0].last.state, record.parts[0].last.why)
    assert "a: warning: hot" in world.told
    assert "complete" == record.parts[1].last.state


def test_a_machine_that_refuses_is_given_up_at_once(campaign, world):
    """A full disk there is told in a line."""
    world.refusing.add("id-a")

    record = campaign().run()

    assert "a machine cannot begin: no space left" == record.parts[0].last.why


def test_an_interrupt_stores_what_machines_have_finished_and_says_how_to_go_on(campaign, world, tmp_path):
    """Their last words are waited for, all at once; going on measures only what is missing."""

    def interrupt():
        raise KeyboardInterrupt

    world.events[3.5] = interrupt
    with pytest.raises(Interrupted, match=f"go on with: bench run --resume {NAME}"):
        campaign().run()

    interrupted = records.load(tmp_path / NAME)
    assert {"a": [("a", "interrupted")], "c": [("c", "interrupted")]} == attempts(interrupted)
    assert all(worker.gone for worker in world.workers)
    for part, worker in zip(interrupted.parts, world.workers, strict=True):
        stored = (tmp_path / part.last.run / "journal.jsonl").read_bytes()
        assert worker.written == len(stored)

    record = campaign(record=interrupted).run()

    assert {"a": [("a", "complete")], "c": [("c", "complete")]} == attempts(record)
    assert [part.last.run for part in interrupted.parts] == [part.last.run for part in record.parts]
    for part in record.parts:
        assert world.journal(part.last.run) == (tmp_path / part.last.run / "journal.jsonl").read_bytes()


def test_a_run_whose_last_line_had_arrived_is_complete_though_its_machine_died(campaign, world):
    """Its logs and tables are lost with the machine, and `bench report` derives the tables again."""
    record = campaign().run()
    part = replace(record.parts[0], attempts=(replace(record.parts[0].last, state="running"),))
    world.events[world.now + 0.5] = partial(world.alive.pop, "id-a")

    again = campaign(record=replace(record, parts=(part, record.parts[1]))).run()

    assert {"a": [("a", "complete")], "c": [("c", "complete")]} == attempts(again)


def test_machines_of_one_kind_are_named_in_their_runs(campaign, world):
    """By what they are called where the work is done."""
    parts = (Part(name="a", kind="x", title="", named=True), Part(name="c", kind="y", title=""))

    campaign(record=Record(campaign=NAME, tool_version="1", started="", command="", on="ray", parts=parts)).run()

    assert {"a": ("--machine", "a"), "c": ()} == {worker.job.work: worker.job.options for worker in world.workers}
