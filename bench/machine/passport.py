"""The machine's passport: what it is, what runs on it, and from which commit the harness comes.

Files are read below `root`, memory through psutil, versions from package metadata; no framework is imported.
What cannot be read is left out; of the environment only variables of a list are copied (`bench.redaction`).
"""

import math
import platform
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath

from bench import __version__, redaction
from bench.machine import gpu
from bench.machine.readings import Readings, read_now
from bench.machine.system import output_of, text_of
from bench.records.machine import NAME

_DISTRIBUTIONS = ("numpy", "keras", "tensorflow", "torch", "jax")
_READ_BY_FRAMEWORKS = re.compile(
    "(OMP|KMP|GOMP|MKL|OPENBLAS|ONEDNN|DNNL|TF|TORCH|TORCHINDUCTOR|PYTORCH|KERAS|CUDA|CUDNN|CUBLAS|NVIDIA|XLA|JAX|MALLOC)_"
    "|PYTHONHASHSEED|LD_PRELOAD|GLIBC_TUNABLES"
)
GIT_REDIRECTIONS = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}  # git sets these while it runs a hook
_CONTAINER_MARKS = {".dockerenv": "docker", "run/.containerenv": "podman"}


def passport(
    *,
    environment: Mapping[str, str],
    source_tree: Path | None = None,
    project: Path | None = None,
    name: str | None = None,
    root: Path = Path("/"),
    readings: Readings | None = None,
) -> dict[str, str]:
    """Return fact -> value: tool, system, processor, memory, packages, source tree, GPUs and allowed variables.

    Facts of the harness' own source tree begin with "git", those of the user's project with "project"; ``name`` is what
    the user calls the machine. Packages are those of this interpreter; each trial records its own. Programs are found
    by the `PATH` of `environment`; without git or NVIDIA's driver their facts are missing.
    """
    now = readings or read_now()
    facts = {
        "tool version": __version__,
        NAME: name,
        **_system_facts(root, environment=environment),
        **_processor_facts(root, now=now),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{f"{name} version": _installed_version(name) for name in _DISTRIBUTIONS},
        **(_git_facts(source_tree, prefix="git", environment=environment) if source_tree else {}),
        **(_git_facts(project, prefix="project", environment=environment) if project else {}),
        **gpu.facts(root=root),
        **variable_facts(environment),
    }
    return {fact: str(value) for fact, value in facts.items() if value is not None}


def _system_facts(root: Path, *, environment: Mapping[str, str]) -> dict[str, str | None]:
    release = re.search(r'^PRETTY_NAME="?([^"\n]+)', text_of(root / "etc/os-release"), re.MULTILINE)
    fields = _processor_fields(root)
    flags, model = fields.get("flags"), fields.get("model name")  # x86 only
    marked = next((kind for mark, kind in _CONTAINER_MARKS.items() if (root / mark).exists()), None)
    return {
        "operating system": release[1] if release else platform.platform(terse=True),
        "kernel": f"{platform.system()} {platform.release()}",
        "hypervisor": None if flags is None else "yes" if "hypervisor" in flags.split() else "no",
        "container": marked or text_of(root / "run/systemd/container") or environment.get("container") or None,
        "cpu model": model
        or output_of("sysctl", "-n", "machdep.cpu.brand_string", environment=environment)
        or "unknown",
    }


def _processor_facts(root: Path, *, now: Readings) -> dict[str, str | int | None]:
    quota = quota_cores(root)
    huge_pages = re.search(r"\[(\w+)\]", text_of(root / "sys/kernel/mm/transparent_hugepage/enabled"))
    return {
        "cpu cores logical": now.cores_logical,
        "cpu cores physical": now.cores_physical,
        "cpu cores usable": now.cores_usable,
        "cgroup cpu quota": None if quota is None else "none" if math.isinf(quota) else f"{quota:g} cores",
        "cpu governor": scaling_governor(root),
        "cpu turbo": turbo(root),
        "cpu frequency MHz": _processor_fields(root).get("cpu MHz"),
        "SMT": {"1": "on", "0": "off"}.get(text_of(root / "sys/devices/system/cpu/smt/active")),
        "memory total MiB": now.memory_total_mebibytes,
        "memory available MiB": now.memory_available_mebibytes,
        "swap used MiB": now.swap_used_mebibytes,
        "load average 1 min": f"{now.load_average:.2f}",
        "steal time %": None if now.steal_percent is None else f"{now.steal_percent:.2f}",
        "transparent huge pages": huge_pages and huge_pages[1],
    }


def _processor_fields(root: Path) -> dict[str, str]:
    pairs = re.findall(r"^(.*?)[ \t]*: (.*)$", text_of(root / "proc/cpuinfo"), re.MULTILINE)
    return dict(reversed(pairs))  # the first processor speaks for all


def scaling_governor(root: Path) -> str | None:
    """Return what governs the processors' clocks, such as "performance"; None where nothing says so."""
    files = root.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
    return ", ".join(sorted({governor for file in files if (governor := text_of(file))})) or None


def turbo(root: Path) -> str | None:
    """Return whether processors may exceed their base clock, "on" or "off"; None where nothing says so."""
    processor = root / "sys/devices/system/cpu"
    no_turbo, boost = text_of(processor / "intel_pstate/no_turbo"), text_of(processor / "cpufreq/boost")
    return {"0": "on", "1": "off"}.get(no_turbo) or {"1": "on", "0": "off"}.get(boost)


def quota_cores(root: Path) -> float | None:
    """Return the tightest quota of this process' cgroup and those above it; infinity where none is set."""
    memberships = re.findall(r"^\d+:(|[^:]*\bcpu\b[^:]*):/+(.*)$", text_of(root / "proc/self/cgroup"), re.MULTILINE)
    quotas = [
        _quota_of(root / "sys/fs/cgroup" / ("cpu" if controllers else "") / folder)  # version 2 names no controller
        for controllers, place in memberships
        for folder in (PurePosixPath(place), *PurePosixPath(place).parents)
    ]
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota_of(cgroup: Path) -> float | None:
    text = (
        text_of(cgroup / "cpu.max") or f"{text_of(cgroup / 'cpu.cfs_quota_us')} {text_of(cgroup / 'cpu.cfs_period_us')}"
    )
    limit, _, period = text.partition(" ")  # both in microseconds
    if limit in ("max", "-1"):
        return math.inf
    return int(limit) / int(period) if limit.isdigit() and period.isdigit() else None


def _installed_version(name: str) -> str:
    for distribution in (name, f"{name}-cpu", f"{name}-nightly"):
        for found in metadata.distributions(name=distribution):
            return found.version
    return "not installed"


def _git_facts(tree: Path, *, prefix: str, environment: Mapping[str, str]) -> dict[str, str | None]:
    outside_hooks = {name: value for name, value in environment.items() if name not in GIT_REDIRECTIONS}

    def ask(*arguments: str) -> str | None:
        return output_of("git", "--no-optional-locks", "-C", str(tree), *arguments, environment=outside_hooks)

    if not ask("ls-files"):  # no repository, or someone else's around an installed copy
        return {}
    branch, changes = ask("rev-parse", "--abbrev-ref", "HEAD"), ask("status", "--porcelain")
    return {
        f"{prefix} commit": ask("rev-parse", "--verify", "HEAD"),
        f"{prefix} branch": "detached" if branch == "HEAD" else branch,
        f"{prefix} dirty": None if changes is None else "yes" if changes else "no",
    }


def variable_facts(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that frameworks and numerical libraries read and that may be stored: those of a list."""
    return {f"environment {name}": value for name, value in redaction.variables(environment).items()}


def variables_read(environment: Mapping[str, str]) -> dict[str, str]:
    """Return every variable that frameworks may read, secrets included: to tell environments apart, never to store."""
    return {name: value for name, value in sorted(environment.items()) if _READ_BY_FRAMEWORKS.match(name)}
