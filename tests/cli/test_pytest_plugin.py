"""The pytest plugin from the outside: real commits, planted slowdowns, and the real pytest-benchmark beside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOOP = '''"""Loops of a user."""

import time
from typing import ClassVar

from toy_loops import Softmax


class Mine(Softmax):
    """Takes its time."""

    backend: ClassVar[str] = "numpy"

    def step(self):
        """Wait, then learn."""
        time.sleep({mine})
        super().step()


class Other(Softmax):
    """Never changes."""

    backend: ClassVar[str] = "numpy"

    def step(self):
        """Raise, wait, or learn."""
        {other}
        super().step()
'''
TESTS = '''"""Speed tests of a user."""

def test_mine(training_loop):
    training_loop("mine", max_slowdown=20)

def test_plain(benchmark):
    assert 6 == benchmark(sum, (1, 2, 3))
'''
OTHER = 'def test_other(training_loop):\n    training_loop("other")\n'
TWICE = 'def test_mine(training_loop):\n    training_loop("mine")\n    training_loop("mine")\n'
POINTS = "[bench.loops]\nmine = mine_loops:Mine\nother = mine_loops:Other\n"
SETTINGS = '[tool.bench.gate]\nloops = ["mine"]\nmax-slowdown = 60\nrounds = 4\n'


def project(*, mine=0.002, other="time.sleep(0.002)", **files):
    """Return the files of a user's project with two loops and a test for each."""
    return {
        "mine_loops.py": LOOP.format(mine=mine, other=other),
        "mine-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n",
        "mine-1.0.dist-info/entry_points.txt": POINTS,
        "pyproject.toml": SETTINGS,
        "test_speed.py": TESTS,
    } | {name.replace("__", "."): text for name, text in files.items()}


class Suite:
    """A project whose tests are run."""

    def __init__(self, session, repository):
        """Work in the folder of the repository."""
        self.session = session
        self.folder = repository.folder

    def run(self, *arguments, plugins=("-p", "bench.pytest_plugin"), **variables):
        """Run pytest to its end."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:cov", *plugins, *arguments]
        environment = self.session.environment | variables
        environment["PYTHONPATH"] += f":{Path(__file__).resolve().parents[2]}"
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def entries(self, file="out.json"):
        """Return the benchmarks that were stored, by name."""
        stored = json.loads((self.folder / file).read_text())
        return {entry["name"]: entry for entry in stored["benchmarks"]}


@pytest.fixture
def tests_of(session, make_repository):
    """Return a function that commits one project after the other and returns the last one's tests."""

    def make(*projects):
        repository = make_repository(session.folder / "project")
        for number, files in enumerate(projects):
            repository.commit(str(number), files)
        return Suite(session.in_folder("project"), repository)

    return make


def test_a_planted_slowdown_is_red_in_three_lines_beside_a_plain_benchmark_that_is_green(tests_of):
    """No traceback; the numbers of both are stored as pytest-benchmark has them, and its own command reads them."""
    tests = tests_of(project(), project(mine=0.008))

    done = tests.run("--bench-base-ref=HEAD~1", "--benchmark-json=out.json", "-W", "error", BENCH_ROUNDS="3")

    assert 1 == done.returncode, done.stdout
    assert "1 failed, 1 passed" in done.stdout
    failure = done.stdout.partition("_ test_mine _")[2].partition("- benchmark: ")[0]
    what, numbers, remedy = [line for line in failure.splitlines() if line.strip("_- ")]
    assert what.startswith("slower: mine: ")
    assert "% slower (step time +" in what
    assert what.endswith("budget 20 %, decided in 3 rounds")
    assert numbers.startswith("time per step at base ref=HEAD~1 (")
    assert numbers.endswith("; 3 rounds of both")
    assert remedy.startswith(
        "to repeat it: bench gate mine --base-ref 'HEAD~1' --max-slowdown 20; its page: bench report"
    )
    assert "Traceback" not in done.stdout
    assert "pytest_plugin.py" not in done.stdout
    entries = tests.entries()
    assert ["test_mine", "test_plain"] == sorted(entries)
    mine, judged = entries["test_mine"], entries["test_mine"]["extra_info"]["bench"]
    assert ("slower", True, "test_speed.py::test_mine") == (judged["verdict"], judged["confirmed"], mine["fullname"])
    assert judged["slowdown"] == pytest.approx(1.0 / judged["speed_up"]["estimate"] - 1.0)
    assert judged["slowdown"] > 0.5
    assert 3 == len(mine["stats"]["data"]) == mine["stats"]["rounds"]
    assert min(judged["measured_steps"]) == mine["stats"]["iterations"]
    assert 0.008 < mine["stats"]["min"] <= mine["stats"]["median"] < 0.1
    assert {} == entries["test_plain"]["extra_info"]
    (tests.folder / "again.json").write_text((tests.folder / "out.json").read_text())  # it reads no file twice
    compared = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", "out.json", "again.json", "--columns=median,rounds"],
        cwd=tests.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, 2) == (compared.returncode, compared.stdout.count("test_mine")), compared.stderr


@pytest.mark.slow
def test_the_same_code_is_green_and_a_renamed_or_lost_loop_is_red(tests_of):
    """Also where no test is left that fails: pyproject.toml lists what must be measured."""
    settings = {"pyproject.toml": SETTINGS.replace('["mine"]', '["mine", "lost"]')}
    renamed = {"mine-1.0.dist-info/entry_points.txt": POINTS.replace("other = ", "yours = ")}
    more = {"test_other.py": OTHER, "test_yours.py": OTHER.replace("other", "yours")}
    base = {"pytest.ini": "[pytest]\nbench_base_ref = HEAD~1\n"}
    tests = tests_of(project(), project() | settings | renamed | more | base)

    done = tests.run("--benchmark-json=out.json")

    assert 1 == done.returncode, done.stdout
    assert "1 failed, 3 passed" in done.stdout
    assert "removed: other: in the base and not in the head" in done.stdout
    summary = done.stdout.partition("= training loops =")[2]
    assert any(f"{word}: mine: " in summary for word in ("same", "unclear", "faster"))
    assert "new: yours: in the head and not in the base" in summary
    assert 1 == summary.count("missing: ")
    assert "missing: lost: listed in [tool.bench.gate], and no test measured it" in summary
    assert ["test_mine", "test_plain", "test_yours"] == sorted(tests.entries())


@pytest.mark.slow
def test_a_crash_has_its_own_word_and_is_no_number(tests_of):
    """With a base and without one, and without pytest-benchmark; a test that measures twice is told so."""
    broken = project(other="raise RuntimeError('planted')")
    tests = tests_of(project(), broken | {"test_other.py": OTHER, "test_twice.py": TWICE})

    gated = tests.run("--bench-base-ref=HEAD~1", "-k", "other", "-p", "no:benchmark")
    alone = tests.run("--benchmark-json=out.json", "-k", "other or plain or twice")

    assert (1, 1) == (gated.returncode, alone.returncode), gated.stdout + alone.stdout
    assert "missing" not in gated.stdout  # -k chose
    assert "failed: other: head: raised: RuntimeError: planted" in gated.stdout
    assert "not measured: other: Error: 1 of 1 measurements failed: other" in alone.stdout
    assert "RuntimeError: planted" in alone.stdout
    assert "to repeat it: bench run other" in alone.stdout
    assert "training_loop measures one loop per test; parametrise the test" in alone.stdout
    assert 1 == alone.stdout.count("compared with nothing: give --bench-base-ref REF")
    assert "measured: mine: " in alone.stdout
    assert "Traceback" not in gated.stdout + alone.stdout
    entries = tests.entries()
    assert ["test_mine", "test_plain"] == sorted(entries)
    assert entries["test_mine"]["extra_info"]["bench"]["verdict"] is None


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "said"),
    [
        (["--benchmark-disable"], {}, 0, "training loops are not measured with --benchmark-disable"),
        (["--benchmark-disable", "-W", "error"], {}, 0, "1 passed, 1 skipped"),
        (["--bench-base-ref="], {}, 4, "--bench-base-ref is empty; name a commit or leave it out"),
        (["--benchmark-skip"], {}, 0, "Skipping benchmark (--benchmark-skip active)"),
        (["--benchmark-disable", "--bench-require-all"], {}, 1, "missing: mine: listed in [tool.bench.gate]"),
        ([], {"PYTEST_XDIST_WORKER": "gw0"}, 1, "not measured beside other tests; run them without xdist: -n 0"),
        (["--bench-base-ref=nowhere"], {}, 1, "not measured: mine: Error: side base (ref=nowhere): git says"),
    ],
)
def test_what_is_not_measured_never_passes_in_silence(tests_of, arguments, variables, code, said):
    """Skipped with a reason, or red."""
    done = tests_of(project()).run("-rs", *arguments, **variables)

    assert code == done.returncode, done.stdout
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout


def test_the_plugin_is_loaded_once_by_either_name_and_imports_nothing_heavy(tests_of):
    """As `pip install` registers it, and by `-p` as well."""
    point = "[pytest11]\nbench.pytest_plugin = bench.pytest_plugin\n"
    check = (
        "import sys\ndef test_imports():\n"
        "    assert not {'pandas', 'scipy', 'numpy', 'rich', 'click', 'bench.gate.from_a_test'} & set(sys.modules)\n"
    )
    tests = tests_of({"x-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: x\nVersion: 1.0\n"})
    (tests.folder / "x-1.0.dist-info/entry_points.txt").write_text(point)
    (tests.folder / "test_imports.py").write_text(check)
    path = f"{tests.folder}:{tests.session.environment['PYTHONPATH']}"

    installed = tests.run("--bench-on-unclear=pass", plugins=(), PYTHONPATH=path)
    twice = tests.run("--bench-on-unclear=pass", PYTHONPATH=path)

    assert (0, 0) == (installed.returncode, twice.returncode), installed.stdout + twice.stderr


def test_a_pattern_for_several_loops_is_refused_with_their_names(tests_of):
    """One test measures one loop; what a pattern stands for is what it stands for on the command line."""
    tests = tests_of(project(test_speed__py='def test_all(training_loop):\n    training_loop("numpy*")\n'))

    done = tests.run()

    assert 1 == done.returncode, done.stdout
    assert "'numpy*' stands for 2 loops, and training_loop measures one per test" in done.stdout
    assert "@pytest.mark.parametrize(\"loop\", ['numpy', 'numpy-cpp'])" in done.stdout
