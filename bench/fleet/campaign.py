"""One run on many machines: begin it on each, bring its journal back line by line, and see to machines that are lost.

Journals stay the truth. What has arrived is in `results/`, on the disk, before more is asked for; a run goes on from
there, on the machine that it began on. Where only another machine of its kind is there, the work starts again on that
one, since rounds of two machines do not belong into one run: the first run stays, with all that it had finished.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self, final

from bench.errors import Interrupted, UsageError
from bench.fleet import record as records
from bench.fleet.copies import Copy
from bench.fleet.placement import Node, Work, stand_in
from bench.fleet.record import Attempt, Part, Record, State
from bench.units import Seconds

MOST_LOSSES = 4
"""How often one piece of work may be lost before it is given up."""
A_LOOK: Seconds = 2.0
LAST_WORDS: Seconds = 3.0
"""How long machines have, all together, to say what they finished when everything is to end."""
_LISTED_LONGER: Seconds = 30.0
"""How long a cluster may go on listing a machine that is gone."""


class NodeLost(Exception):
    """A machine is gone, or does not answer any more; never leaves this room."""


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What a machine has to tell."""

    run: str | None = None
    lines: bytes = b""
    """Whole lines of the journal."""
    said: bytes = b""
    """Of standard error."""
    code: int | None = None
    """How the run has ended; None while it runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a machine is given to do."""

    campaign: str
    work: str
    options: tuple[str, ...] = ()
    run: str | None = None
    """A run to go on with."""
    journal: bytes = b""
    """Of that run, as far as it has arrived."""

    @property
    def content(self) -> dict[str, Any]:
        """As it is sent."""
        names = ("campaign", "work", "options", "run", "journal")
        return {name: getattr(self, name) for name in names}


class Worker(Protocol):
    """A run on a machine; `bench.fleet.ray_cluster.RayWorker` is the real one."""

    def news(self) -> News | None:
        """Return what is new, None where nothing is."""

    def ask(self, *, known: int, heard: int) -> None:
        """Ask for what comes after so many bytes of the journal, and of standard error."""

    def end(self, *, known: int, heard: int) -> Callable[[Seconds], News | None]:
        """Have the run end, and return what waits for its last news."""

    def beside(self) -> bytes:
        """Return what the run has left beside its journal."""

    def let_go(self) -> None:
        """Give the machine back."""


class Cluster(Protocol):
    """Machines; `bench.fleet.ray_cluster.RayCluster` is the real one."""

    def nodes(self) -> tuple[Node, ...]:
        """Return those that are there."""

    def start(self, node: Node, job: Job) -> Any:
        """Start a run on one of them."""

    def pause(self, workers: Mapping[str, Any], *, patience: Seconds) -> None:
        """Wait until one of them may have something new."""


@final
class _Place:
    """One piece of work, as it stands."""

    def __init__(self, part: Part) -> None:
        """Nothing runs."""
        self.part = part
        self.node: Node | None = None
        self.worker: Worker | None = None
        self.copy: Copy | None = None
        self.heard = 0
        self.unfinished = ""
        self.deadline: Seconds = 0.0
        self.losses = 0

    def said(self, content: bytes) -> list[str]:
        """Return the whole lines that have arrived."""
        self.heard += len(content)
        *lines, self.unfinished = (self.unfinished + content.decode(errors="replace")).split("\n")
        return [line for line in lines if line.strip()]

    @property
    def known(self) -> int:
        """Bytes of the journal that have arrived."""
        return self.copy.length if self.copy is not None else 0


@final
class Campaign:
    """Sees all parts of a record to their end."""

    def __init__(
        self,
        record: Record,
        *,
        results: Path,
        cluster: Cluster,
        tell: Callable[[str], None],
        clock: Callable[[], Seconds],
        sleep: Callable[[Seconds], None],
        wait_for_node: Seconds,
    ) -> None:
        """Begin nothing yet.

        Args:
            record: What is to be done.
            results: Where runs are stored.
            cluster: Where it is done.
            tell: Is told in one line what happens.
            clock: Seconds that only go up.
            sleep: Waits.
            wait_for_node: How long lost work waits for a machine of its kind.
        """
        self._record = record
        self._results = results
        self._cluster = cluster
        self._tell = tell
        self._clock = clock
        self._sleep = sleep
        self._patience = wait_for_node
        self._places = [_Place(part) for part in record.parts if not part.done]
        self._lost: dict[str, Seconds] = {}

    @classmethod
    def new(cls, record: Record, **surroundings: Any) -> Self:
        """Return a campaign, as `Campaign(...)`; the record is on the disk before anything begins."""
        records.write(record, results=surroundings["results"])
        return cls(record, **surroundings)

    def run(self) -> Record:
        """See to everything that is left, and return how it ended.

        Raises:
            Interrupted: On Ctrl-C; everything that had finished is stored first.
        """
        try:
            for place in self._places:
                place.deadline = self._clock() + self._patience
            while waiting := [place for place in self._places if not place.part.done]:
                self._place_what_waits(waiting)
                workers = {place.part.name: place.worker for place in waiting if place.worker is not None}
                if workers:
                    self._cluster.pause(workers, patience=A_LOOK)
                elif any(not place.part.done for place in waiting):
                    self._sleep(A_LOOK)
                for place in waiting:
                    self._hear(place)
        except KeyboardInterrupt:
            self._end_all()
            raise Interrupted(
                f"interrupted: what has finished is stored; go on with: bench run --resume {self._record.campaign}"
            ) from None
        finally:
            for place in self._places:
                self._let_go(place)
        if all(part.done for part in self._record.parts):
            records.drop_parcel(self._record, results=self._results)
        return self._record

    def _place_what_waits(self, places: list[_Place]) -> None:
        """Give work that nobody does to a machine, or give it up when none has come in time."""
        idle = [place for place in places if place.worker is None]
        if not idle:
            return
        nodes = self._cluster.nodes()
        for place in idle:
            part = place.part
            busy = {one.node.node_id for one in self._places if one.node is not None}
            work = Work(name=part.name if part.last is None else part.last.machine, kind=part.kind, title=part.title)
            lost = {identity for identity, until in self._lost.items() if self._clock() < until}
            node = stand_in(work, nodes, busy=busy, lost=lost)
            if node is not None:
                self._begin(place, node)
            elif self._clock() >= place.deadline:
                why = f"no machine of its kind came back within {self._patience:g} s"
                self._note(place, "failed", why=why)
                self._tell(f"{part.name}: given up: {why}")

    def _begin(self, place: _Place, node: Node) -> None:
        """Start work on a machine, or go on with it where it began."""
        last, name = place.part.last, place.part.name
        run = last.run if last is not None and last.machine == node.name else None
        options = ("--machine", node.name) if place.part.named and run is None else ()
        journal = b""
        if run is not None:
            place.copy = Copy(self._results, run)
            journal = place.copy.content()
            self._tell(f"{node.name}: goes on with {run}, {place.copy.trials} trials are stored")
        elif last is not None:
            self._tell(f"{node.name}: starts again what {last.machine} had begun")
        else:
            self._tell(f"{node.name}: {node.title}")
        place.node, place.heard, place.unfinished = node, 0, ""
        job = Job(campaign=self._record.campaign, work=name, options=options, run=run, journal=journal)
        place.worker = self._cluster.start(node, job)
        attempt = Attempt(machine=node.name, state="running", run=run)
        earlier = place.part.attempts if run is None else place.part.attempts[:-1]
        self._keep(place, (*earlier, attempt))

    def _hear(self, place: _Place) -> None:
        """Take what a machine has to tell; a machine that is gone has its work placed anew."""
        if place.worker is None:
            return
        try:
            news = place.worker.news()
        except NodeLost as lost:
            if place.node is not None:
                self._lost[place.node.node_id] = self._clock() + _LISTED_LONGER
            self._lose(place, why=str(lost))
            return
        except UsageError as error:
            self._note(place, "failed", why=str(error))
            self._tell(f"{place.part.name}: {error}")
            self._let_go(place)
            return
        if news is None:
            return
        lines = self._take(place, news)
        if news.code is None:
            place.worker.ask(known=place.known, heard=place.heard)
        else:
            self._finish(place, code=news.code, lines=lines)

    def _take(self, place: _Place, news: News) -> list[str]:
        """Store what has arrived of a journal, pass on what was said, and return that."""
        if news.lines and news.run is not None:
            if place.copy is None:
                place.copy = Copy(self._results, news.run)
                self._note(place, "running", run=news.run)
            place.copy.append(news.lines, at=place.known)
        lines = place.said(news.said)
        for line in lines:
            self._tell(f"{place.node.name if place.node else place.part.name}: {line}")
        return lines

    def _finish(self, place: _Place, *, code: int, lines: list[str]) -> None:
        """Close a run that has ended by itself: complete, or failed for a reason that it has told."""
        assert place.worker is not None
        beside = place.worker.beside()
        if place.copy is not None and beside:
            place.copy.put_beside(beside)
        if place.copy is not None and place.copy.complete:
            self._note(place, "complete")
            self._tell(f"{place.part.name}: complete: {place.copy.folder.name}, {place.copy.trials} trials")
        elif code >= 0:
            self._note(place, "failed", why=lines[-1] if lines else f"bench run ended there with exit code {code}")
        else:  # a signal: the system was short of memory, or somebody ended it
            self._lose(place, why=f"the run was ended by signal {-code}")
            return
        self._let_go(place)

    def _lose(self, place: _Place, *, why: str) -> None:
        """Remember that a run was cut off; its work is placed anew, or waits."""
        assert place.node is not None
        place.losses += 1
        if place.copy is not None and place.copy.complete:  # all but its logs and tables had arrived
            self._note(place, "complete", why=why)
        else:
            self._note(place, "lost" if place.losses < MOST_LOSSES else "failed", why=why)
        stored = place.copy.trials if place.copy is not None else 0
        self._tell(f"{place.node.name}: lost: {why}; {stored} finished trials are kept")
        self._let_go(place)
        place.deadline = self._clock() + self._patience

    def _end_all(self) -> None:
        """End every run on every machine, all at the same time, and store what they finished."""
        running = [(place, place.worker) for place in self._places if place.worker is not None]
        answers = [(place, worker.end(known=place.known, heard=place.heard)) for place, worker in running]
        deadline = self._clock() + LAST_WORDS
        for place, last in answers:
            news = last(max(0.0, deadline - self._clock()))
            if news is not None:
                self._take(place, news)
            self._note(place, "interrupted")

    def _let_go(self, place: _Place) -> None:
        """Give a machine and a run's lock back."""
        if place.worker is not None:
            place.worker.let_go()
        if place.copy is not None:
            place.copy.release()
        place.node = place.worker = place.copy = None

    def _note(self, place: _Place, state: State, *, why: str | None = None, run: str | None = None) -> None:
        """Store what has become of the attempt that counts."""
        last = place.part.last or Attempt(machine=place.part.name, state=state)
        changed = replace(last, state=state, why=why or last.why, run=run or last.run)
        self._keep(place, (*place.part.attempts[:-1], changed))

    def _keep(self, place: _Place, attempts: tuple[Attempt, ...]) -> None:
        """Store the attempts of one part."""
        before = place.part
        place.part = replace(before, attempts=attempts)
        parts = tuple(place.part if part is before else part for part in self._record.parts)
        self._record = replace(self._record, parts=parts)
        records.write(self._record, results=self._results)
