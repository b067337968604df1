"""What the thread that trains was doing, from stacks as py-spy writes them."""

import pytest

from bench.analysis.python_stacks import kind_of, read

THREAD = "thread (31): MainThread"
FIT = (
    "main (bench/worker/entry.py:50);TfFitStock.train (loops/variants/tf_fit_stock.py:44);"
    "filter_traceback.<locals>.error_handler (keras/src/utils/traceback_utils.py:117);"
    "TensorFlowTrainer.fit (keras/src/backend/tensorflow/trainer.py:399)"
)
OWN = "main (bench/worker/entry.py:50);TorchNative.train (loops/variants/torch_native.py:65)"


def frames(text):
    """Return a stack's frames."""
    return text.split(";")


@pytest.mark.parametrize(
    ("stack", "kind"),
    [
        (FIT, "fit() itself"),
        (f"{FIT};Function.__call__ (tensorflow/python/eager/polymorphic_function/polymorphic_function.py:833)", "step"),
        (f"{FIT};NamedParts._called.<locals>.named (bench/worker/profiling.py:52)", "step"),
        (f"{FIT};CallbackList.on_train_batch_end (keras/src/callbacks/callback_list.py:218)", "callbacks"),
        (f"{FIT};TFEpochIterator.enumerate_epoch (keras/src/trainers/epoch_iterator.py:12)", "pipeline"),
        (
            f"{FIT};OwnedIterator.__next__ (tensorflow/python/data/ops/iterator_ops.py:8);fetch (gen_ops.py:3017)",
            "pipeline",
        ),
        (f"{OWN};backward (torch/autograd/__init__.py:395)", "step"),
        (OWN, "step"),
        (f"{OWN};TorchNative.epochs (loops/variants/torch_native.py:50)", "pipeline"),
        (f"{FIT};TfFitStock.synchronise (loops/variants/tf_fit_stock.py:60)", "waiting"),
        ("main (bench/worker/entry.py:50);read (json/decoder.py)", "elsewhere"),
        ("no frame at all", "elsewhere"),
    ],
)
def test_the_innermost_frame_that_says_something_decides(stack, kind):
    """What `fit()` calls is not `fit()` itself."""
    assert kind == kind_of(frames(stack))


def test_shares_are_of_the_thread_that_trains():
    """Others wait all the time, and would be nine tenths of what is seen."""
    text = "\n".join(
        [
            f"{THREAD};{FIT} 10",
            f"{THREAD};{FIT};call (bench/worker/profiling.py:52) 30",
            "thread (32): ThreadPoolExecutor-0_1;_worker (concurrent/futures/thread.py:83) 400",
            "a line of another program",
            "",
        ]
    )

    found = read(text, step_seconds=0.002)

    assert (40, 0.002) == (found.samples, found.step_seconds)
    assert [("step", 0.75), ("fit() itself", 0.25)] == list(found.shares.items())


def test_without_threads_all_of_it_counts():
    """As in a file that was recorded without them."""
    assert {"fit() itself": 1.0} == read(f"{FIT} 3", step_seconds=1.0).shares


def test_nothing_seen_has_no_shares():
    """And divides by nothing."""
    assert (0, {}) == (read("", step_seconds=1.0).samples, read("", step_seconds=1.0).shares)
