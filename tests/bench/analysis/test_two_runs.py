"""Two runs against each other: simulated, so that the truth is known."""

from dataclasses import replace
from math import exp
from random import Random
from types import SimpleNamespace

import pytest

from bench.analysis import two_runs
from bench.analysis.differences import Difference
from bench.analysis.intervals import Interval
from bench.analysis.verdict import Verdict
from bench.errors import NothingComparable
from bench.records.trial import FailureKind
from bench.report import changes

KERNEL = 0.3e-3
STEPS = {"tf-eager": 8e-3, "tf-function": 0.4e-3, "torch-native": 0.75e-3}
PASSPORT = {
    "cpu model": "AMD EPYC",
    "cpu cores usable": "2",
    "operating system": "Debian 12",
    "environment OMP_NUM_THREADS": "2",
    "environment TF_ENABLE_ONEDNN_OPTS": "1",
    "load average 1 min": "0.10",
}


@pytest.fixture
def make(make_run):
    """Return a factory of runs with a kernel and a passport; ``seed`` gives another session."""

    def make(*, seed=1, steps=STEPS, kernel=KERNEL, **settings):
        settings = {"environment": PASSPORT, "noise": 0.01, "run_id": f"run-{seed}"} | settings
        return make_run(seed=seed, steps=steps, kernel=kernel, **settings)

    return make


def verdicts(comparison):
    """Return loop -> verdict."""
    return {row.cell.loop: row.verdict for row in comparison.rows}


def row_of(comparison, loop):
    """Return the row of a loop."""
    return next(row for row in comparison.rows if row.cell.loop == loop)


def told(comparison, words):
    """Whether a notice says this."""
    return any(words in notice for notice in changes.notices(comparison))


def test_a_machine_at_another_speed_moves_raw_times_and_not_calibrated_ones(make):
    """10 % slower in the new run: nothing changed in any loop."""
    comparison = two_runs.compare_runs(make(), make(seed=2, machine=1.10, rounds=20), margin=0.03)

    for row in comparison.rows:
        assert row.raw.estimate < 0.95
        assert row.calibrated.low < 1.0 < row.calibrated.high
    assert not {Verdict.SLOWER, Verdict.FASTER} & set(verdicts(comparison).values())
    assert told(comparison, "The machine ran at another speed: the kernel was ")


def test_a_loop_that_changed_is_found_behind_a_machine_at_another_speed(make):
    """A quarter slower code on a machine a tenth faster."""
    slower = STEPS | {"tf-function": 0.5e-3}

    comparison = two_runs.compare_runs(make(rounds=10), make(seed=2, steps=slower, machine=0.9, rounds=10))

    row = comparison.rows[0]
    assert ("tf-function", Verdict.SLOWER, "calibrated") == (row.cell.loop, row.verdict, row.decided_by)
    assert row.speed_up.low < 0.8 < row.speed_up.high
    assert changes.headline(comparison).startswith("Slower: tf-function (1.2")


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [(6, 6), (3, 12)])
def test_the_calibrated_interval_holds_the_truth_as_often_as_it_says(make, rounds):
    """400 pairs of sessions that differ by 2 %, every second one at another speed: 95 %, to within three errors."""
    hits, raw_hits, random = 0, 0, Random(0)
    for number in range(400):
        base = make(seed=2 * number, rounds=rounds[0], steps={"tf-function": 0.4e-3})
        speed = 1.0 + 0.1 * (number % 2)
        step = 0.5e-3 * exp(random.gauss(0.0, 0.02))
        new = make(seed=2 * number + 1, rounds=rounds[1], steps={"tf-function": step}, machine=speed)
        (row,) = two_runs.compare_runs(base, new).rows
        hits += row.calibrated.low < 0.8 < row.calibrated.high
        raw_hits += row.raw.low < 0.8 < row.raw.high

    assert pytest.approx(0.95, abs=0.033) == hits / 400
    assert raw_hits < hits


def test_swapping_the_runs_gives_the_reciprocal(make):
    """2.0x slower one way is 2.0x faster the other way, in every number and word."""
    base, new = make(), make(seed=2, steps=STEPS | {"tf-function": 0.8e-3})
    opposite = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}

    forward, backward = two_runs.compare_runs(base, new), two_runs.compare_runs(new, base)

    for row in forward.rows:
        other = row_of(backward, row.cell.loop)
        assert opposite.get(row.verdict, row.verdict) is other.verdict
        for one, two in ((row.speed_up, other.speed_up), (row.raw, other.raw), (row.calibrated, other.calibrated)):
            swapped = one.reciprocal()
            assert pytest.approx((two.estimate, two.low, two.high, two.degrees), rel=1e-12) == (
                swapped.estimate,
                swapped.low,
                swapped.high,
                swapped.degrees,
            )


def test_a_run_against_itself_has_no_change_and_no_difference(make):
    """The estimate is exactly 1."""
    comparison = two_runs.compare_runs(make(), make())

    assert [1.0] * 3 == [row.speed_up.estimate for row in comparison.rows]
    assert () == comparison.differences


@pytest.mark.parametrize("sides", [(None, KERNEL), (KERNEL, None), (None, None)])
def test_without_a_kernel_in_both_runs_raw_times_decide_and_it_is_said(make, sides):
    """A change of the machine then counts as a change of the loops."""
    base, new = (make(seed=seed, kernel=kernel) for seed, kernel in enumerate(sides))

    comparison = two_runs.compare_runs(base, new)

    assert {("raw", None)} == {(row.decided_by, row.calibrated) for row in comparison.rows}
    assert told(comparison, "no kernel times of two rounds: raw times decide")
    assert comparison.machine is None


@pytest.mark.parametrize(
    ("fields", "environment"),
    [
        ({"versions": {"python": "3.11.9", "numpy": "2.5.0"}}, {}),
        ({"loop_sha256": "ee" * 32}, {}),
        ({}, {"environment OMP_NUM_THREADS": "1"}),
        ({}, {"cpu model": "Intel Xeon"}),
    ],
)
def test_a_kernel_that_is_another_one_calibrates_nothing(make, fields, environment):
    """Its own change would be taken for the machine's."""
    new = make(seed=2, trial_fields={"kernel": fields}, environment=PASSPORT | environment)

    comparison = two_runs.compare_runs(make(), new)

    assert {"raw"} == {row.decided_by for row in comparison.rows}
    assert told(comparison, "Not calibrated, since")


def test_a_variable_that_only_a_framework_reads_leaves_the_kernel_alone(make):
    """It may well be what is compared."""
    new = make(seed=2, environment=PASSPORT | {"environment TF_ENABLE_ONEDNN_OPTS": "0"})

    comparison = two_runs.compare_runs(make(), new)

    assert {"calibrated"} == {row.decided_by for row in comparison.rows}
    assert (Difference(what="environment TF_ENABLE_ONEDNN_OPTS", base="1", new="0", mismatch=False),) == (
        comparison.differences
    )


def test_on_a_gpu_raw_times_decide(make, make_cell):
    """The kernel knows the processor only."""
    cells = [make_cell(loop, device="gpu") for loop in STEPS]

    comparison = two_runs.compare_runs(make(cells=cells), make(seed=2, cells=cells))

    assert {"raw"} == {row.decided_by for row in comparison.rows}
    assert all(row.calibrated is not None for row in comparison.rows)
    assert told(comparison, "on the GPU raw times decide")


def test_loops_that_only_one_run_has_are_new_or_removed(make):
    """Rows of their own, never silence."""
    comparison = two_runs.compare_runs(
        make(steps={"tf-eager": 8e-3, "tf-fit": 1e-3}), make(seed=2, steps={"tf-eager": 8e-3, "jax-jit": 1e-3})
    )

    found = verdicts(comparison)
    assert (Verdict.REMOVED, Verdict.NEW) == (found["tf-fit"], found["jax-jit"])
    removed, new = row_of(comparison, "tf-fit"), row_of(comparison, "jax-jit")
    assert (None, None) == (removed.new_step, new.base_step)
    assert removed.base_step.estimate == pytest.approx(1e-3, rel=0.1) == new.new_step.estimate
    assert found["tf-eager"] in (Verdict.SAME, Verdict.UNCLEAR)


def test_a_framework_that_is_gone_removes_its_loops(make, make_failure):
    """With the reason that was recorded."""
    gone = make_failure(FailureKind.UNAVAILABLE, message="tensorflow is not installed")

    comparison = two_runs.compare_runs(make(), make(seed=2, failures={"tf-function": gone}))

    row = row_of(comparison, "tf-function")
    assert (Verdict.REMOVED, "in the base and not in the new run: tensorflow is not installed") == (
        row.verdict,
        changes.reason(row),
    )


@pytest.mark.parametrize("side", ["base", "new"])
def test_a_loop_that_failed_in_either_run_is_not_compared(make, make_failure, side):
    """Nor is one of which some processes failed."""
    runs = {"base": make(), "new": make(seed=2)}
    runs[side] = make(seed=3, failures={"tf-function": make_failure()}, failed_rounds=(1,))

    row = row_of(two_runs.compare_runs(runs["base"], runs["new"]), "tf-function")

    assert (Verdict.FAILED, None) == (row.verdict, row.speed_up)
    assert changes.reason(row).startswith(f"{side}: 1 of 6 processes failed: raised in measure")


@pytest.mark.parametrize("side", ["base", "new"])
def test_a_loop_that_is_invalid_in_either_run_is_not_compared(make, side):
    """A time of other work is no baseline."""
    runs = {"base": make(), "new": make(seed=2)}
    runs[side] = make(seed=3, loss_gaps={"tf-function": 0.1})

    row = row_of(two_runs.compare_runs(runs["base"], runs["new"]), "tf-function")

    assert (Verdict.INVALID, None) == (row.verdict, row.speed_up)


def test_what_has_no_numbers_does_not_widen_the_others(make, make_failure):
    """Holm counts the pairs that are tested."""
    one = {"tf-function": 0.4e-3}
    alone = two_runs.compare_runs(make(steps=one), make(seed=2, steps=one))
    beside = two_runs.compare_runs(make(steps=one), make(seed=2, failures={"tf-eager": make_failure()}))

    assert row_of(alone, "tf-function").speed_up == row_of(beside, "tf-function").speed_up


UNLIKE = {
    "other data": ("data", lambda run: replace_header(run, dataset=replace(run.header.dataset, sha256="ee" * 32))),
    "other workload": ("source of workload mnist-mlp", lambda run: replace_trials(run, workload_sha256="ee" * 32)),
    "other device": ("device", lambda run: replace_trials(run, device_name="NVIDIA H100")),
    "other threads": ("threads, intra-op", lambda run: replace_trials(run, threads={"intra-op": 4, "inter-op": 2})),
    "other processor": ("cpu model", lambda run: replace_passport(run, **{"cpu model": "Intel Xeon"})),
    "other cores": ("cpu cores usable", lambda run: replace_passport(run, **{"cpu cores usable": "4"})),
}
LISTED = {
    "other loop": ("source of loop tf-eager", lambda run: replace_trials(run, loop_sha256="ee" * 32)),
    "other framework": ("torch", lambda run: replace_trials(run, versions={"python": "3.11.9", "torch": "2.14.0"})),
    "other system": ("operating system", lambda run: replace_passport(run, **{"operating system": "Debian 13"})),
    "other variable": ("environment TF_X", lambda run: replace_passport(run, **{"environment TF_X": "1"})),
    "other harness": ("bench", lambda run: replace_header(run, tool_version="9.0")),
}


def replace_header(run, **fields):
    """Return a run with other facts in its header."""
    return replace(run, header=replace(run.header, **fields))


def replace_passport(run, **facts):
    """Return a run on another machine."""
    return replace_header(run, environment=run.header.environment | facts)


def replace_trials(run, **fields):
    """Return a run whose loops say something else; the kernel stays."""
    return replace(run, trials=tuple(replace(trial, **fields) for trial in run.trials))


@pytest.mark.parametrize(("what", "change"), UNLIKE.values(), ids=UNLIKE)
def test_runs_that_are_not_alike_are_refused_unless_that_was_allowed(make, what, change):
    """Listed first, and named in one line."""
    comparison = two_runs.compare_runs(make(), change(make(seed=2)))

    assert (what, True) == (comparison.differences[0].what, comparison.differences[0].mismatch)
    with pytest.raises(NothingComparable, match=f"not alike: {what}: .* against .*--allow-mismatch"):
        changes.admit(comparison, allow_mismatch=False)
    changes.admit(comparison, allow_mismatch=True)
    assert told(comparison, f"Not alike, compared because it was asked for: {what}")


@pytest.mark.parametrize(("what", "change"), LISTED.values(), ids=LISTED)
def test_what_may_be_compared_on_purpose_is_listed_and_not_refused(make, what, change):
    """A new version of a loop or a framework is what a comparison is for."""
    comparison = two_runs.compare_runs(make(), change(make(seed=2)))

    assert what in {one.what for one in comparison.differences}
    changes.admit(comparison, allow_mismatch=False)


def test_mismatches_stand_before_everything_else(make):
    """Data, then workload, then machine; then what may be on purpose."""
    new = make(seed=2)
    for _, change in (*LISTED.values(), *UNLIKE.values()):
        new = change(new)

    found = two_runs.compare_runs(make(), new).differences

    assert [what for what, _ in UNLIKE.values() if "threads" not in what] == [
        one.what for one in found if one.mismatch and "threads" not in one.what
    ]
    assert sorted(not one.mismatch for one in found) == [not one.mismatch for one in found]


def test_what_a_run_did_not_record_is_no_mismatch(make):
    """It may have been the same."""
    old = replace_header(make(), environment={})

    comparison = two_runs.compare_runs(old, make(seed=2))

    assert (None, "AMD EPYC") == next((one.base, one.new) for one in comparison.differences if one.what == "cpu model")
    assert () == comparison.mismatches


def test_circumstances_that_are_never_the_same_are_not_listed(make):
    """Load, free memory and clock of the moment."""
    busy = replace_passport(make(seed=2), **{"load average 1 min": "1.90", "cpu frequency MHz": "3100"})

    assert () == two_runs.compare_runs(make(), busy).differences


def test_runs_without_a_loop_in_common_are_not_compared(make):
    """Whatever is allowed."""
    comparison = two_runs.compare_runs(make(steps={"tf-fit": 1e-3}), make(seed=2, steps={"jax-jit": 1e-3}))

    with pytest.raises(NothingComparable, match=r"in both runs: tf-fit is removed \(in the base .*; jax-jit is new \("):
        changes.admit(comparison, allow_mismatch=True)


def test_what_sessions_differ_by_is_in_every_interval(make):
    """Two per cent, which no number of rounds in either shows."""
    comparison = two_runs.compare_runs(make(rounds=20), make(seed=2, rounds=20))

    for row in comparison.rows:
        assert 1.96 * 0.02 < row.calibrated.relative_half_width < 0.06
        assert 1.96 * 0.02 < row.raw.relative_half_width < 0.06


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_memory_that_became_slower_is_no_slowdown_of_a_loop_that_uses_it(make, make_least_step, share):
    """Memory 20 % slower, arithmetic as it was: both runs measured that, and the interval holds whatever is bound."""
    ceilings = [replace(make_least_step(), bytes_per_second=speed) for speed in (10e9, 8e9)]
    base = replace(make(), least_steps=(ceilings[0],))
    slower = {loop: step * (1.0 + 0.25 * share) for loop, step in STEPS.items()}
    new = replace(make(seed=2, steps=slower), least_steps=(ceilings[1],))

    comparison = two_runs.compare_runs(base, new)

    for row in comparison.rows:
        assert row.verdict is not Verdict.SLOWER
        assert row.speed_up.low <= 1.0 <= row.speed_up.high


def test_ceilings_that_moved_together_change_nothing(make, make_least_step):
    """The kernel knows."""
    slow = replace(make_least_step(), bytes_per_second=5e9, operations_per_second=5e9)
    fast = replace(slow, bytes_per_second=1e10, operations_per_second=1e10)
    runs = [replace(make(seed=seed), least_steps=(one,)) for seed, one in ((1, slow), (2, fast))]

    with_ceilings, without = two_runs.compare_runs(*runs), two_runs.compare_runs(make(seed=1), make(seed=2))

    assert [row.speed_up for row in with_ceilings.rows] == [row.speed_up for row in without.rows]


def test_a_single_round_gives_estimates_and_no_verdict(make):
    """One process says nothing about the next one."""
    comparison = two_runs.compare_runs(make(rounds=1), make(seed=2, rounds=1))

    assert {Verdict.UNCLEAR} == set(verdicts(comparison).values())
    assert told(comparison, "No interval: each run needs two rounds at least.")


def test_the_cost_of_comparing_sessions_is_told(make):
    """How wide the intervals are, and how wide they are inside a run."""
    comparison = two_runs.compare_runs(make(), make(seed=2))

    (cost,) = [notice for notice in changes.notices(comparison) if notice.startswith("Median 95 % interval")]
    assert "calibrated" in cost
    assert "raw" in cost
    assert "between loops inside the runs, where rounds are paired" in cost


def test_a_gpu_that_rounds_products_is_another_device(make):
    """It computes less; on a CPU there is no such thing."""
    base, new = (replace_trials(make(seed=number), tensor_float_32=number == 2) for number in (1, 2))

    (found,) = two_runs.compare_runs(base, new).mismatches

    assert ("TF32", "off", "allowed") == (found.what, found.base, found.new)


def test_loops_that_moved_alike_are_one_thing_and_not_three(make):
    """All of them a tenth slower, and the kernel as before: something that they share."""
    slower = {loop: 1.1 * step for loop, step in STEPS.items()}

    comparison = two_runs.compare_runs(make(rounds=10), make(seed=2, steps=slower, rounds=10))

    assert pytest.approx(1 / 1.1, rel=0.02) == comparison.alike
    assert changes.headline(comparison).startswith("All loops moved alike, 1.1")
    assert told(comparison, "The kernel did not, so it is what all of them share, such as a version.")


def test_without_a_kernel_the_machine_may_be_what_moved(make):
    """Raw times know nothing of its speed."""
    runs = make(kernel=None, rounds=10), make(seed=2, kernel=None, machine=1.2, rounds=10)

    comparison = two_runs.compare_runs(*runs)

    assert pytest.approx(1 / 1.2, rel=0.03) == comparison.alike
    assert told(comparison, "That is the machine, or what all of them share, such as a version.")


@pytest.mark.parametrize(
    "steps",
    [
        STEPS,
        STEPS | {"tf-function": 0.5e-3},
        {loop: step * factor for (loop, step), factor in zip(STEPS.items(), (1.05, 1.2, 1.5), strict=True)},
        {loop: 1.3 * step for loop, step in list(STEPS.items())[:2]},
    ],
    ids=["none", "one", "each another way", "only two loops"],
)
def test_loops_that_moved_by_themselves_did_not_move_alike(make, steps):
    """Nor did two, which may have a framework in common."""
    assert None is two_runs.compare_runs(make(rounds=10), make(seed=2, steps=steps, rounds=10)).alike


def test_several_runs_are_each_compared_with_the_base_and_have_more_to_prove(make):
    """The intervals of a family are those of more pairs."""
    base, second = make(), make(seed=2)
    slower = make(seed=3, steps=STEPS | {"tf-function": 0.5e-3})

    found = two_runs.compare_with(base, [second, slower])
    alone = two_runs.compare_runs(base, second)

    assert ["run-2", "run-3"] == [one.new for one in found]
    assert Verdict.SLOWER is verdicts(found[1])["tf-function"]
    assert Verdict.SLOWER not in verdicts(found[0]).values()
    pairs = zip(alone.rows, (row_of(found[0], row.cell.loop) for row in alone.rows), strict=True)
    assert all(row.speed_up.confidence <= wider.speed_up.confidence for row, wider in pairs)


UP, UP_MAYBE = (1.1, 1.05, 1.15), (1.1, 0.95, 1.27)
DOWN, DOWN_MAYBE = (0.9, 0.86, 0.94), (0.9, 0.79, 1.03)


@pytest.mark.parametrize(
    ("intervals", "alike"),
    [
        ([UP, UP, UP, UP], 1.1),
        ([UP, UP, UP, UP_MAYBE], 1.1),
        ([UP, UP, UP_MAYBE, UP_MAYBE], None),
        ([DOWN, DOWN, DOWN], 0.9),
        ([DOWN, DOWN, DOWN_MAYBE, DOWN_MAYBE], None),
    ],
)
def test_more_than_half_must_have_moved_for_all_to_have_moved_alike(intervals, alike):
    """Each by an interval without 1."""
    rows = [
        SimpleNamespace(speed_up=Interval(estimate=estimate, low=low, high=high, count=10))
        for estimate, low, high in intervals
    ]

    assert (None if alike is None else pytest.approx(alike)) == two_runs._alike(rows, margin=0.02)
