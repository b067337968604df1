"""What is said of processes that hold another framework beside their own."""

from dataclasses import replace

from bench.report import build
from bench.report.notice import NoticeKind


def test_a_framework_that_a_file_brings_along_is_named_with_the_loops_it_is_beside(make_run):
    """Once, however many processes; nobody is blamed where each is alone."""
    run = make_run(steps={"torch-native": 1e-3, "tf-function": 1e-3})
    beside = replace(
        run,
        trials=tuple(
            replace(trial, guests=("tensorflow",)) if trial.cell.loop == "torch-native" else trial
            for trial in run.trials
        ),
    )

    (notice,) = [one for one in build(beside).notices if one.kind is NoticeKind.GUESTS]

    assert notice.text.startswith("TensorFlow is in the processes of torch-native as well, imported there by a file")
    assert not notice.lowers_trust
    assert NoticeKind.GUESTS not in {one.kind for one in build(run).notices}
