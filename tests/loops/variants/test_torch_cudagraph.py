"""`torch-cudagraph` where there is no GPU: a recorder stands in for CUDA graphs, everything else is real.

Like a CUDA graph it does nothing while it records, and its replay reads and writes the memory of the recording: a loop
that hands the graph a new tensor, or computes in Python what changes from step to step, trains on old values.
"""

import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.verify.examiner import Examiner
from bench.worker.frameworks import missing
from loops import registry
from loops.data import mnist
from loops.errors import UnsupportedCell

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing("torch")), reason="PyTorch is not installed"),
]
WORKLOADS = ["mnist-mlp", "mnist-mlp-sgd", "mnist-mlp-add-loss", "mnist-mlp-weighted", "regression"]


class Graph:
    """What was recorded: operations, what they were given and what they gave back."""

    def __init__(self):
        """Nothing yet."""
        self.operations = []

    def replay(self):
        """Do every operation again, with the same memory."""
        import torch
        from torch.utils._pytree import tree_leaves

        with torch.no_grad():
            for function, arguments, options, result in self.operations:
                if function._schema.is_mutable:
                    function(*arguments, **options)
                elif not function.is_view:  # a view of memory that has been written already
                    values = tree_leaves(function(*arguments, **options))
                    for place, value in zip(tree_leaves(result), values, strict=True):
                        if isinstance(place, torch.Tensor):
                            place.copy_(value)


@contextmanager
def recording(graph, **_):
    """Write down what is called, and undo what it did."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    before = []

    class Recorder(TorchDispatchMode):
        """Sees every operation below autograd."""

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            if function._schema.is_mutable:
                leaves = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
                before.extend((leaf.detach(), leaf.detach().clone()) for leaf in leaves)
            result = function(*args, **kwargs)
            graph.operations.append((function, args, kwargs, result))
            return result

    with Recorder():
        yield
    with torch.no_grad():
        for place, value in reversed(before):
            place.copy_(value)


@pytest.fixture
def new_loop(monkeypatch):
    """Return a function that makes the loop, on a CPU that passes for a GPU."""
    import torch

    from loops.data import torch_feed
    from loops.variants import torch_cudagraph

    stream = SimpleNamespace(wait_stream=lambda _: None)
    for name, stand_in in {
        "CUDAGraph": Graph,
        "graph": recording,
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda _: nullcontext(),
        "synchronize": lambda _: None,
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    for module in (torch_feed, torch_cudagraph):
        monkeypatch.setattr(module, "device_of", lambda _: torch.device("cpu"))
    return torch_cudagraph.TorchCudagraph


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Return synthetic digits."""
    fixture = mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=tmp_path_factory.mktemp("cache"))
    return mnist.load(Path(fixture.folder))


@pytest.fixture
def examine(digits):
    """Return a function that holds a loop against the reference, and returns the gaps that are too large."""

    def examine(new_loop, *, workload):
        found = Examiner(digits, device="gpu", seed=0).check(new_loop, workload=registry.load_workload(workload))
        return [gap for gap in found.gaps if not gap.passed]

    return examine


@pytest.mark.parametrize("name", WORKLOADS)
def test_replayed_steps_do_the_same_work_as_the_reference(new_loop, examine, name):
    """Loss, gradients, weights and metrics, over epochs that end within blocks."""
    assert [] == examine(new_loop, workload=name)


@pytest.mark.parametrize(
    "left_out",
    [
        "place.copy_(tensor)",  # every replay trains on the first batch
        "self.optimizer.zero_grad(set_to_none=True)",  # gradients add up from step to step
        "self.last_loss.copy_(loss.detach())",  # nobody sees a loss
    ],
)
def test_a_graph_with_a_mistake_is_found_out(new_loop, examine, left_out):
    """Otherwise the stand-in would prove nothing."""
    module = sys.modules[new_loop.__module__]
    source = Path(module.__file__).read_text()
    assert 1 == source.count(left_out)
    namespace = vars(module).copy()
    exec(compile(source.replace(left_out, "pass"), "mutant", "exec"), namespace)
    namespace["device_of"] = module.device_of

    assert examine(namespace["TorchCudagraph"], workload="mnist-mlp")


def test_a_cpu_is_refused_with_the_way_out():
    """There is nothing to record on a CPU."""
    from loops.variants.torch_cudagraph import TorchCudagraph

    with pytest.raises(UnsupportedCell, match="needs a GPU; on a CPU, see torch-compile"):
        TorchCudagraph().prepare(SimpleNamespace(device="cpu"))
