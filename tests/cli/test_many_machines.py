"""`bench run --on` from the outside: a real Ray cluster of several nodes on this machine, real processes, toy loops."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random

import psutil
import pytest

from bench.records import journal, loading

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of Ray, which the tests start in their own process
]
ROUNDS = 6


@pytest.fixture
def cluster(session):
    """Return a function that starts a cluster of nodes by name and kind, and one to kill a node with."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    environment = {name: value for name, value in session.environment.items() if not name.startswith("BENCH_")}
    environment |= {name: session.environment[name] for name in ("BENCH_CACHE_DIR", "BENCH_STATE_DIR")}
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = {}

    def add(name, kind):
        labels = {"bench-name": name, "bench-kind": kind}
        nodes[name] = started.add_node(num_cpus=1, labels=labels, env_vars=environment)

    def kill(name):
        started.remove_node(nodes.pop(name), allow_graceful=False)

    def begin(*machines):
        for name, kind in machines:
            add(name, kind)
        return session.in_folder(".", RAY_ADDRESS=started.address)

    begin.add, begin.kill = add, kill
    yield begin
    started.shutdown()


def record_of(session):
    """Return the only campaign that is stored."""
    (path,) = (session.folder / "results").glob("campaign-*/campaign.json")
    return json.loads(path.read_text())


def parts_of(session):
    """Return name -> (machine, state) of every attempt."""
    return {
        part["name"]: [(one["machine"], one["state"]) for one in part["attempts"]]
        for part in record_of(session)["parts"]
    }


def is_lost(session, machine):
    """Whether a campaign knows that a machine is gone."""
    return any((machine, "lost") in attempts for attempts in parts_of(session).values())


def trial_lines(folder):
    """Return cell and round of each trial that is stored, as often as it is."""
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    return Counter((line["trial"]["cell"]["loop"], line["trial"]["round"]) for line in lines if line["kind"] == "trial")


def harnesses():
    """Return the processes of this tool that run for a campaign."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "bench" in words and any("bench-fleet-" in word for word in words):
            found.append(process)
    return found


def processes_of(process_id):
    """Return command line -> scheduling policies of the threads, of every process below one."""
    found = {}
    for process in psutil.Process(process_id).children(recursive=True):
        with suppress(psutil.Error, OSError):
            policies = {os.sched_getscheduler(int(task.name)) for task in Path(f"/proc/{process.pid}/task").iterdir()}
            found[" ".join(process.cmdline())] = policies
    return found


def test_one_machine_of_each_kind_measures_and_every_journal_comes_home(cluster):
    """Two of three machines are alike: two runs, each whole, with everything that a run here leaves."""
    session = cluster(("a", "x"), ("b", "x"), ("c", "y"))

    done = session.bench("run", "--on", "ray", "toy", "toy-slow", "--name", "on many")

    assert 0 == done.code, done.err
    assert {"a": [("a", "complete")], "c": [("c", "complete")]} == parts_of(session)
    folders = journal.runs(session.folder / "results")
    assert 2 == len(folders)
    for folder in folders:
        run = loading.load(folder)
        assert (True, 4, "on many") == (run.complete, len(run.trials), run.header.label)
        assert (folder / "trials.csv").exists()
        assert list((folder / "logs").glob("*.log"))
        assert (session.folder / "reports" / folder.name / "index.html").exists()
    assert not list((session.folder / "results").glob("campaign-*/parcel.zip"))


def test_a_machine_that_dies_in_a_round_costs_no_finished_trial(cluster, wait_for):
    """Its work starts again on another of its kind, its own run stays with all that it had; nothing is there twice."""
    session = cluster(("a", "x"), ("b", "x"), ("c", "y"))
    running = session.start("run", "--on", "ray", "toy", "toy-slow", "--rounds", str(ROUNDS), "--no-report")

    def half_done():
        for folder in journal.runs(session.folder / "results"):
            (part,) = (part for part in record_of(session)["parts"] if part["name"] == "a")
            if folder.name == part["attempts"][-1]["run"] and len(trial_lines(folder)) >= 3:
                return folder
        return None

    lost = wait_for(half_done, seconds=100)
    before = trial_lines(lost)
    cluster.kill("a")
    _, told = running.communicate(timeout=200)

    assert 0 == running.returncode, told
    assert {"a": [("a", "lost"), ("b", "complete")], "c": [("c", "complete")]} == parts_of(session)
    assert "finished trials are kept" in told
    assert before <= trial_lines(lost)
    complete = 0
    for folder in journal.runs(session.folder / "results"):
        run = loading.load(folder)
        assert {1} == set(trial_lines(folder).values())
        complete += run.complete
        assert not run.complete or len(run.trials) == 2 * ROUNDS
    assert 2 == complete


def test_twenty_machines_that_die_cost_no_finished_trial(cluster, wait_for):
    """Each in the middle of a round, with another one of its kind to take its work: nothing is lost, nothing twice."""
    kinds = [f"k{number}" for number in range(8)]
    session = cluster(*((f"{kind}-0", kind) for kind in kinds))
    running = session.start("run", "--on", "ray", "toy", "toy-slow", "--rounds", str(ROUNDS), "--no-report")
    chance, results, stored = Random(0), session.folder / "results", {}

    def in_a_round():
        """Return the attempts that may be cut off: each part is given up after its fourth loss."""
        assert running.poll() is None, running.communicate()
        found = []
        begun = list(results.glob("campaign-*/campaign.json"))
        for part in record_of(session)["parts"] if begun else []:
            last = (part["attempts"] or [{"state": "", "run": None}])[-1]
            folder = results / str(last["run"])
            if last["state"] == "running" and len(part["attempts"]) <= 3 and (folder / "journal.jsonl").exists():
                found += [(last["machine"], folder)] * (1 <= sum(trial_lines(folder).values()) <= ROUNDS)
        return found

    left = 20
    while left:  # in waves, so that they are gone before their work is done
        wave = chance.sample(found := wait_for(in_a_round, seconds=200), min(left, len(found)))
        for machine, folder in wave:
            kind = machine.partition("-")[0]
            cluster.add(f"{kind}-{left}", kind)
            left -= 1
            stored[folder] = trial_lines(folder)
            cluster.kill(machine)
        for machine, _ in wave:
            wait_for(partial(is_lost, session, machine), seconds=100)
    _, told = running.communicate(timeout=600)

    assert 0 == running.returncode, told
    states = Counter(state for attempts in parts_of(session).values() for _, state in attempts)
    assert {"lost": 20, "complete": 8} == states
    for folder in journal.runs(session.folder / "results"):
        after = trial_lines(folder)
        assert {1} == set(after.values())
        assert stored.get(folder, Counter()) <= after
        assert not loading.load(folder).complete or 2 * ROUNDS == len(after)


def test_a_campaign_whose_driver_was_killed_goes_on(cluster, wait_for):
    """Each run goes on where its journal had come to, on the machine that it began on."""
    session = cluster(("a", "x"), ("c", "y"))
    running = session.start("run", "--on", "ray", "toy", "toy-slow", "--rounds", str(ROUNDS), "--no-report")
    wait_for(lambda: any(len(trial_lines(one)) >= 3 for one in journal.runs(session.folder / "results")), seconds=100)
    running.kill()
    running.communicate()
    wait_for(lambda: not harnesses(), seconds=20)
    stored = {folder.name: trial_lines(folder) for folder in journal.runs(session.folder / "results")}

    done = session.bench("run", "--resume", record_of(session)["campaign"], "--no-report", "--format", "csv")

    assert 0 == done.code, done.err
    assert {"a": [("a", "complete")], "c": [("c", "complete")]} == parts_of(session)
    folders = journal.runs(session.folder / "results")
    assert set(stored) == {folder.name for folder in folders}
    for folder in folders:
        after = trial_lines(folder)
        assert stored[folder.name] <= after
        assert ({1}, 2 * ROUNDS) == (set(after.values()), len(after))


def test_an_interrupt_ends_everything_everywhere_within_five_seconds(cluster, wait_for, interrupt):
    """And says how to go on; no process of the tool is left on any machine."""
    session = cluster(("a", "x"), ("c", "y"))
    running = session.start("run", "--on", "ray", "toy", "never-returns", "--rounds", "50", "--no-report")
    wait_for(lambda: len(journal.runs(session.folder / "results")) == 2, seconds=100)

    interrupt(running)
    began = time.monotonic()
    wait_for(lambda: not harnesses(), seconds=10)
    taken = time.monotonic() - began
    _, told = running.communicate(timeout=30)

    assert 130 == running.returncode, told
    assert taken < 5.0
    assert f"go on with: bench run --resume {record_of(session)['campaign']}" in told
    assert {"interrupted"} == {state for attempts in parts_of(session).values() for _, state in attempts}


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="this system has no such policy")
def test_on_this_machine_what_only_looks_on_steps_aside_and_what_is_measured_does_not(session, wait_for, interrupt):
    """Our end of Ray and Ray's lookers-on run when no step does; the run, its keeper and its trials are as ever."""
    pytest.importorskip("ray")
    running = session.start("run", "--on", "local", "toy", "never-returns", "--rounds", "50", "--no-report")

    def measuring():
        found = {words: policies for words, policies in processes_of(running.pid).items() if "bench-fleet-" in words}
        return found if any("bench.worker.entry" in words for words in found) else None

    def aside():
        found = {words for words, policies in processes_of(running.pid).items() if policies == {os.SCHED_IDLE}}
        return found if any("OnNode" in words for words in found) else None

    found, looking_on = wait_for(measuring, seconds=100), wait_for(aside, seconds=20)
    later = measuring()
    interrupt(running)
    running.communicate(timeout=30)

    assert {os.SCHED_OTHER} == set().union(*found.values(), *later.values())
    assert 4 == len(looking_on), looking_on


def test_files_of_the_user_travel_and_the_environment_stays(cluster, tmp_path):
    """A loop in a file, what it imports from beside it, and no variable that could be a secret."""
    loop = Path(__file__).resolve().parent.parent / "plugins" / "toy_loops.py"
    (tmp_path / "beside.py").write_text("NAME = 'beside'\n")
    source = loop.read_text().split("@final\nclass ToySlow")[0]
    (tmp_path / "my_loop.py").write_text(source.replace("import numpy as np\n", "import numpy as np\nimport beside\n"))
    session = cluster(("a", "x"))

    done = session.bench(
        "run", "--on", "ray", "--loop", "my_loop.py", "numpy", "--no-report", HF_TOKEN="hf_" + "a1B2" * 9
    )

    assert 0 == done.code, done.err
    run = session.run()
    assert {"my_loop", "numpy"} == {trial.cell.loop for trial in run.trials}
    assert not [trial for trial in run.trials if trial.failure is not None]
    everything = b"".join(path.read_bytes() for path in (tmp_path / "results").rglob("*") if path.is_file())
    assert b"a1B2a1B2" not in everything


def test_without_ray_it_is_refused_in_one_line(session):
    """With the command that installs it, before anything is looked for."""
    code = """if True:
        from importlib import util
        find = util.find_spec
        util.find_spec = lambda name, *rest: None if name == "ray" else find(name, *rest)
        from bench.cli.main import main
        main(["run", "--on", "ray", "numpy"])
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=session.folder,
        env=session.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (2, "Error: --on needs Ray; install it: pip install 'loopbench[ray]'\n") == (done.returncode, done.stderr)
