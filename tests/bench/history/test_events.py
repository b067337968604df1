"""What happened to a loop, to all loops of a machine, and what else changed there."""

import pytest

from bench.history.events import judge
from bench.history.index import Index
from bench.history.series import Wanted, read_series

LOOPS = {"tf-eager": 8e-3, "tf-fit": 0.7e-3, "torch-native": 0.75e-3, "torch-keras": 1e-3}
COUNT, CHANGE = 24, 14


@pytest.fixture
def judged(tmp_path, store):
    """Return a function that stores nights, each with its own factors and settings, and judges them."""

    def judge_nights(factors, *, count=COUNT, settings=None, wanted=None, noise=0.005):
        for night in range(count):
            steps = {loop: seconds * factors(loop, night) for loop, seconds in LOOPS.items()}
            store(tmp_path, night=night, steps=steps, noise=noise, **(settings(night) if settings else {}))
        with Index.opened(tmp_path) as index:
            return {one.series.loop: one for one in judge(index, read_series(index, wanted or Wanted()))}

    return judge_nights


def test_one_loop_that_changes_is_one_event_with_what_changed_there(judged):
    """Keras, in the runs on either side of it."""
    versions = {False: "3.14.0", True: "3.15.1"}

    def settings(night):
        fields = {"versions": {"python": "3.11.9", "keras": versions[night >= CHANGE], "numpy": "2.4.6"}}
        return {"trial_fields": {"tf-fit": fields}}

    found = judged(lambda loop, night: 1.1 if loop == "tf-fit" and night >= CHANGE else 1.0, settings=settings)

    (event,) = found["tf-fit"].events
    assert (CHANGE, None, ("keras 3.14.0 to 3.15.1",)) == (event.place, event.alike, event.changed)
    assert event.ratio.low < 1.1 < event.ratio.high
    assert [] == [loop for loop, one in found.items() if loop != "tf-fit" and one.events]


def test_a_machine_at_another_speed_is_no_event(judged):
    """The kernel ran slower as well."""
    found = judged(lambda loop, night: 1.0, settings=lambda night: {"machine": 1.3 if night >= CHANGE else 1.0})

    assert {()} == {one.events for one in found.values()}


def test_all_loops_alike_are_one_thing(judged):
    """Where the kernel does not tell, all others do."""
    found = judged(lambda loop, night: 1.08 if night >= CHANGE else 1.0)

    alike = {one.events[0].alike for one in found.values()}

    assert {tuple(sorted(LOOPS))} == {one.loops for one in alike}
    assert 1 == len(alike)


def test_loops_that_move_each_in_its_own_way_are_not_alike(judged):
    """One of them did not move at all."""
    found = judged(lambda loop, night: 1.08 if night >= CHANGE and loop != "torch-keras" else 1.0)

    assert {None} == {one.events[0].alike for loop, one in found.items() if loop != "torch-keras"}


@pytest.mark.slow
def test_a_slow_creep_is_told_as_one(judged):
    """Not as a staircase."""
    found = judged(lambda loop, night: 1.006 ** max(0, night - 10) if loop == "tf-fit" else 1.0, count=50)

    (event,) = found["tf-fit"].events
    assert event.per_run is not None
    assert event.per_run.low < 1.006 < event.per_run.high
    assert event.earliest == pytest.approx(10, abs=3)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        (lambda new: {"environment": {"machine name": "box", "cpu model": "B" if new else "A"}}, "the machine"),
        (
            lambda new: {"trial_fields": {"kernel": {"versions": {"numpy": "3.0" if new else "2.0"}}}},
            "the kernel that measures the machine",
        ),
        (
            lambda new: {"trial_fields": {loop: {"workload_sha256": "cd" if new else "ab"} for loop in LOOPS}},
            "the source of the workload",
        ),
    ],
)
def test_another_thing_that_is_measured_is_a_break_and_no_change(judged, settings, what):
    """Levels on either side of it are not compared."""
    found = judged(
        lambda loop, night: 1.2 if night >= CHANGE else 1.0, settings=lambda night: settings(night >= CHANGE)
    )

    one = found["tf-fit"]
    assert ((), [(CHANGE, what)]) == (one.events, [(broken.place, broken.what) for broken in one.breaks])


def test_runs_of_one_commit_are_one_point(judged):
    """Three a commit, and each counts by its processes."""
    found = judged(
        lambda loop, night: 1.0,
        settings=lambda night: {"environment": {"project commit": f"{night // 3:040x}"}},
        wanted=Wanted(by="commit", loops=("tf-fit",)),
    )

    assert (COUNT // 3, {3}) == (
        len(found["tf-fit"].series.points),
        {point.runs for point in found["tf-fit"].series.points},
    )


def test_what_was_found_is_kept(judged, tmp_path, monkeypatch):
    """A second look searches nothing."""
    first = judged(lambda loop, night: 1.1 if loop == "tf-fit" and night >= CHANGE else 1.0)
    monkeypatch.setattr("bench.history.segments.find_changes", None)

    with Index.opened(tmp_path) as index:
        again = {one.series.loop: one for one in judge(index, read_series(index, Wanted()))}

    assert first == again


def test_loops_that_failed_are_no_points(judged, make_failure):
    """Nor those that do other work."""
    found = judged(
        lambda loop, night: 1.0,
        count=3,
        settings=lambda night: {
            "failures": {"tf-fit": make_failure()} if night == 1 else {},
            "loss_gaps": {"tf-eager": 1.0},
        },
    )

    assert (2, False) == (len(found["tf-fit"].series.points), "tf-eager" in found)
