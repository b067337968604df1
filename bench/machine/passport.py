"""The machine's passport, what would disturb a measurement on it now, and whether an accelerator may be there.

Files are read below `root`, load and memory through psutil, versions from package metadata; no framework is imported.
What cannot be read is left out, and variables whose names look like secrets are never copied.
"""

import math
import platform
import re
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath

import psutil

from bench import __version__
from bench.machine import cpus
from bench.records.stored_run import AcceleratorState

_MEBIBYTE = 1024 * 1024
_COMMAND_TIMEOUT_SECONDS = 10
_BUSY_SHARE_OF_CORES = 0.5
_STEAL_LIMIT_PERCENT = 1
_LEAST_MEMORY_MEBIBYTES = 2048

_DISTRIBUTIONS = ("numpy", "keras", "tensorflow", "torch", "jax")
_ALLOWED_PREFIX = re.compile(
    "(OMP|KMP|GOMP|MKL|OPENBLAS|ONEDNN|DNNL|TF|TORCH|TORCHINDUCTOR|PYTORCH|KERAS|CUDA|CUDNN|CUBLAS|NVIDIA|XLA|JAX|MALLOC)_"
    "|PYTHONHASHSEED|LD_PRELOAD|GLIBC_TUNABLES"
)
# Terraform's variables share TensorFlow's prefix and may hold anything.
_SECRET_NAME = re.compile("TOKEN|SECRET|KEY|PASSWORD|CREDENTIAL|^TF_(VAR|CLI)_", re.IGNORECASE)
_LOGIN_IN_ADDRESS = re.compile(r"://[^/\s]*@")
GIT_REDIRECTIONS = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}  # git sets these while it runs a hook
_GPU_FIELDS = {
    "name": "name",
    "driver_version": "driver version",
    "memory.total": "memory total MiB",
    "power.limit": "power limit W",
    "clocks.sm": "SM clock MHz",
    "temperature.gpu": "temperature Celsius",
    "persistence_mode": "persistence mode",
    "mig.mode.current": "MIG mode",
}
_CLOCK_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
"""The same field of nvidia-smi, since driver 535 and before."""
_SLOWED_BY = {
    0x04: "power limit",
    0x08: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
"""Bits of that field that mean a lower clock than asked for; the others are "idle" and clocks that somebody set.

Source: NVML API reference, "nvmlClocksEventReasons"."""
_CONTAINER_MARKS = {".dockerenv": "docker", "run/.containerenv": "podman"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """Processor, load and memory at one moment; None is "cannot be read here"."""

    cores_logical: int | None
    """Hardware threads of the machine."""
    cores_physical: int | None
    """Cores of the machine."""
    cores_usable: int | None
    """Hardware threads that this process may run on."""
    load_average: float
    """Threads that ran or waited, mean of the last minute, over the whole machine."""
    steal_percent: float | None
    """Share of the processor time since boot that the hypervisor gave to other guests."""
    memory_total_mebibytes: int
    memory_available_mebibytes: int
    """What new programs can have without swapping."""
    swap_used_mebibytes: int
    on_battery: bool


def read_now() -> Readings:
    """Read processor, load and memory of this machine, without waiting for anything."""
    times = psutil.cpu_times()._asdict()
    total = sum(times.values()) if "steal" in times else 0  # only Linux has it, and some sandboxes show zeros
    memory = psutil.virtual_memory()
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # about swap rates, which are not read
        swap = psutil.swap_memory()
    return Readings(
        cores_logical=psutil.cpu_count(),
        cores_physical=psutil.cpu_count(logical=False),
        cores_usable=len(cpus.allowed()) or psutil.cpu_count(),
        load_average=psutil.getloadavg()[0],
        steal_percent=100 * times["steal"] / total if total else None,
        memory_total_mebibytes=memory.total // _MEBIBYTE,
        memory_available_mebibytes=memory.available // _MEBIBYTE,
        swap_used_mebibytes=swap.used // _MEBIBYTE,
        on_battery=_on_battery(),
    )


def passport(
    *,
    environment: Mapping[str, str],
    source_tree: Path | None = None,
    root: Path = Path("/"),
    readings: Readings | None = None,
) -> dict[str, str]:
    """Return fact -> value: tool, system, processor, memory, packages, source tree, GPUs and allowed variables.

    Packages are those of this interpreter; each trial records its own. Programs are found by the `PATH` of
    `environment`; without git or nvidia-smi their facts are missing.
    """
    now = readings or read_now()
    facts = {
        "tool version": __version__,
        **_system_facts(root, environment=environment),
        **_processor_facts(root, now=now),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{f"{name} version": _installed_version(name) for name in _DISTRIBUTIONS},
        **(_git_facts(source_tree, environment=environment) if source_tree else {}),
        **_gpu_facts(environment),
        **_variable_facts(environment),
    }
    return {fact: str(value) for fact, value in facts.items() if value is not None}


def disturbances(
    *, environment: Mapping[str, str], root: Path = Path("/"), readings: Readings | None = None
) -> tuple[str, ...]:
    """Return one sentence for each thing that would disturb a measurement now, with what to do about it."""
    now = readings or read_now()
    limits = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
    return (
        *_load_disturbances(now),
        *_processor_disturbances(root, cores=now.cores_usable),
        *(f"{name} is set, which makes Keras stop training early; unset it." for name in limits if name in environment),
    )


def _load_disturbances(now: Readings) -> Iterator[str]:
    load, cores, steal = now.load_average, now.cores_logical, now.steal_percent
    if cores and load > _BUSY_SHARE_OF_CORES * cores:
        yield f"The load average is {load:.1f} on {cores} cores, so other work is running; stop it or wait for it."
    if swap := now.swap_used_mebibytes:
        yield f"{swap} MiB of swap are in use, and reading them back takes time; close other programs."
    if (available := now.memory_available_mebibytes) < _LEAST_MEMORY_MEBIBYTES:
        yield f"Only {available} MiB of memory are available; close other programs or use --schedule sequential."
    if now.on_battery:
        yield "The machine runs on battery power, which lowers clock speeds; plug it in."
    if steal is not None and steal > _STEAL_LIMIT_PERCENT:
        yield f"Since boot, other guests of this host took {steal:.1f} % of the processor time; use a quieter machine."


def _processor_disturbances(root: Path, *, cores: int | None) -> Iterator[str]:
    governor, quota = _governor(root), _quota_cores(root)
    if governor not in (None, "performance"):
        advice = "sudo cpupower frequency-set --governor performance"
        yield f"The CPU governor is {governor}, so clock speeds follow the load; run: {advice}"
    if quota is not None and cores is not None and quota < cores:
        advice = f"raise it or use --threads {max(1, math.floor(quota))}"
        yield f"The cgroup quota allows {quota:g} of {cores} cores, and threads beyond it are paused; {advice}."
    if _turbo(root) == "on":
        yield "Turbo is on, so clock speeds vary with heat and load: a note only, since rounds average it out."


def _system_facts(root: Path, *, environment: Mapping[str, str]) -> dict[str, str | None]:
    release = re.search(r'^PRETTY_NAME="?([^"\n]+)', _text(root / "etc/os-release"), re.MULTILINE)
    fields = _processor_fields(root)
    flags, model = fields.get("flags"), fields.get("model name")  # x86 only
    marked = next((kind for mark, kind in _CONTAINER_MARKS.items() if (root / mark).exists()), None)
    return {
        "operating system": release[1] if release else platform.platform(terse=True),
        "kernel": f"{platform.system()} {platform.release()}",
        "hypervisor": None if flags is None else "yes" if "hypervisor" in flags.split() else "no",
        "container": marked or _text(root / "run/systemd/container") or environment.get("container") or None,
        "cpu model": model or _output("sysctl", "-n", "machdep.cpu.brand_string", environment=environment) or "unknown",
    }


def _processor_facts(root: Path, *, now: Readings) -> dict[str, str | int | None]:
    quota = _quota_cores(root)
    huge_pages = re.search(r"\[(\w+)\]", _text(root / "sys/kernel/mm/transparent_hugepage/enabled"))
    return {
        "cpu cores logical": now.cores_logical,
        "cpu cores physical": now.cores_physical,
        "cpu cores usable": now.cores_usable,
        "cgroup cpu quota": None if quota is None else "none" if math.isinf(quota) else f"{quota:g} cores",
        "cpu governor": _governor(root),
        "cpu turbo": _turbo(root),
        "cpu frequency MHz": _processor_fields(root).get("cpu MHz"),
        "SMT": {"1": "on", "0": "off"}.get(_text(root / "sys/devices/system/cpu/smt/active")),
        "memory total MiB": now.memory_total_mebibytes,
        "memory available MiB": now.memory_available_mebibytes,
        "swap used MiB": now.swap_used_mebibytes,
        "load average 1 min": f"{now.load_average:.2f}",
        "steal time %": None if now.steal_percent is None else f"{now.steal_percent:.2f}",
        "transparent huge pages": huge_pages and huge_pages[1],
    }


def _processor_fields(root: Path) -> dict[str, str]:
    pairs = re.findall(r"^(.*?)[ \t]*: (.*)$", _text(root / "proc/cpuinfo"), re.MULTILINE)
    return dict(reversed(pairs))  # the first processor speaks for all


def _governor(root: Path) -> str | None:
    files = root.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
    return ", ".join(sorted({governor for file in files if (governor := _text(file))})) or None


def _turbo(root: Path) -> str | None:
    processor = root / "sys/devices/system/cpu"
    no_turbo, boost = _text(processor / "intel_pstate/no_turbo"), _text(processor / "cpufreq/boost")
    return {"0": "on", "1": "off"}.get(no_turbo) or {"1": "on", "0": "off"}.get(boost)


def _quota_cores(root: Path) -> float | None:
    """Return the tightest quota of this process' cgroup and those above it; infinity where none is set."""
    memberships = re.findall(r"^\d+:(|[^:]*\bcpu\b[^:]*):/+(.*)$", _text(root / "proc/self/cgroup"), re.MULTILINE)
    quotas = [
        _quota_of(root / "sys/fs/cgroup" / ("cpu" if controllers else "") / folder)  # version 2 names no controller
        for controllers, place in memberships
        for folder in (PurePosixPath(place), *PurePosixPath(place).parents)
    ]
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota_of(cgroup: Path) -> float | None:
    text = _text(cgroup / "cpu.max") or f"{_text(cgroup / 'cpu.cfs_quota_us')} {_text(cgroup / 'cpu.cfs_period_us')}"
    limit, _, period = text.partition(" ")  # both in microseconds
    if limit in ("max", "-1"):
        return math.inf
    return int(limit) / int(period) if limit.isdigit() and period.isdigit() else None


def _on_battery() -> bool:
    try:
        battery = psutil.sensors_battery()
    except OSError:  # psutil expects /sys/class/power_supply, which some containers hide
        return False
    return battery is not None and battery.power_plugged is False


def _installed_version(name: str) -> str:
    for distribution in (name, f"{name}-cpu", f"{name}-nightly"):
        for found in metadata.distributions(name=distribution):
            return found.version
    return "not installed"


def _git_facts(tree: Path, *, environment: Mapping[str, str]) -> dict[str, str | None]:
    outside_hooks = {name: value for name, value in environment.items() if name not in GIT_REDIRECTIONS}

    def ask(*arguments: str) -> str | None:
        return _output("git", "--no-optional-locks", "-C", str(tree), *arguments, environment=outside_hooks)

    if not ask("ls-files"):  # no repository, or someone else's around an installed copy
        return {}
    branch, changes = ask("rev-parse", "--abbrev-ref", "HEAD"), ask("status", "--porcelain")
    return {
        "git commit": ask("rev-parse", "--verify", "HEAD"),
        "git branch": "detached" if branch == "HEAD" else branch,
        "git dirty": None if changes is None else "yes" if changes else "no",
    }


def _gpu_facts(environment: Mapping[str, str]) -> dict[str, str]:
    query = (f"--query-gpu={','.join(_GPU_FIELDS)}", "--format=csv,noheader,nounits")
    table = _output("nvidia-smi", *query, environment=environment) or ""
    rows = [line.split(", ") for line in table.splitlines()]
    return {
        f"gpu {index} {fact}": value
        for index, row in enumerate(rows)
        if len(row) == len(_GPU_FIELDS)
        for fact, value in zip(_GPU_FIELDS.values(), row, strict=True)
        if not value.startswith("[")  # "[N/A]", "[Not Supported]"
    }


def accelerators(*, environment: Mapping[str, str]) -> tuple[AcceleratorState, ...]:
    """Return clock, temperature and what slows it down for each NVIDIA GPU; nothing where nvidia-smi cannot say."""
    for reasons in _CLOCK_REASONS:
        query = f"--query-gpu=index,clocks.sm,temperature.gpu,{reasons}"
        table = _output("nvidia-smi", query, "--format=csv,noheader,nounits", environment=environment)
        if table is not None:  # an older driver refuses the newer field
            return tuple(filter(None, (_accelerator(line.split(", ")) for line in table.splitlines())))
    return ()


def _accelerator(row: Sequence[str]) -> AcceleratorState | None:
    """Return one GPU's row, or None where it has no clock to tell, as on a partition of one."""
    index, clock, temperature, *rest = (*row, "", "", "")
    if not index.isdigit() or not clock.isdigit():
        return None
    bits = int(rest[0], 16) if re.fullmatch("0x[0-9a-fA-F]+", rest[0]) else 0
    return AcceleratorState(
        index=int(index),
        megahertz=float(clock),
        celsius=float(temperature) if temperature.isdigit() else None,
        slowed_by=tuple(reason for bit, reason in _SLOWED_BY.items() if bits & bit),
    )


def _variable_facts(environment: Mapping[str, str]) -> dict[str, str]:
    home = environment.get("HOME", "~")  # shortened, because it names the user
    return {
        f"environment {name}": value.replace(f"{home}/", "~/")
        for name, value in sorted(environment.items())
        if _ALLOWED_PREFIX.match(name) and not _SECRET_NAME.search(name) and not _LOGIN_IN_ADDRESS.search(value)
    }


def _output(*command: str, environment: Mapping[str, str]) -> str | None:
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            errors="replace",
            timeout=_COMMAND_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _text(file: Path) -> str:
    """Return what a file holds; nothing where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
