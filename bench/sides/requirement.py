"""A virtual environment in which one requirement is met, and everything else is that of another environment."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import redaction
from bench.errors import UsageError
from bench.files import build_once
from bench.machine import kept

OLDEST_PYTHON = (3, 11)
"""What the code that runs in a trial is written for."""

LAST_LINES = 3
"""Of pip's complaint, which it ends with what matters."""

_NOT_A_SOURCE = {".git", ".venv", "__pycache__", "build"}
"""Folders that do not belong to a project's sources, or that building it writes to."""

_ASK = """
import json, site, sys
from importlib import metadata
user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
packages = sorted({f"{one.metadata['Name']} {one.version}" for one in metadata.distributions()})
print(json.dumps({"version": sys.version_info[:3], "folders": site.getsitepackages() + user, "packages": packages}))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """A Python and what is installed for it."""

    path: str
    version: str
    """Such as "3.12.4"."""
    folders: tuple[str, ...]
    """Its site-packages."""
    packages: dict[str, str]
    """Distribution -> version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """A requirement that is met."""

    interpreter: str
    """Python of the virtual environment."""
    folder: str
    """Its own site-packages."""
    versions: dict[str, str]
    """Distributions that were asked for -> version."""


def examine(path: str, *, environment: Mapping[str, str]) -> Interpreter:
    """Ask a Python what it is.

    Raises:
        UsageError: If it is no Python, or too old a one.
    """
    try:
        done = kept.run([path, "-c", _ASK], environment=environment)
        answer = json.loads(done.stdout)
    except (OSError, ValueError):
        raise UsageError(f"{path} does not answer as a Python does") from None
    version = ".".join(str(part) for part in answer["version"])
    if tuple(answer["version"]) < OLDEST_PYTHON:
        oldest = ".".join(str(part) for part in OLDEST_PYTHON)
        raise UsageError(f"{path} is Python {version}; a trial needs {oldest} or newer")
    return Interpreter(
        path=path,
        version=version,
        folders=tuple(answer["folders"]),
        packages=dict(package.rsplit(" ", 1) for package in answer["packages"]),
    )


def install(
    requirement: str, *, base: Interpreter, cache: Path, environment: Mapping[str, str], tell: Callable[[str], None]
) -> Installation:
    """Return an environment that meets a requirement; made once for a requirement and what it is installed on top of.

    Args:
        requirement: As pip takes it: "keras>=3,<4", "./mine", "git+https://...".
        base: Everything else is taken from there, and from its later changes.
        cache: Environments lie in `installed` below it.
        environment: pip is run in it and heeds its `PIP_*` variables.
        tell: Told what takes long.

    Raises:
        UsageError: If pip cannot meet it, with the last lines of what pip said.
    """
    if requirement.startswith("-"):
        raise UsageError(f"'{requirement}' is an option of pip; give one requirement, such as keras>=3,<4")

    def build(folder: Path) -> None:
        tell(f"installing {requirement} (kept for later runs)")
        _run([base.path, "-m", "venv", "--without-pip", str(folder)], environment=environment)
        (_site_packages(folder) / "_inherited.pth").write_text(
            "".join(f"import site; site.addsitedir({inherited!r})\n" for inherited in base.folders)
        )
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
        quietly = ["--disable-pip-version-check", "--no-input", "--no-warn-script-location"]
        _run([*pip, *quietly, requirement], environment=environment)
        if _is_a_place(requirement) and not _requested(folder):
            # The base has this very version, which satisfies pip; but it is these files that were asked for.
            _run([*pip, *quietly, "--no-deps", "--force-reinstall", requirement], environment=environment)
        for file in _site_packages(folder).glob("*.dist-info/direct_url.json"):  # PEP 610: a query stays in it
            file.write_text(json.dumps(_without_secrets(json.loads(file.read_text()))))

    key = _key(requirement, base=base, environment=environment)
    folder = cache.absolute() / "installed" / key
    known = folder.exists()
    build_once(folder, build)
    versions = _requested(folder)
    if not versions:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        versions = {package: version for package, version in base.packages.items() if _same_name(package, name)}
        tell(f"{requirement} is met already by what is installed: {_listed(versions)}")
    elif known:
        tell(f"{requirement}: using {_listed(versions)}, installed earlier; delete {folder} to install it anew")
    return Installation(
        interpreter=str(folder / "bin" / "python"), folder=str(_site_packages(folder)), versions=versions
    )


def _without_secrets(told: dict[str, Any]) -> dict[str, Any]:
    """Return where a package came from without what opens the door there; a local place stays what it is."""
    address = str(told.get("url", ""))
    return told if address.startswith("file:") else told | {"url": redaction.redacted(address)}


def _run(command: list[str], *, environment: Mapping[str, str]) -> None:
    """Run a command that prints for people.

    Raises:
        UsageError: If it fails, with its last words.
    """
    # PYTHONPATH would make pip take what lies there for installed.
    clean = {name: value for name, value in environment.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    done = kept.run(command, environment=clean)
    if done.returncode != 0:
        text = (done.stderr or done.stdout).decode(errors="replace")
        said = [line.strip() for line in text.splitlines() if line.strip()]
        what = "pip" if "pip" in command else "venv"
        raise UsageError(f"{what} failed: {' | '.join(said[-LAST_LINES:]) or f'exit code {done.returncode}'}")


def _key(requirement: str, *, base: Interpreter, environment: Mapping[str, str]) -> str:
    """Return a name that changes with everything that decides what pip installs, but for what is on the index."""
    options = sorted(f"{name}={value}" for name, value in environment.items() if name.startswith("PIP_"))
    constraints = [_fingerprint(Path(name)) for name in environment.get("PIP_CONSTRAINT", "").split()]
    files = _fingerprint(Path(requirement.partition("[")[0])) if _is_a_place(requirement) else ""
    facts = [requirement, files, base.path, base.version, json.dumps(base.packages), *options, *constraints]
    return hashlib.sha256("\n".join(facts).encode(errors="surrogateescape")).hexdigest()[:32]


def _fingerprint(path: Path) -> str:
    """Return what changes when a file or a project's sources change; their times, since projects are large."""
    path = path.absolute()
    if path.is_file():
        return f"{path} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    lines = [str(path)]
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _NOT_A_SOURCE and not name.endswith(".egg-info"))
        for name in sorted(files):
            status = (Path(folder) / name).lstat()
            lines.append(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(lines)


def _is_a_place(requirement: str) -> bool:
    """Whether a requirement says where something lies, not what it is called."""
    return "://" in requirement or os.sep in requirement or requirement.startswith(".") or requirement.endswith(".whl")


def _requested(folder: Path) -> dict[str, str]:
    """Return what was asked for and is installed in this very environment; pip marks it (PEP 376)."""
    return {
        one.metadata["Name"]: one.version
        for one in metadata.distributions(path=[str(_site_packages(folder))])
        if one.read_text("REQUESTED") is not None
    }


def _site_packages(folder: Path) -> Path:
    """Return where a virtual environment keeps its packages."""
    (found,) = (folder / "lib").glob("python*/site-packages")
    return found


def _same_name(one: str, other: str) -> bool:
    """Whether two spellings name one distribution."""
    first, second = (re.sub("[-_.]+", "-", name).lower() for name in (one, other))
    return first == second


def _listed(versions: Mapping[str, str]) -> str:
    """Return distributions with their versions in words."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())
