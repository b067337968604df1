"""What earlier checks and references found, kept by everything that it depends on."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from bench.files import make_folder, write_whole
from bench.machine.passport import variables_read
from bench.paths import SOURCE_TREE
from bench.records.verification import Verification
from bench.verify.pool import PACKAGES
from loops import registry


class Memory:
    """Verifications of earlier runs, kept by what they depend on."""

    def __init__(self, cache: Path, *, environment: Mapping[str, str]) -> None:
        """Keep them in this folder, apart by what the environment tells frameworks and libraries."""
        self._folder = cache / "verified"
        self._variables = [f"{name}={value}" for name, value in variables_read(environment).items()]

    def recall(self, loop: str, *, workload: str, device: str) -> Verification | None:
        """Return an earlier result for the same sources, versions and device, or None."""
        path = self._path(loop, workload=workload, device=device)
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=Verification)
        except msgspec.DecodeError:
            return None  # written by another version of the tool

    def keep(self, verification: Verification) -> None:
        """Remember a result that passed against the reference; all else is looked at again each time."""
        if verification.passed and verification.peer is None:
            make_folder(self._folder)
            path = self._path(verification.loop, workload=verification.workload, device=verification.device)
            write_whole(path, msgspec.json.encode(verification))

    def _path(self, loop: str, *, workload: str, device: str) -> Path:
        """Return a file whose name changes with everything that a verification depends on."""
        facts = [loop, workload, device, *(_version(name) for name in PACKAGES), _sources_sha256(), *self._variables]
        facts += [registry.describe_loop(loop, workload=workload).sha256, registry.describe_workload(workload).sha256]
        return self._folder / f"{hashlib.sha256(os.fsencode(' '.join(facts))).hexdigest()[:32]}.json"


def _sources_sha256() -> str:
    """Return a hash of everything that a loop or the check may be made of."""
    return _sha256_of(
        [*sorted((SOURCE_TREE / "loops").rglob("*.py")), *sorted((SOURCE_TREE / "bench" / "verify").rglob("*.py"))]
    )


def _sha256_of(paths: Iterable[Path]) -> str:
    """Return one hash over several files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _version(distribution: str) -> str:
    """Return what is installed here, or that it is not."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
