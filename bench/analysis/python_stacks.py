"""What the thread that trains was doing in Python, from the stacks that py-spy saw.

    read    the share of samples that each kind of work has

One line of the text is a stack, outermost frame first, and how often it was seen:

    thread (0x7F): "MainThread";main (bench/worker/entry.py:50);...;fit (keras/src/trainer.py:399) 17

The innermost frame that says what is being done decides: `fit()` that calls a callback that reads a batch is at the
pipeline. A stack tells which Python line is at work, not whether Python or what it has called is.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from bench.records.profile import Sampled
from bench.units import Seconds

_LINE = re.compile(r"(?P<stack>.+) (?P<count>\d{1,12})\Z")
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>.*?)(?::\d+)?\)\Z")
_THREAD = re.compile(r"thread \(.*\)")
MAIN = "MainThread"

STEP, PIPELINE, CALLBACKS, WAITING, FIT, ELSEWHERE = (
    *("step", "pipeline", "callbacks", "waiting", "fit() itself", "elsewhere"),
)

_WAITING = {"synchronise", "block_until_ready", "sync_devices", "synchronize", "_numpy", "numpy", "item"}
"""Functions that return when the device has an answer."""
_PIPELINE = {"epochs", "next_batch"}
_FILES = (
    (CALLBACKS, ("keras/src/callbacks/", "loops/hand_over.py")),
    (PIPELINE, ("tensorflow/python/data/", "torch/utils/data/", "keras/src/trainers/data_adapters/", "loops/data/")),
    (PIPELINE, ("keras/src/trainers/epoch_iterator.py", "loops/drain.py")),
    (STEP, ("tensorflow/python/eager/polymorphic_function/", "jax/_src/pjit.py", "jax/_src/interpreters/pxla.py")),
    (STEP, ("torch/_dynamo/", "torch/_inductor/", "torch/_functorch/", "bench/worker/profiling.py")),
)
"""Where the harness names the parts of a step, the step has begun."""
_STEPS = {"train_step", "train_steps", "one_step_on_data", "iterator_step", "multi_step_on_iterator"}
"""Functions that are a step."""
_FIT = re.compile(r"keras/src/backend/\w+/trainer\.py\Z")
_LOOP = "loops/"


def read(text: str, *, step_seconds: Seconds) -> Sampled:
    """Return what the main thread was seen doing; of no samples, nothing.

    Args:
        text: What py-spy wrote as `--format raw --threads --idle`.
        step_seconds: What a step took meanwhile.
    """
    seen = Counter[str]()
    for stack, count in _stacks(text):
        seen[kind_of(stack)] += count
    total = sum(seen.values())
    return Sampled(
        samples=total,
        step_seconds=step_seconds,
        shares={kind: count / total for kind, count in seen.most_common() if count},
    )


def kind_of(stack: Sequence[str]) -> str:
    """Return what a stack is at, outermost frame first.

    >>> kind_of(["fit (keras/src/backend/torch/trainer.py:267)", "fetch (torch/utils/data/_utils/fetch.py:50)"])
    'pipeline'
    """
    frames = [
        (found["function"].rpartition(".")[2], found["file"]) for frame in stack if (found := _FRAME.fullmatch(frame))
    ]
    for function, file in reversed(frames):
        if function in _WAITING:
            return WAITING
        if function in _PIPELINE:
            return PIPELINE
        kind = next((kind for kind, places in _FILES if any(place in file for place in places)), None)
        if kind is not None:
            return kind
        if function in _STEPS or (function == "train" and _LOOP in file):
            return STEP
        if function == "fit" and _FIT.search(file):
            return FIT
    return ELSEWHERE


def _stacks(text: str) -> Iterator[tuple[Sequence[str], int]]:
    """Yield the stacks of the thread that trains, and how often each was seen."""
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        thread, *frames = found["stack"].split(";")
        if not _THREAD.match(thread):  # without threads all of it is frames
            frames = [thread, *frames]
        elif MAIN not in thread:
            continue
        yield frames, int(found["count"])
