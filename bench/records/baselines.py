"""Runs that people gave a name to, in one file beside them: never deleted, and compared with by their name.

read, name, forget      results/baselines.json: name -> run
"""

import json
from pathlib import Path

from bench.errors import InvalidResult, UsageError
from bench.files import write_whole
from bench.records import journal

FILE = "baselines.json"


def read(results: Path) -> dict[str, str]:
    """Return name -> name of the run's folder; nothing where nobody named any.

    Raises:
        InvalidResult: If the file is not what it should be.
    """
    path = results / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidResult(f"{path}: {error}; mend it, or delete it to forget all names") from error
    if not isinstance(found, dict) or not all(isinstance(run, str) for run in found.values()):
        raise InvalidResult(f"{path}: expected an object of names and runs; mend it, or delete it to forget all names")
    return found


def name(results: Path, *, baseline: str, run: str) -> str:
    """Give a stored run a name, in place of the run that had it, and return the name of its folder.

    Args:
        results: Folder of the runs.
        baseline: The name.
        run: As `journal.find` takes it.

    Raises:
        ResultsError: If there is no such run in this folder.
        FileTrouble: If nothing can be written.
        UsageError: If the name could be taken for a run.
    """
    folder = journal.find(results, run)
    if folder.parent.resolve() != results.resolve():
        raise UsageError(f"{folder} is not in {results}; name its own folder by --results-dir")
    if any(stored.name.startswith(baseline) for stored in journal.runs(results)):
        raise UsageError(f"'{baseline}' could be a run; choose a name that no run begins with")
    _write(results, read(results) | {baseline: folder.name})
    return folder.name


def forget(results: Path, *, baseline: str) -> None:
    """Take a name away from its run.

    Raises:
        UsageError: If no run has it.
    """
    named = read(results)
    if baseline not in named:
        raise UsageError(f"no run is called '{baseline}'; there are {', '.join(sorted(named)) or 'no names'}")
    _write(results, {other: run for other, run in named.items() if other != baseline})


def find(results: Path, run: str) -> Path:
    """Return the folder of a run given by the name of a baseline, or as `journal.find` takes it.

    Raises:
        ResultsError: If there is none.
    """
    return journal.find(results, read(results).get(run, run))


def _write(results: Path, named: dict[str, str]) -> None:
    """Write the names, whole or not at all."""
    write_whole(results / FILE, (json.dumps(dict(sorted(named.items())), indent=2) + "\n").encode())
