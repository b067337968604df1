"""Facts that are not the same in two runs: which forbid a comparison, which are told, which pass."""

from dataclasses import replace

import pytest

from bench.analysis.differences import collate, collate_finished, device, differences, of_frameworks
from bench.records.cell import Side
from bench.records.stored_run import DatasetRecord

STEPS = {"tf-fit": 1e-3, "torch-native": 1e-3}
VERSIONS = {"python": "3.11.9", "keras": "3.15.1", "numpy": "2.4.6", "tensorflow": "2.21.0"}


@pytest.fixture
def found(make_run):
    """Return a function that compares a run with one that differs in some respect: ``found(trials={...}, plan={...})``.

    It returns what differs, as "what" -> (base, new, whether it forbids a comparison), in order.
    """

    def compare(*, plan=None, trials=None, cells=None, base=None, **new):
        before = make_run(steps=STEPS, rounds=1, **(base or {}))
        after = make_run(steps=STEPS, rounds=1, trial_fields=trials, **new)
        after = replace(after, header=replace(after.header, plan=replace(after.header.plan, **(plan or {}))))
        both = before.header.plan.cells if cells is None else cells
        return {one.what: (one.base, one.new, one.mismatch) for one in differences(before, after, cells=both)}

    return compare


def test_equal_runs_differ_in_nothing(found):
    """Whatever they are called."""
    assert {} == found(run_id="another", started="2027-01-01T00:00:00+00:00")


@pytest.mark.parametrize(
    ("settings", "what", "forbids"),
    [
        ({"trials": {"tf-fit": {"workload_sha256": "cd" * 32}}}, "source of workload mnist-mlp", True),
        ({"trials": {"tf-fit": {"device_name": "NVIDIA"}}}, "device", True),
        ({"trials": {"tf-fit": {"threads": {"intra-op": 1, "inter-op": 2}}}}, "threads, intra-op", True),
        ({"trials": {"tf-fit": {"loop_sha256": "cd" * 32}}}, "source of loop tf-fit", False),
        ({"trials": {"tf-fit": {"versions": VERSIONS | {"keras": "3.16.0"}}}}, "keras", False),
        ({"tool_version": "9.9"}, "bench", False),
        ({"plan": {"schedule": "sequential"}}, "schedule", False),
        ({"plan": {"steps": 500}}, "steps per process", False),
        ({"plan": {"seed": 8}}, "seed", False),
        ({"plan": {"cpus": (0, 1)}}, "CPUs per process", False),
        ({"plan": {"interpreters": {"jax": "/opt/python"}}}, "interpreter for jax", False),
        ({"plan": {"sides": (Side(name="A", description="ref=main"),)}}, "side A", False),
    ],
)
def test_what_differs_is_found_and_forbids_or_not(found, settings, what, forbids):
    """What a change of code does not change forbids; what the comparison may be about does not."""
    assert {what: forbids} == {name: one[2] for name, one in found(**settings).items()}


def test_other_data_forbid_a_comparison(found):
    """Told by name and the beginning of their digest."""
    other = DatasetRecord(name="synthetic", source="bench", sha256="ef" * 32)

    assert ("mnist, SHA-256 cdcdcdcdcdcd", "synthetic, SHA-256 efefefefefef", True) == found(dataset=other)["data"]


@pytest.mark.parametrize(
    ("fact", "forbids"),
    [("cpu model", True), ("cpu cores usable", True), ("cgroup cpu quota", True), ("operating system", False)],
)
def test_another_machine_forbids_a_comparison(found, fact, forbids):
    """Other facts of its passport are told."""
    assert {fact: ("a", "b", forbids)} == found(base={"environment": {fact: "a"}}, environment={fact: "b"})


@pytest.mark.parametrize("fact", ["cpu model", "operating system"])
def test_what_a_run_does_not_know_may_have_been_the_same(found, fact):
    """It is told, and forbids nothing."""
    assert {fact: (None, "b", False)} == found(base={"environment": {}}, environment={fact: "b"})


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("load average 1 min", False),
        ("memory available MiB", False),
        ("gpu 0 SM clock MHz", False),
        ("gpu 0 temperature Celsius", False),
        ("numpy version", False),
        ("gpu driver version", True),
        ("environment OMP_NUM_THREADS", True),
        ("git commit", True),
    ],
)
def test_what_is_never_the_same_is_not_told(found, fact, told):
    """Nor what trials record better; the driver is told, though it is a version."""
    assert told == (fact in found(base={"environment": {fact: "1"}}, environment={fact: "2"}))


def test_mismatches_come_first(found):
    """Then what may be on purpose, then circumstances."""
    settings = {"operating system": "b", "cpu model": "b"}

    whats = list(
        found(
            base={"environment": dict.fromkeys(settings, "a")},
            environment=settings,
            tool_version="9.9",
            trials={"tf-fit": {"device_name": "NVIDIA"}},
        )
    )

    assert ["device", "cpu model", "bench", "operating system"] == whats


def test_only_cells_of_both_runs_are_looked_at(found, make_cell):
    """A loop that only one of them has is no difference of what is compared."""
    changed = {"tf-fit": {"loop_sha256": "cd" * 32}}

    assert {} == found(trials=changed, cells=[make_cell("torch-native")])
    assert {} == found(trials=changed, cells=[])


def test_where_loops_disagree_each_value_stands_with_its_loops(make_trial, make_cell):
    """Sorted; the only value stands alone."""
    trials = [
        make_trial(make_cell(loop), device_name=name) for loop, name in (("c", "GPU"), ("b", "CPU"), ("a", "GPU"))
    ]

    assert {"device": "CPU (b); GPU (a, c)"} == collate(trials, device)
    assert {"device": "GPU"} == collate([trials[0], trials[2]], device)
    assert {} == collate([], device)


def test_a_trial_that_failed_says_nothing(make_trial, make_cell, make_failure):
    """It may have failed because of what it would say."""
    good, bad = make_trial(make_cell("a")), make_trial(make_cell("b"), device_name="GPU", failure=make_failure())

    assert {"device": "CPU"} == collate_finished([good, bad], device)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"device_name": None}, {}),
        ({"device_name": "GPU", "tensor_float_32": True}, {"device": "GPU", "TF32": "allowed"}),
        ({"device_name": "GPU", "tensor_float_32": False}, {"device": "GPU", "TF32": "off"}),
    ],
)
def test_a_device_says_whether_it_may_round(make_trial, make_cell, fields, said):
    """Where it can; a process that does not know its device says nothing."""
    assert said == device(make_trial(make_cell("a"), **fields))


@pytest.mark.parametrize(
    ("what", "frameworks"),
    [
        ("environment TF_ENABLE_ONEDNN_OPTS", True),
        ("XLA_FLAGS", True),
        ("environment OMP_NUM_THREADS", False),
        ("environment", False),
        ("", False),
    ],
)
def test_variables_that_only_frameworks_read_are_told_apart(what, frameworks):
    """NumPy's kernel does not read them."""
    assert frameworks is of_frameworks(what)
