"""What the harness learns from a framework about compiling, each in a process of its own."""

import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest

from bench.worker.frameworks import missing

COMPILED = {
    "tensorflow": """
        import tensorflow as tf
        double = tf.function(lambda x: 2.0 * x, reduce_retracing=False)
        call = lambda size: double(tf.zeros(size))
    """,
    "torch": """
        import torch
        double = torch.compile(lambda x: 2.0 * x, backend="eager", dynamic=False)
        call = lambda size: double(torch.zeros(size))
    """,
    "jax": """
        import jax
        double = jax.jit(lambda x: 2.0 * x)
        batches = {size: jax.numpy.zeros(size) for size in (3, 4)}
        call = lambda size: double(batches[size]).block_until_ready()
    """,
    "numpy": """
        import numpy as np
        call = lambda size: 2.0 * np.zeros(size)
    """,
}
"""Backend -> code that defines `call`: a compiled function of an array of so many numbers."""

COUNT = """
counts = []
for size in (3, 3, 4):
    call(size)
    counts.append(backend.compilations())
backend.forget()
call(3)
counts.append(backend.compilations())
"""


def inside(name: str, code: str, *, result: str) -> object:
    """Run code in a process that has configured a backend as a trial does, and return one of its variables."""
    lines = [
        "import json",
        "from bench.worker.runner import import_framework",
        f"backend = import_framework({name!r}, device='cpu', threads=1)",
        dedent(code),
        f"print(json.dumps({result}))",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=os.environ | {"KERAS_BACKEND": name, "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tensorflow", "torch", "jax"])
def test_a_new_shape_is_one_more_compilation(name):
    """The same shape again is none."""
    if reason := missing(name):
        pytest.skip(reason)

    first, again, other, _ = inside(name, dedent(COMPILED[name]) + COUNT, result="counts")

    assert (0, 1) == (again - first, other - first)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tensorflow", "torch", "jax"])
def test_a_framework_is_imported_alone(name):
    """Without the other frameworks and what no training needs, though all of it is installed here."""
    if reason := missing(name):
        pytest.skip(reason)

    imported = inside(name, "import sys", result="list(sys.modules)")

    assert {name} == {"tensorflow", "torch", "jax", "pandas", "matplotlib", "IPython"} & set(imported)


ASKED = """
import importlib.metadata, importlib.util, json, sys
from bench.worker import frameworks
with frameworks.alone("numpy"):
    try:
        import matplotlib.pyplot
    except ModuleNotFoundError as error:
        refused = error.name
    answers = [refused, "matplotlib" in sys.modules, importlib.util.find_spec("matplotlib") is None]
    version = importlib.metadata.version("matplotlib")
import matplotlib
print(json.dumps([*answers, version == matplotlib.__version__]))
"""


def test_what_is_left_out_is_not_there_however_a_library_asks():
    """SciPy looks into `sys.modules` for "torch", and takes what stands there for PyTorch, were it None."""
    asked = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)

    assert ["matplotlib", False, True, True] == json.loads(asked.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tensorflow", "torch", "jax"])
def test_what_was_left_out_can_be_imported_afterwards(name):
    """A user's file may need it."""
    if reason := missing(name):
        pytest.skip(reason)

    assert inside(name, "import pandas", result="int(pandas.Series([1, 2]).sum())") == 3


@pytest.mark.slow
def test_torch_forgets_what_it_compiled():
    """The same shape is compiled again: nothing of one check is left for the next."""
    _, _, other, afterwards = inside("torch", dedent(COMPILED["torch"]) + COUNT, result="counts")

    assert 1 == afterwards - other


@pytest.mark.slow
def test_torch_forgets_what_a_loop_has_set():
    """A setting of TorchDynamo that one compiled loop needs breaks another."""
    code = """
        from torch._dynamo import config
        before = config.trace_autograd_ops
        config.trace_autograd_ops = not before
        backend.forget()
    """

    assert inside("torch", code, result="config.trace_autograd_ops == before")


@pytest.mark.slow
def test_torch_gives_up_compiling_anew_sooner_while_loops_are_checked():
    """Also after what an earlier loop has left was dropped."""
    code = """
        backend.compile_less()
        counts = []
        for _ in range(2):
            before = backend.compilations()
            for size in range(3, 12):
                call(size)
            counts.append(backend.compilations() - before)
            backend.forget()
    """

    assert [4, 4] == inside("torch", dedent(COMPILED["torch"]) + dedent(code), result="counts")


def test_numpy_compiles_nothing():
    """However many shapes there are."""
    assert [0, 0, 0, 0] == inside("numpy", dedent(COMPILED["numpy"]) + COUNT, result="counts")


@pytest.mark.parametrize(
    ("requires", "reason"),
    [
        ("numpy>=2.0", None),
        ("numpy>=99", "it needs numpy>=99; numpy "),
        ("no-such-distribution>=1", "it needs no-such-distribution>=1; no-such-distribution is not installed"),
    ],
)
def test_what_a_loop_asks_for_beyond_its_framework_is_there_or_named(requires, reason):
    """With what is installed instead, so that a person knows what to install."""
    found = missing("numpy", requires=requires)

    assert found is None if reason is None else found.startswith(reason)


@pytest.mark.slow
def test_torch_tells_a_graph_in_pieces_from_a_whole_one():
    """What ends a graph is told apart from what makes another one."""
    code = """
        import torch
        def call(x):
            y = 2.0 * x
            torch._dynamo.graph_break()
            return y + 1.0
        torch.compile(call, backend="eager")(torch.zeros(3))
    """

    assert {"graphs": 2, "breaks": 1} == inside("torch", code, result="backend.compiled()")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tensorflow", "torch", "jax"])
def test_every_framework_can_be_kept_from_rounding_products_on_a_gpu(name):
    """Left alone they differ, and a loop would be ranked for computing less."""
    if reason := missing(name):
        pytest.skip(reason)
    code = """
        before = backend.tensor_float_32()
        backend.forbid_tensor_float_32()
    """

    assert [True, False] == inside(name, code, result="[before, backend.tensor_float_32()]")
