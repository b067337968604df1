"""`bench gate` as strangers meet it: a small repository with a package in `src/`, a NumPy loop and a list of loops."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LOOP = '''"""A loop that uses a package."""

import numpy as np

from acme import step
from loops.contract import Loop, Outcome


class MyLoop(Loop):
    backend = "numpy"

    def prepare(self, job):
        self.x = job.training.inputs[: job.batch_size]
        self.y = np.eye(10, dtype=np.float32)[job.training.targets[: job.batch_size]]
        self.weights = np.zeros((784, 10), np.float32)
        self.steps, self.loss = 0, 0.0

    def train(self, blocks):
        for count in blocks:
            for _ in range(count):
                step.wait()
                exponentials = np.exp(self.x @ self.weights)
                probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
                self.loss = float(-np.log((probabilities * self.y).sum(axis=1)).mean())
                self.weights -= 0.1 * self.x.T @ (probabilities - self.y) / len(self.x)
                self.steps += 1

    def evaluate(self):
        return float(((self.x @ self.weights).argmax(1) == self.y.argmax(1)).mean())

    def synchronise(self):
        pass

    def outcome(self):
        return Outcome(steps=self.steps, loss=self.loss, metric=self.evaluate(), weights=[self.weights])
'''
STEP = "import time\n\n\ndef wait():\n    time.sleep({seconds})\n"
SETTINGS = """[tool.bench.gate]
loops = ["speed/my_loop.py"]
max-slowdown = 20
rounds = 3
"""
FAST, SLOW = 0.0005, 0.02
"""Seconds that a step waits: so far apart that other tests on the same processors do not hide it."""


def project(seconds=FAST, *, package="src/acme", settings=SETTINGS, **files):
    """Return the files of a project whose step takes this long; ``files`` are added, or left out where None."""
    return {
        f"{package}/__init__.py": "",
        f"{package}/step.py": STEP.format(seconds=seconds),
        "speed/my_loop.py": LOOP,
        "pyproject.toml": settings,
        ".gitignore": "results/\nreports/\nbench-verdict.*\n__pycache__/\n",
    } | {name.replace("__", "/"): text for name, text in files.items()}


class Stranger:
    """A repository of somebody, and the tool in it."""

    def __init__(self, session, repository):
        """Work there."""
        self.session, self.repository, self.folder = session, repository, repository.folder

    def gate(self, *arguments, folder=".", **variables):
        """Gate the working tree against the commit before."""
        inside = self.session.in_folder(f"project/{folder}")
        return inside.bench("gate", "--base-ref", "HEAD~1", "--no-report", *arguments, **variables)

    @property
    def verdict(self):
        """What was written for scripts."""
        return json.loads((self.folder / "bench-verdict.json").read_text())

    @property
    def words(self):
        """Loop -> verdict."""
        return {row["loop"]: row["verdict"] for row in self.verdict["loops"]}


@pytest.fixture
def stranger(session, make_repository):
    """Return a function that commits one state of a project after the other."""

    def make(*states):
        repository = make_repository(session.folder / "project")
        for number, files in enumerate(states):
            repository.commit(str(number), files)
        return Stranger(session.in_folder(".", BENCH_ROUNDS="", BENCH_STEPS="20"), repository)

    return make


def test_the_same_commit_without_a_change_is_said_and_nothing_is_measured(stranger):
    """As on a push to main; it is no pass, and no failure."""
    project_ = stranger(project())
    inside = project_.session.in_folder("project")

    done = inside.bench("gate", "--base-ref", "main")

    assert (0, "nothing-to-compare", 0) == (done.code, project_.verdict["outcome"], project_.verdict["exit_code"])
    assert "Nothing to compare: base and head are the same commit, " in done.out
    assert "No slowdown" not in done.out
    assert not (project_.folder / "results").exists()


@pytest.mark.slow
def test_settings_are_found_from_a_folder_below_and_a_slowdown_in_src_is_found(stranger):
    """The file that is used is named; paths in it are from where it lies."""
    project_ = stranger(project(), project(SLOW))

    done = project_.gate(folder="src")

    assert 1 == done.code, done.err
    assert f"settings: {project_.folder}/pyproject.toml" in done.err
    assert "Slower, and confirmed: my_loop." in done.out
    assert "<!-- bench gate -->\n### Slower, and confirmed" in (project_.folder / "src/bench-verdict.md").read_text()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[tool]\nbench = 3\n", "pyproject.toml: tool.bench: expected `object`"),
        (SETTINGS.replace("rounds = 3", "rounds = 1"), "rounds: expected `int` >= 2 (it is 1)"),
        (SETTINGS + "budgets = { my-loop = 3 }\n", "budgets: there is no loop 'my-loop'. Did you mean 'my_loop'?"),
        (SETTINGS.replace("my_loop.py", "my_lop.py"), "speed/my_lop.py: cannot be read"),
    ],
)
def test_settings_without_effect_are_refused(stranger, settings, said):
    """Exit 2, one line, and a verdict that says so."""
    project_ = stranger(project(), project(settings=settings))

    done = project_.gate(BENCH_MAX_SLOWDWN="3")

    assert (2, "error") == (done.code, project_.verdict["outcome"])
    assert said in done.err
    assert "note: BENCH_MAX_SLOWDWN is set, and nothing here reads it; did you mean BENCH_MAX_SLOWDOWN?" in done.err
    assert "Traceback" not in done.err


def test_a_listed_loop_whose_file_is_deleted_is_gone(stranger):
    """Exit 4, nothing is measured; not "bench new loop writes one"."""
    project_ = stranger(project())
    project_.repository.commit("Without", {"speed/my_loop.py": None})

    done = project_.gate()

    assert (4, {"my_loop": "removed"}) == (done.code, project_.words), done.err
    assert "Not comparable. Removed: my_loop." in done.out


def test_a_build_that_fails_is_shown_and_is_no_slowdown(stranger):
    """Exit 5, with what it printed."""
    settings = SETTINGS + "build = \"echo compiling; echo 'no compiler' >&2; exit 3\"\n"
    project_ = stranger(project(settings=settings), project(SLOW, settings=settings))

    done = project_.gate()

    assert (5, "failed", 5) == (done.code, project_.verdict["outcome"], project_.verdict["exit_code"])
    assert "no compiler" in done.err
    assert "build ended with exit code 3" in project_.verdict["reason"]


@pytest.mark.slow
def test_a_loop_that_is_renamed_on_the_list_too_is_said_to_be_gone_and_new(stranger):
    """And slower, which nobody can tell: exit 4."""
    settings = SETTINGS.replace("my_loop", "your_loop")
    project_ = stranger(project())
    project_.repository.git("mv", "speed/my_loop.py", "speed/your_loop.py")
    project_.repository.commit("Renamed", {"pyproject.toml": settings, "src/acme/step.py": STEP.format(seconds=SLOW)})

    done = project_.gate()
    passed = project_.gate("--on-removed", "pass")

    assert (4, 0) == (done.code, passed.code), done.err
    assert {"your_loop": "new", "my_loop": "removed"} == project_.words
    assert "Not comparable. Removed: my_loop. New: your_loop." in done.out
    assert "Nothing to compare yet. Removed: my_loop. New: your_loop." in passed.out


@pytest.mark.slow
def test_the_change_that_introduces_a_gate_is_green(stranger):
    """All loops are new; `--on-new=fail` for who wants it otherwise."""
    project_ = stranger({"README": "x"}, project())

    done = project_.gate()
    strict = project_.gate("--on-new=fail")

    assert (0, 4) == (done.code, strict.code), done.err
    assert "Nothing to compare yet. New: my_loop." in done.out


@pytest.mark.slow
@pytest.mark.parametrize("folders", [["bench"], ["loops"], ["bench", "loops"]])
def test_folders_of_the_user_that_are_called_like_ours_are_no_obstacle(stranger, folders):
    """At the top of the repository, where `python -m` would find them first."""
    more = {f"{folder}/{name}.py": "raise RuntimeError\n" for folder in folders for name in ("__init__", "registry")}
    project_ = stranger(project() | more, project(SLOW) | more)

    done = project_.gate(PYTHONSAFEPATH="1")  # as the installed `bench` starts: without the current folder

    assert 1 == done.code, done.err


@pytest.mark.slow
def test_a_base_that_crashes_does_not_hold_up_who_mends_it(stranger):
    """Exit 0; a head that crashes is 5."""
    broken = project() | {"src/acme/step.py": "raise RuntimeError('planted')\n"}
    mended = stranger(broken, project())

    done = mended.gate()
    mended.repository.commit("Broken again", broken)
    again = mended.gate()

    assert (0, 5) == (done.code, again.code), done.err
    assert "Nothing to compare yet. New: my_loop." in done.out


@pytest.mark.slow
def test_what_git_does_not_track_is_built_for_each_side_or_named(stranger):
    """A generated module, which lies in the working tree only."""
    generated = {"src/acme/step.py": "from acme import _made\n\n\ndef wait():\n    _made.wait()\n"}
    ignored = {".gitignore": project()[".gitignore"] + "_made.py\n"}
    make = "sed s/LONG/$(cat seconds.txt)/ made.txt > src/acme/_made.py"
    files = project() | generated | ignored | {"made.txt": STEP.format(seconds="LONG")}
    project_ = stranger(files | {"seconds.txt": str(FAST)}, files | {"seconds.txt": str(SLOW)})
    (project_.folder / "src/acme/_made.py").write_text(STEP.format(seconds=SLOW))

    without = project_.gate()
    project_.repository.commit("Settings", {"pyproject.toml": SETTINGS + f"build = '{make}'\n"})
    with_build = project_.gate("--base-ref", "HEAD~2")

    assert (5, 1) == (without.code, with_build.code), without.err + with_build.err
    assert "src/acme/_made.py is not in that commit, as git does not track it" in without.out
    assert "[tool.bench.gate] build = " in without.out


@pytest.mark.slow
def test_a_submodule_that_is_bumped_to_a_slower_version_is_found(stranger, make_repository, tmp_path):
    """On the path of both sides, at the version of each."""
    library = make_repository(tmp_path / "library")
    files = {"acme/__init__.py": "", "acme/step.py": STEP.format(seconds=FAST)}
    library.commit("Fast", files)
    library.commit("Slow", {"acme/step.py": STEP.format(seconds=SLOW)})
    bare = {name: text for name, text in project().items() if not name.startswith("src/")}
    project_ = stranger(bare)
    git = project_.repository.git
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.folder), "vendor")
    git("-C", "vendor", "checkout", "--quiet", "HEAD~1")
    git("add", "vendor")
    git("commit", "--quiet", "--message", "Old library")
    git("-C", "vendor", "checkout", "--quiet", "main")
    git("commit", "--quiet", "--all", "--message", "New library")
    path = f"{project_.folder / 'vendor'}:{project_.session.environment['PYTHONPATH']}"

    done = project_.gate(PYTHONPATH=path)

    assert (1, {"my_loop": "slower"}) == (done.code, project_.words), done.err


@pytest.mark.slow
def test_an_accepted_slowdown_is_shown_and_passes(stranger):
    """With its reason, on the page as well; not beyond what is accepted."""
    accept = (
        '\n[[tool.bench.gate.accept]]\nloop = "speed/my_loop.py"\nup-to = 100000\nreason = "it waits for the bus"\n'
    )
    project_ = stranger(project(), project(SLOW, settings=f"{SETTINGS}{accept}until = 2999-01-01\n"))
    inside = project_.session.in_folder("project")

    done = inside.bench("gate", "--base-ref", "HEAD~1")

    (row,) = project_.verdict["loops"]
    assert (0, "passed", "slower") == (done.code, project_.verdict["outcome"], row["verdict"]), done.err
    assert "No slowdown beyond what is accepted." in done.out
    assert row["accepted"].endswith("it waits for the bus")
    page = next((project_.folder / "reports").glob("*/index.html"))
    assert "it waits for the bus" in page.read_text()


@pytest.mark.slow
def test_memory_and_first_step_have_budgets_of_their_own(stranger):
    """A step that is as fast as before may hold more memory, or take long to begin."""
    settings = SETTINGS + "max-memory-growth = 50\nmax-first-step-slowdown = 100\n"
    hungry = (
        STEP.format(seconds=FAST) + "    if not HELD:\n        time.sleep(1.0)\n        HELD.append(bytearray(10**9))\n"
    )
    project_ = stranger(
        project(settings=settings), project(settings=settings) | {"src/acme/step.py": f"HELD = []\n{hungry}"}
    )

    done = project_.gate()

    (row,) = project_.verdict["loops"]
    assert (1, "regression") == (done.code, project_.verdict["outcome"]), done.err
    assert {"peak memory": True, "first step": True} == {one["quantity"]: one["exceeded"] for one in row["growth"]}
    assert "More peak memory, and confirmed: my_loop." in done.out


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["path", "finder"])
def test_an_editable_install_of_setuptools_leads_each_side_to_its_own_code(stranger, tmp_path, layout):
    """A real one, into an environment of its own, in both forms that setuptools has."""
    build = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    build += '[project]\nname = "acme"\nversion = "1.0"\n'
    by_path = '[tool.setuptools.packages.find]\nwhere = ["python"]\n'  # a folder of packages can stand in a .pth file
    by_finder = '[tool.setuptools]\npackages = ["acme"]\npackage-dir = { acme = "python/acme" }\n'
    build += by_path if layout == "path" else by_finder
    package = "python/acme"
    project_ = stranger(
        project(package=package, settings=build + SETTINGS),
        project(SLOW, package=package, settings=build + SETTINGS),
    )
    venv = tmp_path / "venv"
    python = venv / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    (inherited,) = [Path(entry) for entry in sys.path if entry.endswith("site-packages")][:1]
    (folder,) = (venv / "lib").glob("python*/site-packages")
    (folder / "inherited.pth").write_text(f"{inherited}\n")
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    mode = ["--config-settings", "editable_mode=compat"] if layout == "path" else []
    subprocess.run([*command, *mode, "--editable", str(project_.folder)], check=True, capture_output=True)
    (project_.folder / ".gitignore").write_text(project()[".gitignore"] + "*.egg-info/\nbuild/\n")

    done = subprocess.run(
        [str(python), "-m", "bench", "gate", "--base-ref", "HEAD~1", "--no-report"],
        cwd=project_.folder,
        env=project_.session.environment | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (1, {"my_loop": "slower"}) == (done.returncode, project_.words), done.stderr


@pytest.mark.slow
def test_a_package_that_is_installed_as_a_copy_is_named(stranger, tmp_path):
    """Both sides would import it: exit 5, with module and file."""
    package = "python/acme"
    project_ = stranger(project(package=package), project(SLOW, package=package))
    site = tmp_path / "site"
    shutil.copytree(project_.folder / "python", site)
    (site / "acme-1.0.dist-info").mkdir()
    (site / "acme-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (site / "acme-1.0.dist-info/RECORD").write_text("acme/__init__.py,,\nacme/step.py,,\n")
    (site / "acme-1.0.dist-info/direct_url.json").write_text(json.dumps({"url": project_.folder.as_uri()}))

    done = project_.gate(PYTHONPATH=os.pathsep.join([str(site), project_.session.environment["PYTHONPATH"]]))

    assert (5, {"my_loop": "failed"}) == (done.code, project_.words), done.err
    assert f"it comes from {site}/acme/" in done.out
    assert "install with pip install --editable" in done.out


@pytest.mark.slow
def test_a_baseline_and_a_head_that_crashes(stranger):
    """Exit 5; and of another processor, exit 4 before anything is measured."""
    project_ = stranger(project())
    path = os.pathsep.join([str(project_.folder / "src"), project_.session.environment["PYTHONPATH"]])
    inside = project_.session.in_folder("project", PYTHONPATH=path)
    stored = inside.bench("run", "speed/my_loop.py", "--rounds", "2", "--threads", "1", "--no-report")
    assert 0 == stored.code, stored.err
    (run,) = (project_.folder / "results").iterdir()
    project_.repository.commit("Broken", {"src/acme/step.py": "raise RuntimeError('planted')\n"})

    crashed = inside.bench("gate", "--baseline", run.name, "--no-report")
    words = project_.words
    journal = run / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"cpu model":"', '"cpu model":"Another '))
    elsewhere = inside.bench("gate", "--baseline", run.name, "--no-report")

    assert (5, {"my_loop": "failed"}) == (crashed.code, words), crashed.err
    assert (4, "not-comparable") == (elsewhere.code, project_.verdict["outcome"]), elsewhere.err
    assert "round 1" not in elsewhere.err
    assert "measure base and head in one run instead: bench gate --base-ref REF" in elsewhere.err
