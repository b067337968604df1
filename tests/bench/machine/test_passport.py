"""What `bench.machine.passport` says about a machine, on small fake file trees and with fake programs."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from bench import __version__
from bench.machine import system
from bench.machine.passport import passport
from bench.machine.readings import Readings

CALM = Readings(
    cores_logical=8,
    cores_physical=4,
    cores_usable=6,
    load_average=0.5,
    steal_percent=0.25,
    memory_total_mebibytes=16000,
    memory_available_mebibytes=9000,
    swap_used_mebibytes=0,
    on_battery=False,
)
NO_PROGRAMS = {"PATH": "/nowhere"}
CPUS = "sys/devices/system/cpu"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def write(root: Path, files: dict[str, str]) -> Path:
    """Write each text below the root of a fake file tree."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def facts_of(root: Path, **files: str) -> dict[str, str]:
    """Return the passport of a fake file tree without programs."""
    return passport(environment=NO_PROGRAMS, root=write(root, files), readings=CALM)


def program(folder: Path, name: str, *, script: str) -> dict[str, str]:
    """Write a fake program; return an environment that finds it."""
    file = write(folder, {name: f"#!/bin/sh\n{script}\n"}) / name
    file.chmod(0o755)
    return {"PATH": str(folder)}


def git(tree: Path, *arguments: str) -> str:
    """Run git in a tree as somebody, without the configuration of whoever runs the tests."""
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    command = ("git", "-C", str(tree), *identity, *arguments)
    return subprocess.run(command, env=git_environment(), check=True, capture_output=True, text=True).stdout.strip()


def git_environment(**more: str) -> dict[str, str]:
    """Return an environment in which git reads no configuration but a repository's own."""
    return {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **more}


def repository(tree: Path) -> Path:
    """Return a repository with one committed file on the branch "work"."""
    write(tree, {"loop.py": "pass\n"})
    git(tree, "init", "--quiet")
    git(tree, "checkout", "--quiet", "-b", "work")
    git(tree, "add", "loop.py")
    git(tree, "commit", "--quiet", "--message", "Add a loop")
    return tree


def git_facts(tree: Path, *, environment: dict[str, str] | None = None) -> dict[str, str]:
    """Return the facts about a source tree."""
    facts = passport(environment=environment or git_environment(), source_tree=tree, root=tree, readings=CALM)
    return {fact: value for fact, value in facts.items() if fact.startswith("git ")}


def variables(environment: dict[str, str], root: Path) -> dict[str, str]:
    """Return the environment variables that the passport copies, by name."""
    facts = passport(environment=NO_PROGRAMS | environment, root=root, readings=CALM)
    return {fact.split()[1]: value for fact, value in facts.items() if fact.startswith("environment ")}


def test_facts_of_missing_files_are_left_out(tmp_path):
    """An empty file tree leaves what psutil, Python and the packages say, in a stable order."""
    facts = facts_of(tmp_path)

    assert [
        "tool version",
        "operating system",
        "kernel",
        "cpu model",
        "cpu cores logical",
        "cpu cores physical",
        "cpu cores usable",
        "memory total MiB",
        "memory available MiB",
        "swap used MiB",
        "load average 1 min",
        "steal time %",
        "python",
        "numpy version",
        "keras version",
        "tensorflow version",
        "torch version",
        "jax version",
    ] == list(facts)


def test_readings_become_text(tmp_path):
    """Numbers carry their unit in the name of the fact."""
    facts = facts_of(tmp_path)

    expected = {
        "tool version": __version__,
        "cpu cores logical": "8",
        "cpu cores physical": "4",
        "cpu cores usable": "6",
        "memory total MiB": "16000",
        "memory available MiB": "9000",
        "swap used MiB": "0",
        "load average 1 min": "0.50",
        "steal time %": "0.25",
    }
    assert expected == {fact: facts[fact] for fact in expected}


def test_readings_that_do_not_exist_here_are_left_out(tmp_path):
    """None never becomes text, and never zero."""
    unknown = replace(CALM, cores_logical=None, cores_physical=None, cores_usable=None, steal_percent=None)

    facts = passport(environment=NO_PROGRAMS, root=tmp_path, readings=unknown)

    assert [] == [fact for fact in facts if fact.startswith(("cpu cores", "steal"))]


def test_first_processor_speaks_for_all(tmp_path):
    """Model and clock speed come from the first block of /proc/cpuinfo."""
    first = "processor\t: 0\nmodel name\t: Fast CPU @ 3.00GHz\ncpu MHz\t\t: 2999.5\npower management:\n"
    second = "\nprocessor\t: 1\nmodel name\t: Other\ncpu MHz\t\t: 800.0\n"

    facts = facts_of(tmp_path, **{"proc/cpuinfo": first + second})

    assert ("Fast CPU @ 3.00GHz", "2999.5") == (facts["cpu model"], facts["cpu frequency MHz"])


def test_unnamed_processor_is_unknown(tmp_path):
    """ARM kernels give no model name, and none is made up."""
    facts = facts_of(tmp_path, **{"proc/cpuinfo": "processor\t: 0\nBogoMIPS\t: 50.00\n"})

    assert "unknown" == facts["cpu model"]


def test_macos_names_its_processor_through_sysctl(tmp_path):
    """Where /proc does not exist, sysctl is asked."""
    environment = program(tmp_path, "sysctl", script="echo 'Apple M1'")

    facts = passport(environment=environment, root=tmp_path, readings=CALM)

    assert "Apple M1" == facts["cpu model"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flags\t\t: fpu hypervisor sse", "yes"),
        ("flags\t\t: fpu sse hypervisor_like", "no"),
        ("Features\t: fp asimd", None),
    ],
)
def test_hypervisor_is_a_flag_of_the_processor(tmp_path, line, expected):
    """Only x86 has the flag; elsewhere nothing is said."""
    facts = facts_of(tmp_path, **{"proc/cpuinfo": f"{line}\n"})

    assert expected == facts.get("hypervisor")


def test_operating_system_is_the_name_of_the_release(tmp_path):
    """Linux distributions name themselves in os-release."""
    text = 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'

    facts = facts_of(tmp_path, **{"etc/os-release": text})

    assert "Debian GNU/Linux 12 (bookworm)" == facts["operating system"]


@pytest.mark.parametrize(
    ("files", "environment", "expected"),
    [
        ({".dockerenv": ""}, {}, "docker"),
        ({"run/.containerenv": ""}, {}, "podman"),
        ({"run/systemd/container": "systemd-nspawn\n"}, {}, "systemd-nspawn"),
        ({}, {"container": "lxc"}, "lxc"),
        ({}, {"container": ""}, None),
    ],
)
def test_container_is_named_by_its_marks(tmp_path, files, environment, expected):
    """Container engines leave a file or a variable."""
    facts = passport(environment=NO_PROGRAMS | environment, root=write(tmp_path, files), readings=CALM)

    assert expected == facts.get("container")


def test_different_governors_are_all_named(tmp_path):
    """Each governor appears once."""
    governors = {0: "powersave\n", 1: "performance\n", 2: "powersave\n"}
    files = {f"{CPUS}/cpu{cpu}/cpufreq/scaling_governor": text for cpu, text in governors.items()}

    assert "performance, powersave" == facts_of(tmp_path, **files)["cpu governor"]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("intel_pstate/no_turbo", "0\n", "on"),
        ("intel_pstate/no_turbo", "1\n", "off"),
        ("cpufreq/boost", "1\n", "on"),
        ("cpufreq/boost", "0\n", "off"),
        ("cpufreq/boost", "?\n", None),
    ],
)
def test_turbo_is_read_from_either_driver(tmp_path, file, text, expected):
    """Intel's driver says what is off, the others what is on."""
    assert expected == facts_of(tmp_path, **{f"{CPUS}/{file}": text}).get("cpu turbo")


@pytest.mark.parametrize(("text", "expected"), [("1\n", "on"), ("0\n", "off")])
def test_smt_is_on_or_off(tmp_path, text, expected):
    """Whether two hardware threads share a core now."""
    assert expected == facts_of(tmp_path, **{f"{CPUS}/smt/active": text})["SMT"]


def test_huge_pages_are_the_bracketed_choice(tmp_path):
    """The kernel lists all choices and brackets the one in force."""
    files = {"sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n"}

    assert "madvise" == facts_of(tmp_path, **files)["transparent huge pages"]


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/", {"cpu.max": "150000 100000\n"}, "1.5 cores"),
        ("0::/", {"cpu.max": "max 100000\n"}, "none"),
        ("0::/a/b", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "200000 100000\n"}, "2 cores"),
        ("0::/", {}, None),
        ("4:cpu,cpuacct:/", {"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, "0.5 cores"),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, "none"),
        ("4:cpu:/host/id", {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, "3 cores"),
        ("4:cpuset:/", {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("4:cpu:/", {"cpu/cpu.cfs_period_us": "100000\n"}, None),
    ],
)
def test_quota_is_the_tightest_above_this_process(tmp_path, membership, files, expected):
    """Both versions of cgroups are read, from the process' own group up to the root."""
    write(tmp_path, {"proc/self/cgroup": f"9:memory:/elsewhere\n{membership}\n"})

    facts = facts_of(tmp_path, **{f"sys/fs/cgroup/{name}": text for name, text in files.items()})

    assert expected == facts.get("cgroup cpu quota")


def test_versions_come_from_package_metadata(tmp_path, monkeypatch):
    """The variants that TensorFlow and Keras publish under other names count; absent packages are named as such."""
    for name in ("torch-2.1+cpu", "tensorflow_cpu-2.9"):
        package, _, version = name.partition("-")
        write(tmp_path, {f"{name}.dist-info/METADATA": f"Name: {package}\nVersion: {version}\n"})
    library = [folder for folder in sys.path if "site-packages" not in folder]
    monkeypatch.setattr(sys, "path", [str(tmp_path), *library])

    facts = facts_of(tmp_path)

    expected = {"tensorflow version": "2.9", "torch version": "2.1+cpu", "jax version": "not installed"}
    assert expected == {fact: facts[fact] for fact in expected}


def test_installed_version_is_the_one_of_this_interpreter(tmp_path):
    """NumPy is a dependency, so its version is always there."""
    assert metadata.version("numpy") == facts_of(tmp_path)["numpy version"]


@needs_git
def test_clean_source_tree_is_its_commit_and_branch(tmp_path):
    """A committed tree without changes is not dirty."""
    tree = repository(tmp_path)

    assert {"git commit": git(tree, "rev-parse", "HEAD"), "git branch": "work", "git dirty": "no"} == git_facts(tree)


@needs_git
@pytest.mark.parametrize("file", ["loop.py", "new_loop.py"])
def test_changed_or_new_files_make_a_tree_dirty(tmp_path, file):
    """What is measured is then not what the commit holds."""
    tree = write(repository(tmp_path), {file: "raise SystemExit\n"})

    assert "yes" == git_facts(tree)["git dirty"]


@needs_git
def test_detached_head_has_no_branch_name(tmp_path):
    """Build servers check out a commit, not a branch."""
    tree = repository(tmp_path)
    git(tree, "checkout", "--quiet", "--detach")

    assert "detached" == git_facts(tree)["git branch"]


@needs_git
def test_tree_without_commit_leaves_the_commit_out(tmp_path):
    """A repository may be younger than its first commit."""
    write(tmp_path, {"loop.py": "pass\n"})
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "loop.py")

    assert {"git dirty": "yes"} == git_facts(tmp_path)


@needs_git
def test_repository_around_an_installed_copy_is_not_its_source(tmp_path):
    """A virtual environment inside somebody's repository says nothing about the commit of what is installed in it."""
    installed = write(repository(tmp_path), {"venv/bench/errors.py": ""}) / "venv"

    assert {} == git_facts(installed)


@needs_git
def test_hook_of_another_repository_does_not_redirect_git(tmp_path):
    """Git tells its hooks where their repository is; the asked-for tree counts all the same."""
    tree, other = repository(tmp_path / "tree"), repository(tmp_path / "other")
    git(other, "checkout", "--quiet", "-b", "wrong")

    facts = git_facts(tree, environment=git_environment(GIT_DIR=str(other / ".git"), GIT_WORK_TREE=str(other)))

    assert "work" == facts["git branch"]


def test_without_git_or_source_tree_nothing_is_said_about_it(tmp_path):
    """Git is not required."""
    asked, not_asked = git_facts(tmp_path, environment=NO_PROGRAMS), facts_of(tmp_path)

    assert ({}, False) == (asked, any(fact.startswith("git") for fact in not_asked))


def test_a_hanging_program_is_given_up(tmp_path, monkeypatch):
    """A repository on a disk that does not answer must not hold up the run."""
    monkeypatch.setattr(system, "_COMMAND_TIMEOUT_SECONDS", 0.01)

    assert {} == git_facts(tmp_path, environment=program(tmp_path, "git", script="exec /bin/sleep 60"))


def test_no_driver_is_asked_about_gpus_without_a_node(tmp_path, monkeypatch):
    """Most machines: what reads the driver is not even imported."""
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert not [fact for fact in facts_of(tmp_path) if fact.startswith("gpu")]


def test_allowed_variables_are_copied_in_alphabetical_order(tmp_path):
    """Only names with a known prefix are copied."""
    names = ["XLA_FLAGS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "LD_PRELOAD", "PYTHONHASHSEED"]
    others = {"USER": "somebody", "MY_TF_FLAG": "1", "OMPI_RANK": "0", "AWS_REGION": "x"}

    copied = variables(dict.fromkeys(names, "1") | others, tmp_path)

    assert sorted(names) == list(copied)


def test_home_folder_is_shortened(tmp_path):
    """A path may name the user."""
    environment = {"HOME": "/home/somebody", "KERAS_HOME": "/home/somebody/keras:/home/somebody/more"}

    assert {"KERAS_HOME": "~/keras:~/more"} == variables(environment, tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TF_API_TOKEN", "hunter2"),
        ("KERAS_secret", "hunter2"),
        ("NVIDIA_API_KEY", "hunter2"),
        ("TORCH_PASSWORD", "hunter2"),
        ("CUDA_CREDENTIALS", "hunter2"),
        ("TF_VAR_database", "hunter2"),
        ("TF_CLI_ARGS", "-var=x=hunter2"),
        ("JAX_CACHE", "https://somebody:hunter2@example.org/cache"),
        ("GITHUB_TOKEN", "hunter2"),
    ],
)
def test_secrets_are_never_copied(tmp_path, name, value):
    """Neither by name nor as a login inside an address."""
    facts = passport(environment=NO_PROGRAMS | {name: value}, root=tmp_path, readings=CALM)

    assert [] == [fact for fact, text in facts.items() if "hunter2" in text or name in fact]


def test_this_machine_has_a_passport():
    """On a real machine every value is text on one line, and none is the path of the interpreter."""
    facts = passport(environment={"PATH": os.environ["PATH"]}, source_tree=Path(__file__).parent)

    assert [] == [fact for fact, value in facts.items() if not value or "\n" in value or sys.executable in value]


def test_no_framework_is_imported():
    """The process that starts trials stays small."""
    frameworks = "{'numpy', 'keras', 'tensorflow', 'torch', 'jax'}"
    script = (
        f"import sys, bench.machine.passport as m; m.passport(environment={{}}); print({frameworks} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    assert "set()\n" == done.stdout
