"""Whether a stored run may be a baseline here: asked before anything is measured, and again of what was."""

from dataclasses import replace

from bench.analysis import two_runs
from bench.errors import NothingComparable
from bench.records.stored_run import Run

ADVICE = "measure base and head in one run instead: bench gate --base-ref REF"
MOST_NAMED = 3


def admit(base: Run, *, environment: dict[str, str], data_sha256: str | None) -> None:
    """Refuse a baseline of another machine or other data before an hour is spent on it.

    Args:
        base: The stored run.
        environment: This machine's passport.
        data_sha256: Of the digits here; None where a workload brings data of its own, which are not known yet.

    Raises:
        NothingComparable: If the two would not be alike, with what differs.
    """
    dataset = base.header.dataset
    known = dataset if data_sha256 is None else replace(dataset, sha256=data_sha256)
    here = replace(base.header, environment=environment, dataset=known)
    then = replace(base, trials=())
    refuse(two_runs.compare_runs(then, Run(header=here, trials=())))


def refuse(comparison: two_runs.Comparison) -> None:
    """Refuse a comparison of runs that are not alike; a gate has no option that would compare them all the same.

    Raises:
        NothingComparable: With what differs.
    """
    found = comparison.mismatches
    if found:
        named = "; ".join(f"{one.what}: {one.base} against {one.new}" for one in found[:MOST_NAMED])
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise NothingComparable(f"the baseline is not alike: {named}{more}; {ADVICE}")
