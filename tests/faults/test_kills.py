"""Kills at random moments, in every stage: nothing that had finished is lost or doubled, and nothing is left behind."""

import json
import os
import signal
import time

import psutil
import pytest

KILLS = 200
CAMPAIGNS = 4
"""Which share the kills, so that two go on side by side."""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)
LONGEST_WAIT = 6.0
"""Seconds into a command: imports, starts, warm-up, blocks, the end and the tables all lie before."""


def of_this_test(marker):
    """Return the living processes of a test, by a variable of their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARKER") == marker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def rows(folder):
    """Return the rows that are stored of each run, whole lines only."""
    found = {}
    for journal in folder.glob("results/*/journal.jsonl"):
        lines = [json.loads(line) for line in journal.read_bytes().split(b"\n")[:-1] if line]
        found[journal.parent.name] = [
            (line["trial"]["cell"]["loop"], line["trial"]["round"], line["trial"]["process_id"])
            for line in lines
            if line["kind"] == "trial"
        ]
    return found


def campaign(folder, make_toy_session, dice, *, kills):
    """Kill a run again and again, go on with it each time, and look what is there."""
    marker = str(folder)
    session = make_toy_session(folder, MARKER=marker, BENCH_CACHE_DIR=str(folder / "cache"), BENCH_ROUNDS="8")
    known: dict[str, list] = {}
    name = None
    for _ in range(kills):
        arguments = ["--resume", name] if name else ["toy", "toy-slow"]
        running = session.start("run", *arguments, "--no-report")
        time.sleep(dice.uniform(0.0, LONGEST_WAIT))
        running.send_signal(dice.choice(SIGNALS))
        running.communicate(timeout=60)
        deadline = time.monotonic() + 2.0
        while (left := of_this_test(marker)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [] == left
        now = rows(folder)
        for run, stored in known.items():
            assert stored == now[run][: len(stored)], "a finished trial was lost"
        for stored in now.values():
            assert len({(loop, number) for loop, number, _ in stored}) == len(stored), "a trial was stored twice"
        known = now
        complete = name and '"complete":true' in (folder / "results" / name / "journal.jsonl").read_text("utf-8")
        name = None if complete else max(now, default=None)
    done = session.bench("run", *(["--resume", name] if name else ["toy", "toy-slow"]), "--no-report")
    assert 0 == done.code, done.err
    assert [] == [path for path in folder.rglob(".*") if path.name.startswith((".unfinished-", ".partial-"))]


@pytest.mark.parametrize("kills", [int(os.environ.get("KILLS", KILLS)) // CAMPAIGNS] * CAMPAIGNS)
def test_two_hundred_kills_lose_double_and_orphan_nothing(tmp_path, make_toy_session, dice, kills):
    """`KILLS=20` makes it shorter."""
    campaign(tmp_path, make_toy_session, dice, kills=kills)
