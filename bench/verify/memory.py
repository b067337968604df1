"""What earlier checks and references found, kept by everything that it depends on."""

import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from bench.files import SOURCE_TREE
from bench.machine.passport import variables_read
from bench.records.prepared import PreparedWorkload
from bench.records.verification import Verification
from bench.verify import sealed
from bench.verify.pool import PACKAGES
from loops import registry


class Memory:
    """Verifications of earlier runs, kept by what they depend on; believed only if this installation sealed them."""

    def __init__(self, cache: Path, *, environment: Mapping[str, str]) -> None:
        """Keep them in this folder, apart by what the environment tells frameworks and libraries."""
        self._folder = cache / "verified"
        self._variables = [f"{name}={value}" for name, value in variables_read(environment).items()]

    def recall(
        self, loop: str, *, workload: str, device: str, prepared: PreparedWorkload | None = None
    ) -> Verification | None:
        """Return an earlier result for the same sources, versions, device, arrays and initial weights, or None."""
        key = self._key(loop, workload=workload, device=device, prepared=prepared)
        content = sealed.read(self._folder, purpose="verified", key=key)
        try:
            found = None if content is None else msgspec.json.decode(content, type=Verification)
        except msgspec.DecodeError:
            return None  # written by another version of the tool
        asked = (loop, workload, device)
        return found if found and (found.loop, found.workload, found.device) == asked and found.passed else None

    def keep(self, verification: Verification, *, prepared: PreparedWorkload | None = None) -> None:
        """Remember a result that passed against the reference; all else is looked at again each time.

        Args:
            verification: Of a loop in this environment.
            prepared: What it began with, where a user brought that.
        """
        if verification.passed and verification.peer is None:
            key = self._key(
                verification.loop, workload=verification.workload, device=verification.device, prepared=prepared
            )
            sealed.write(self._folder, purpose="verified", key=key, content=msgspec.json.encode(verification))

    def _key(self, loop: str, *, workload: str, device: str, prepared: PreparedWorkload | None) -> str:
        """Return everything that a verification depends on."""
        facts = [loop, workload, device, *(_version(name) for name in PACKAGES), _sources_sha256(), *self._variables]
        facts += [registry.describe_loop(loop, workload=workload).sha256, registry.describe_workload(workload).sha256]
        # The folder's name is a hash over everything that was found, its dtype policy among it.
        facts += [] if prepared is None else [prepared.folder, prepared.sha256]
        return "\n".join(facts)


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
