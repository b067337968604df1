"""Whether a stored run may be a baseline here, and whether its commit can be measured anew in its place.

admit           asked before anything is measured
refuse          asked again of what was measured
why_not_anew    asked where a slowdown is suspected
"""

from dataclasses import replace

from bench.analysis import two_runs
from bench.analysis.differences import VARIABLE, differences
from bench.errors import NothingComparable
from bench.records.stored_run import Run

ADVICE = "measure base and head in one run instead: bench gate --base-ref REF"
MOST_NAMED = 3
COMMIT, DIRTY = "project commit", "project dirty"
"""Facts of a run's passport."""


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


def why_not_anew(base: Run, head: Run) -> str | None:
    """Return why the commit of a baseline cannot be measured anew in place of what is stored; None where it can.

    Both in the same rounds say whether the code became slower. They would not see what a framework, a variable or the
    harness changed since, which both would have then.

    Args:
        base: The stored run.
        head: What was measured here.
    """
    passport = base.header.environment
    if COMMIT not in passport:
        return "it does not know which commit it measured"
    if passport.get(DIRTY) != "no":
        return f"its working tree was not as in {passport[COMMIT][:12]}"
    versions = {name for run in (base, head) for trial in run.trials for name in trial.versions}
    cells = set(base.header.plan.cells) & set(head.header.plan.cells)
    changed = [
        one.what
        for one in differences(base, head, cells=cells)
        if one.what in versions | {"bench"} or one.what.startswith(VARIABLE)
    ]
    return f"something else has changed, too: {', '.join(changed)}" if changed else None
