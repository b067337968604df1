"""`bench gate` from the outside: real commits, real processes, planted slowdowns."""

import json

import pytest

LOOP = '''"""A loop of a user."""

import time
from typing import ClassVar

from toy_loops import Softmax


class {name}(Softmax):
    """Takes its time."""

    backend: ClassVar[str] = "numpy"

    def step(self):
        """Wait, then learn."""
        time.sleep({seconds})
        super().step()
'''
METADATA = "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n"
GATE = ("gate", "--rounds", "4", "--no-report")


def project(seconds, *, loops=("mine",), settings=""):
    """Return the files of a user's project with loops whose step takes this long."""
    points = "".join(f"{name} = mine_loops:{name.title()}\n" for name in loops)
    source = "\n\n".join(LOOP.format(name=name.title(), seconds=seconds) for name in loops)
    return {
        "mine_loops.py": source,
        "mine-1.0.dist-info/METADATA": METADATA,
        "mine-1.0.dist-info/entry_points.txt": f"[bench.loops]\n{points}",
        "pyproject.toml": settings,
    }


def verdict_of(session):
    """Return what was written for scripts."""
    return json.loads((session.folder / "bench-verdict.json").read_text())


@pytest.fixture
def gated(session, make_repository):
    """Return a function that commits a base and a head, and gates the second against the first."""

    def run(base, head, *arguments, budget=("--max-slowdown", "20"), **variables):
        repository = make_repository(session.folder / "project")
        repository.commit("Base", base)
        repository.commit("Head", head)
        inside = session.in_folder("project")
        return inside, inside.bench(*GATE, *budget, "--base-ref", "HEAD~1", *arguments, **variables)

    return run


def test_a_planted_slowdown_fails(gated):
    """Half as slow again: exit 1, one annotation."""
    session, done = gated(project("0.002"), project("0.004"), "mine", GITHUB_ACTIONS="true")

    verdict = verdict_of(session)
    assert (1, "regression") == (done.code, verdict["outcome"]), done.err
    assert "Slower, and confirmed: mine." in done.out
    assert 1 == done.out.count("::error")
    assert 1 == len(verdict["runs"]) == len(list((session.folder / "results").iterdir()))
    assert ["ref=HEAD~1", "here"] == [verdict[side].partition(" ")[0] for side in ("base", "head")]


@pytest.mark.slow
def test_the_same_code_passes(gated):
    """Exit 0, a noise floor, no annotation."""
    session, done = gated(project("0.003"), project("0.003") | {"note.txt": "other"}, "mine", GITHUB_ACTIONS="true")

    verdict = verdict_of(session)
    assert (0, 1) == (done.code, len(verdict["runs"])), done.err
    assert verdict["outcome"] in {"passed", "unclear"}
    assert verdict["noise"] > 0.0
    assert "::error" not in done.out


@pytest.mark.slow
def test_a_planted_speed_up_is_said_and_passes(gated):
    """Exit 0."""
    session, done = gated(project("0.004"), project("0.002"), "mine")

    assert (0, "faster") == (done.code, verdict_of(session)["loops"][0]["verdict"]), done.err
    assert "No slowdown beyond the budget. Faster: mine." in done.out


@pytest.mark.slow
def test_a_renamed_loop_is_gone_and_does_not_pass_in_silence(gated):
    """Exit 4: the old name has nothing to be compared with, nor has the new one."""
    session, done = gated(project("0.002", loops=("mine",)), project("0.002", loops=("yours",)), "mine", "yours")

    verdicts = {row["loop"]: row["verdict"] for row in verdict_of(session)["loops"]}
    assert (4, {"mine": "removed", "yours": "new"}) == (done.code, verdicts), done.err


@pytest.mark.slow
def test_a_loop_that_crashes_is_not_called_slow(gated):
    """Exit 5, with what it raised."""
    broken = project("0.002")
    broken["mine_loops.py"] = broken["mine_loops.py"].replace("time.sleep(0.002)", "raise RuntimeError('planted')")
    session, done = gated(project("0.002"), broken, "mine")

    (row,) = verdict_of(session)["loops"]
    assert (5, "failed") == (done.code, row["verdict"]), done.err
    assert "head: raised: RuntimeError: planted" in row["reason"]


@pytest.mark.slow
def test_budgets_and_loops_come_from_pyproject(gated):
    """A budget of 90 % forgives a step that takes a quarter longer."""
    settings = '[tool.bench.gate]\nloops = ["mine"]\nmax-slowdown = 5\nbudgets = { mine = 90 }\n'
    session, done = gated(project("0.004"), project("0.005", settings=settings), budget=())

    (row,) = verdict_of(session)["loops"]
    assert (0, "mine", 0.9) == (done.code, row["loop"], row["budget"]), done.err


@pytest.mark.slow
def test_the_summary_goes_where_github_wants_it(gated, tmp_path):
    """Appended, because other steps write there too."""
    summary = tmp_path / "summary.md"
    summary.write_text("Before.\n")
    gated(project("0.002"), project("0.002") | {"note.txt": "x"}, "mine", GITHUB_STEP_SUMMARY=str(summary))

    assert summary.read_text().startswith("Before.\n### ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--base-ref", "no-such-branch", "toy"], "no-such-branch"),
        (["--max-slowdown", "0", "toy"], "0 is not above 0 per cent"),
        (["--baseline", "", "toy"], "--baseline is empty; give it a value or leave it out"),
        (["--base-ref", "", "toy"], "--base-ref is empty; give it a value or leave it out"),
        (["--max-slowdown", "fast", "toy"], "'fast' is not a number of per cent such as 2 or 0.5"),
        (["--rounds", "1", "toy"], "1 is not in the range x>=2"),
        (["--base", "branch=main", "toy"], "side base: 'branch=main' is no environment"),
        (["--baseline", "stored", "--base", "env=RATE=2", "toy"], "leave out --base and --head"),
        (["--baseline", "stored", "--head", "env=RATE=2", "toy"], "leave out --base and --head"),
        (["tou"], "there is no loop 'tou'"),
    ],
)
def test_bad_input_gets_one_clear_line(session, make_repository, arguments, message):
    """Exit 2, no traceback, and a verdict that says so in place of an older one."""
    make_repository(session.folder / "project").commit("Only", {"note.txt": "x"})
    inside = session.in_folder("project")
    (inside.folder / "bench-verdict.json").write_text('{"outcome": "passed", "exit_code": 0}')

    done = inside.bench("gate", *arguments, BENCH_BASE_REF="HEAD")

    assert 2 == done.code, done.out
    assert message in done.err
    assert "Traceback" not in done.err
    verdict = verdict_of(inside)
    assert ("error", 2) == (verdict["outcome"], verdict["exit_code"])
    assert message in verdict["reason"]


@pytest.fixture
def stored(session, make_repository):
    """Return a function that stores a run of one state of a project, and gates another state against it."""

    def run(before, after, *arguments, conditions=("--threads", "1")):
        repository = make_repository(session.folder / "project")
        repository.commit("Before", before)
        inside = session.in_folder("project")
        done = inside.bench("run", "mine", "--rounds", "4", "--no-report", *conditions, BENCH_CALIBRATE="1")
        assert 0 == done.code, done.err
        (folder,) = (inside.folder / "results").iterdir()
        repository.commit("After", after)
        budget = ("--max-slowdown", "30")
        return inside, inside.bench(*GATE, *budget, "--baseline", folder.name, *arguments, BENCH_CALIBRATE="1")

    return run


@pytest.mark.slow
def test_a_slowdown_against_a_stored_run_fails(stored):
    """As multiples of the kernel; by so much that other tests on the same processors cannot hide it in its noise."""
    session, done = stored(project("0.0002"), project("0.04"))

    verdict = verdict_of(session)
    (row,) = verdict["loops"]
    assert (1, "slower", True) == (done.code, row["verdict"], row["confirmed"]), done.err
    assert verdict["base"].startswith("run ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "conditions", [(), ("--batch-size", "8", "--threads", "2"), ("--workload", "mnist-mlp-sgd", "--steps", "20")]
)
def test_a_stored_run_is_measured_as_it_was(stored, conditions):
    """Whatever a run can be asked for, its baseline is compared with: the cells of both are alike."""
    session, done = stored(project("0.002"), project("0.04"), conditions=conditions)

    (row,) = verdict_of(session)["loops"]
    assert (1, "mine", "slower") == (done.code, row["loop"], row["verdict"]), done.err


def test_what_a_stored_run_has_not_is_refused_before_anything_is_measured(stored):
    """By the option that says it; exit 2."""
    session, done = stored(project("0.0002"), project("0.0003"), "--threads", "3")

    assert (2, "error") == (done.code, verdict_of(session)["outcome"])
    assert "Error: --threads 3: run " in done.err
    assert "has 1 thread a process, which nothing else compares with; leave it out" in done.err
    assert "round 1" not in done.err


@pytest.mark.slow
def test_a_loop_that_the_stored_run_had_is_gone(stored):
    """Exit 4: nothing of it is left to compare."""
    session, done = stored(project("0.002"), project("0.002", loops=("yours",)))

    assert (4, "not-comparable") == (done.code, verdict_of(session)["outcome"]), done.err
    assert "Not comparable. Removed: mine." in done.out


def test_a_baseline_that_is_not_there_is_named(session):
    """Exit 2, and nothing is measured."""
    done = session.bench("gate", "--baseline", "2020", "toy")

    assert 2 == done.code
    assert "there is no run '2020'" in done.err
