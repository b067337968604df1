"""Small traces of each framework, as their profilers write them."""

import gzip
import json

import pytest

from bench.errors import InvalidResult
from bench.records.framework_trace import read
from bench.records.trial import Block, BlockKind


def event(name, begin, duration, *, thread=1, category="", **arguments):
    """Return a complete event of Chrome's format, in microseconds."""
    return {
        "ph": "X",
        "name": name,
        "ts": begin,
        "dur": duration,
        "pid": 7,
        "tid": thread,
        "cat": category,
        "args": arguments,
    }


@pytest.fixture
def traced():
    """Return a function: events of two steps that took a millisecond each -> what the trace tells."""

    def traced(*events, backend, steps=2):
        named = {"ph": "M", "name": "thread_name", "pid": 7, "tid": 1, "args": {"name": "python"}}
        content = gzip.compress(json.dumps({"traceEvents": [named, *events], "displayTimeUnit": "ns"}).encode())
        block = Block(
            kind=BlockKind.MEASURED,
            steps=steps,
            seconds=1e-3 * steps,
            started=0.0,
            cpu_seconds=0.0,
            involuntary_switches=0,
        )
        return read(content, backend=backend, block=block)

    return traced


def test_of_pytorch_an_operation_has_its_own_time(traced):
    """`aten::linear` calls `aten::addmm`: its own time is what that leaves of it."""
    found = traced(
        event("aten::linear", 0, 100, category="cpu_op"),
        event("aten::addmm", 10, 80, category="cpu_op"),
        event("aten::addmm", 200, 120, category="cpu_op"),
        event("a_function.py", 0, 900, category="python_function"),
        backend="torch",
    )

    first, second = found.operations
    assert ("aten::addmm", 1.0, pytest.approx(100e-6)) == (first.name, first.calls, first.step_seconds)
    assert ("aten::linear", 0.5, pytest.approx(10e-6)) == (second.name, second.calls, second.step_seconds)
    assert pytest.approx((200 / 220, 20 / 220)) == (first.share, second.share)
    assert pytest.approx((110e-6, 110e-6)) == (found.operation_seconds, found.busy_seconds)
    assert (2, 2) == (found.kinds, found.steps)


def test_where_a_gpu_computes_its_kernels_are_the_operations(traced):
    """And not the calls that launch them, which would count twice."""
    found = traced(
        event("aten::mm", 0, 30, category="cpu_op"),
        event("ampere_sgemm_32x32", 20, 100, thread="stream 7", category="kernel"),
        event("Memcpy HtoD (Pageable -> Device)", 0, 10, thread="stream 7", category="gpu_memcpy"),
        backend="torch",
    )

    assert ["ampere_sgemm_32x32", "Memcpy HtoD (Pageable -> Device)"] == [one.name for one in found.operations]
    assert found.on_device
    assert pytest.approx(55e-6) == found.busy_seconds

    found = traced(
        event("model/dense/MatMul:MatMul", 0, 30),
        event("ampere_sgemm", 20, 100, thread="stream 7", tf_op="model/dense/MatMul:MatMul"),
        backend="tensorflow",
    )

    assert [("MatMul", pytest.approx(50e-6))] == [(one.name, one.step_seconds) for one in found.operations]


def test_what_tensorflow_allocates_on_the_host_is_no_gpu_at_work(traced):
    """Convolutions' allocator names the node that it allocates for; a GPU's page was made of a CPU's trace."""
    found = traced(
        event("model/conv2d/convolution:_MklNativeConv2D", 0, 30),
        event("MemoryAllocation", 5, 0, tf_op="model/conv2d/convolution", bytes_allocated=128),
        backend="tensorflow",
    )

    assert not found.on_device
    assert ["_MklNativeConv2D"] == [one.name for one in found.operations]


def test_of_pytorch_the_parts_of_a_step_are_told_by_the_calls_around(traced):
    """By names of ours, by the engine of autograd, and by the hook around an optimizer."""
    found = traced(
        event("bench: forward", 0, 50, category="user_annotation"),
        event("aten::mm", 5, 40, category="cpu_op"),
        event("autograd::engine::evaluate_function: MmBackward0", 100, 70, category="cpu_op"),
        event("aten::mm", 110, 60, category="cpu_op"),
        event("Optimizer.step#Adam.step", 200, 100, category="user_annotation"),
        event("aten::add_", 210, 20, category="cpu_op"),
        event("aten::clone", 400, 10, category="cpu_op"),
        backend="torch",
    )

    assert pytest.approx({"forward": 20e-6, "backward": 35e-6, "optimizer": 10e-6, "other": 5e-6}) == found.parts


def test_of_tensorflow_the_nodes_of_the_graph_are_the_operations(traced):
    """By kind; their scopes say which part they are of. Calls of the runtime are none."""
    found = traced(
        event("EagerLocalExecute: __inference_multi_step_1185", 0, 900),
        event("ExecutorState::Process", 10, 500, thread=2),
        event("StatefulPartitionedCall/functional_1/dense_1/Relu:_FusedMatMul", 20, 100, thread=2),
        event("StatefulPartitionedCall/gradient_tape/functional_1/dense_1/MatMul/MatMul:MatMul", 130, 200, thread=2),
        event("StatefulPartitionedCall/adam/Sqrt_1:Sqrt", 20, 40, thread=3),
        event("StatefulPartitionedCall/adam/AssignSubVariableOp_1:AssignSubVariableOp", 60, 0, thread=3),
        event("StatefulPartitionedCall/Bitcast:Bitcast", 600, 2, thread=3),
        event("EagerLocalExecute: OptionalHasValue", 910, 8),
        event("Iterator::Root::Prefetch", 0, 5, thread=4),
        backend="tensorflow",
    )

    names = ["MatMul", "_FusedMatMul", "Sqrt", "OptionalHasValue", "Bitcast", "AssignSubVariableOp"]
    assert names == [one.name for one in found.operations]
    assert pytest.approx({"forward": 50e-6, "backward": 100e-6, "optimizer": 20e-6, "other": 5e-6}) == found.parts
    assert pytest.approx(155e-6) == found.busy_seconds, "two threads at once are one busy time"


@pytest.mark.parametrize("optimizer", ["adam_w", "loss_scale_optimizer/adam_w", "my_own_rule_3"])
def test_of_tensorflow_an_optimizer_is_told_by_what_it_does_and_not_by_its_name(traced, optimizer):
    """A model is what gradients go through, moving averages included; of the rest, what changes variables."""
    found = traced(
        event("my_net/norm/moments/mean:Mean", 0, 10),
        event("my_net/norm/AssignSubVariableOp:AssignSubVariableOp", 10, 10),
        event("gradient_tape/my_net/norm/mul/Mul:Mul", 20, 40),
        event(f"{optimizer}/clip_by_norm_3/mul:Mul", 60, 20),
        event(f"{optimizer}/AssignSubVariableOp_7:AssignSubVariableOp", 80, 20),
        event("Add_1/ReadVariableOp:ReadVariableOp", 100, 2),
        event("AssignAddVariableOp_1:AssignAddVariableOp", 102, 2),
        backend="tensorflow",
    )

    assert pytest.approx({"forward": 10e-6, "backward": 20e-6, "optimizer": 20e-6, "other": 2e-6}) == found.parts


def test_of_jax_the_instructions_of_a_program_are_the_operations(traced):
    """Numbered ones are one kind; copies from the host are a part of their own."""
    found = traced(
        event("PjitFunction(train_step)", 0, 300),
        event("DevicePut", 10, 60),
        event("dot.3", 100, 30, thread=2, hlo_op="dot.3", hlo_module="jit_train_step"),
        event("dot", 140, 50, thread=2, hlo_op="dot", hlo_module="jit_train_step"),
        event("ThunkExecutor::Execute", 90, 110, thread=2),
        backend="jax",
    )

    assert [("dot", 1.0), ("DevicePut", 0.5)] == [(one.name, one.calls) for one in found.operations]
    assert pytest.approx({"copies to the device": 30e-6, "other": 40e-6}) == found.parts


def test_what_lies_between_two_steps_is_told_where_steps_are_named(traced):
    """A millisecond each, of which 700 microseconds are in the step."""
    steps = [event("bench: fit step", begin, 700) for begin in (0, 1000)]

    assert pytest.approx(300e-6) == traced(*steps, backend="jax").outside_seconds
    assert None is traced(event("dot", 0, 1, hlo_op="dot"), backend="jax").outside_seconds


def test_a_trace_without_operations_has_none(traced):
    """Nothing is divided by their time."""
    found = traced(event("PjitFunction(train_step)", 0, 300), backend="jax")

    assert ((), 0, 0.0, {}) == (found.operations, found.kinds, found.busy_seconds, found.parts)


def test_ten_are_listed_and_all_are_counted(traced):
    """The page is for people."""
    found = traced(*(event(f"aten::op_{n}", 10 * n, 1 + n, category="cpu_op") for n in range(30)), backend="torch")

    assert (10, 30) == (len(found.operations), found.kinds)
    assert "aten::op_29" == found.operations[0].name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"[]",
        gzip.compress(b"{}", mtime=0),
        b"\x1f\x8b of a file that was torn off",
        b'{"traceEvents": [1]}',
    ],
)
def test_what_is_no_trace_is_said_in_one_line(content):
    """A profiler of another version may write anything."""
    block = Block(kind=BlockKind.MEASURED, steps=1, seconds=1.0, started=0.0, cpu_seconds=0.0, involuntary_switches=0)

    with pytest.raises(InvalidResult, match="this is no trace"):
        read(content, backend="torch", block=block)
