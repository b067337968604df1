"""A campaign over many machines that are not there: what it costs the head, and whether a trial gets lost.

    python tools/study_fleet.py FOLDER [--nodes 1000] [--rounds 20] [--killed 20] [--blocks 6]

Placement, the campaign's record, the copies of journals on the disk and their reading are the real ones; machines,
the time between looks and the trials themselves are made up: five loops, valid in every field. Each machine sends a
round per look. So many of them are killed in the middle of a round; each is back after a minute and goes on. Prints
the head's time per trial, its memory, how many trials were lost or came twice, and how long the table takes.
"""

import resource
import time
from argparse import ArgumentParser
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
from write_runs import lines_of

from bench.fleet import record as records
from bench.fleet.campaign import Campaign, News, NodeLost
from bench.fleet.placement import ALL, Node, placed
from bench.records import loading
from bench.records.lines import HeaderLine, TrialLine
from bench.report import matrix, matrix_page

KINDS = ("AMD EPYC", "Intel Xeon", "Ampere Altra")
AWAY = 60.0
"""Seconds after which a machine that was killed is back."""


class World:
    """Machines, when they die, and the time."""

    def __init__(self, *, nodes, rounds, killed, blocks):
        random = Random(0)  # noqa: S311 - not for secrets
        self.now, self.rounds, self.blocks = 0.0, rounds, blocks
        self.there = {number: self.node(number, life=0) for number in range(nodes)}
        self.dies_in = {number: random.randrange(rounds) for number in random.sample(range(nodes), killed)}
        self.back_at = {}
        self.deaths = 0
        self.working = Counter()
        self.runs = {}

    @staticmethod
    def node(number, *, life):
        kind = KINDS[number % len(KINDS)]
        facts = {"python": "3.11.7", "numpy version": "2.4.6"}
        return Node(
            node_id=f"{number}/{life}", name=f"node-{number}", kind=kind, title=kind, cpus=2.0, gpus=0.0, facts=facts
        )

    def journal_of(self, number, *, run):
        """The lines of a machine's run, a new one unless it is named, each with whether a round ends with it."""
        place = self.runs.get(run, len(self.runs))
        for line in lines_of(place, nights=10**9, rounds=self.rounds, blocks=self.blocks, noise=0.02, seed=0):
            told = line
            if isinstance(line, HeaderLine):
                name, model = f"node-{number}", KINDS[number % len(KINDS)]
                facts = line.run.environment | {"machine name": name, "cpu model": model}
                self.runs[line.run.run_id] = place
                told = HeaderLine(run=replace(line.run, environment=facts))
            ends = isinstance(line, TrialLine) and line.trial.cell.side is not None
            yield msgspec.json.encode(told) + b"\n", ends or not isinstance(line, TrialLine)

    # What a campaign asks of a cluster.

    def nodes(self):
        for number in [number for number, when in self.back_at.items() if self.now >= when]:
            del self.back_at[number]
            self.there[number] = self.node(number, life=1)
        return tuple(self.there.values())

    def start(self, node, job):
        return Machine(self, node, job)

    def pause(self, workers, *, patience):
        self.now += patience
        began = time.process_time()
        for worker in workers.values():
            worker.work()
        self.working["machines"] += time.process_time() - began  # theirs, not the head's

    def sleep(self, seconds):
        self.now += seconds


class Machine:
    """A run on a machine; `bench.fleet.campaign.Worker`."""

    def __init__(self, world, node, job):
        self.world, self.node = world, node
        self.number, life = map(int, node.node_id.split("/"))
        self.rounds, self.has_died, self.is_dead, self.lines = 0, life > 0, False, b""
        began = time.process_time()
        self.rest = list(world.journal_of(self.number, run=job.run))
        self.run = msgspec.json.decode(self.rest[0][0], type=HeaderLine).run.run_id
        known = len(job.journal)
        while known > 0:
            known -= len(self.rest.pop(0)[0])
        world.working["machines"] += time.process_time() - began

    def work(self):
        """Go on to the end of a round; or to its middle, and die."""
        if self.is_dead:
            return
        if not self.has_died and self.world.dies_in.get(self.number) == self.rounds:
            self.lines += b"".join(line for line, _ in self.rest[:3])
            del self.world.there[self.number]
            self.world.back_at[self.number] = self.world.now + AWAY
            self.world.deaths += 1
            self.is_dead = True
            return
        self.rounds += 1
        while self.rest:
            line, ends = self.rest.pop(0)
            self.lines += line
            if ends and self.rest and self.rest[0][0].startswith(b'{"kind":"trial"'):
                break

    def news(self):
        if self.is_dead and not self.lines:
            raise NodeLost("its raylet is gone")
        lines, self.lines = self.lines, b""
        return News(run=self.run, lines=lines, code=None if self.rest else 0)

    def ask(self, *, known, heard):
        pass

    def beside(self):
        return b""

    def let_go(self):
        self.rest = []


def main():
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="is made, and keeps the runs")
    for name, default in (("nodes", 1000), ("rounds", 20), ("killed", 20), ("blocks", 6)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    world = World(nodes=asked.nodes, rounds=asked.rounds, killed=asked.killed, blocks=asked.blocks)
    results, told = asked.folder / "results", []

    began, began_here = time.perf_counter(), time.process_time()
    plan = placed(world.nodes(), machines=(ALL,), where="any")
    placing = time.process_time() - began_here
    parts = tuple(records.Part(name=w.name, kind=w.kind, title=w.title, named=w.named) for w, _ in plan)
    record = records.Record(
        campaign="campaign-20260101-000000-abcd", tool_version="0", started="now", command="", on="ray", parts=parts
    )
    ended = Campaign.new(
        record,
        results=results,
        cluster=world,
        tell=told.append,
        clock=lambda: world.now,
        sleep=world.sleep,
        wait_for_node=300.0,
    ).run()
    wall, held = time.perf_counter() - began, memory()
    head = time.process_time() - began_here - world.working["machines"]

    began = time.perf_counter()
    runs = [loading.load(results / part.last.run) for part in ended.parts]
    read = time.perf_counter() - began
    rows = Counter((run.header.run_id, trial.cell, trial.round) for run in runs for trial in run.trials)
    planned = asked.nodes * asked.rounds * 5
    stored = list((results).glob("2*"))
    print(f"{asked.nodes:,} machines, {planned:,} trials, {world.deaths} machines killed in the middle of a round")
    print(f"complete: {ended.complete}; lost: {planned - len(rows)}; twice: {sum(rows.values()) - len(rows)}; ", end="")
    print(f"runs left behind: {len(stored) - len(runs)}")
    print(f"head: {head:.0f} s of processor, {wall:.0f} s in all with what machines do here; placing {placing:.2f} s")
    print(f"per trial: {1e3 * head / planned:.2f} ms; peak memory {held:.0f} MiB; reading all back {read:.0f} s")
    began = time.perf_counter()
    found = matrix.side_by_side(runs)
    text = matrix.render(found, format="md", encoding="utf-8", width=0)
    page = matrix_page.write(found, folder=asked.folder / "reports" / "matrix", reports=asked.folder / "reports")
    size = page.stat().st_size / 1e6
    print(f"table and page: {time.perf_counter() - began:.0f} s, {size:.1f} MB; {text.splitlines()[0]}")
    print(f"peak memory then: {memory():.0f} MiB")


def memory():
    """MiB that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


if __name__ == "__main__":
    main()
