"""Names of loops and workloads. Nothing is imported until it is used, so listing costs no framework.

A loop's name stands for a way of writing training. What is trained may need a loop body of its own, so there is one
table of loops per kind of workload. Other packages add theirs through the entry points `bench.loops`,
`bench.adversarial_loops` and `bench.workloads`, written as here: name -> "module:Class".
"""

import ast
import hashlib
import importlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from loops.contract import Loop, Workload
from loops.errors import LoopError, UnknownName

DEFAULT_LOOPS = ("tf-eager", "tf-function", "tf-fit", "torch-native", "torch-keras")
"""What is measured when nobody says what: the five ways that the guides teach."""

LOOPS = {
    "tf-eager": "loops.variants.tf_eager:TfEager",
    "tf-function": "loops.variants.tf_function:TfFunction",
    "tf-fit": "loops.variants.tf_fit:TfFit",
    "tf-fit-lowlevel": "loops.variants.tf_fit_lowlevel:TfFitLowlevel",
    "tf-fit-stock": "loops.variants.tf_fit_stock:TfFitStock",
    "torch-native": "loops.variants.torch_native:TorchNative",
    "torch-keras": "loops.variants.torch_keras:TorchKeras",
    "torch-fit": "loops.variants.torch_fit:TorchFit",
    "torch-fit-stock": "loops.variants.torch_fit_stock:TorchFitStock",
    "torch-plain": "loops.variants.torch_plain:TorchPlain",
    "torch-plain-fused": "loops.variants.torch_plain_fused:TorchPlainFused",
    "torch-compile": "loops.variants.torch_compile:TorchCompile",
    "torch-native-compile": "loops.variants.torch_native_compile:TorchNativeCompile",
    "torch-keras-compile": "loops.variants.torch_keras_compile:TorchKerasCompile",
    "torch-fit-compile": "loops.variants.torch_fit_compile:TorchFitCompile",
    "tf-function-xla": "loops.variants.tf_function_xla:TfFunctionXla",
    "tf-function-epoch": "loops.variants.tf_function_epoch:TfFunctionEpoch",
    "tf-epoch-xla": "loops.variants.tf_epoch_xla:TfEpochXla",
    "tf-fit-steps": "loops.variants.tf_fit_steps:TfFitSteps",
    "tf-train-on-batch": "loops.variants.tf_train_on_batch:TfTrainOnBatch",
    "jax-jit": "loops.variants.jax_jit:JaxJit",
    "jax-scan": "loops.variants.jax_scan:JaxScan",
    "jax-fit": "loops.variants.jax_fit:JaxFit",
    "jax-fit-stock": "loops.variants.jax_fit_stock:JaxFitStock",
    "numpy": "loops.variants.numpy_by_hand:NumpyByHand",
}

ADVERSARIAL_LOOPS = {
    "tf-eager": "loops.variants.tf_eager_dcgan:TfEagerDcgan",
    "tf-function": "loops.variants.tf_function_dcgan:TfFunctionDcgan",
    "tf-fit": "loops.variants.tf_fit_dcgan:TfFitDcgan",
    "torch-native": "loops.variants.torch_native_dcgan:TorchNativeDcgan",
    "torch-keras": "loops.variants.torch_keras_dcgan:TorchKerasDcgan",
}
"""The same ways of writing training, for workloads of two models with an optimizer each."""

WORKLOADS = {
    "mnist-mlp": "loops.workloads.mnist_mlp:MnistMlp",
    "mnist-mlp-sgd": "loops.workloads.mnist_mlp_sgd:MnistMlpSgd",
    "mnist-mlp-add-loss": "loops.workloads.mnist_mlp_add_loss:MnistMlpAddLoss",
    "mnist-mlp-weighted": "loops.workloads.mnist_mlp_weighted:MnistMlpWeighted",
    "regression": "loops.workloads.regression:Regression",
    "regression-weighted": "loops.workloads.regression_weighted:RegressionWeighted",
    "mnist-dcgan": "loops.workloads.mnist_dcgan:MnistDcgan",
}

_TABLES = {
    "loop": ("bench.loops", LOOPS),
    "adversarial loop": ("bench.adversarial_loops", ADVERSARIAL_LOOPS),
    "workload": ("bench.workloads", WORKLOADS),
}
"""What is looked up -> entry point group and our own names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What can be said about a loop or a workload without importing it."""

    name: str
    target: str
    """ "module:Class"."""
    summary: str
    """First line of the module's docstring."""
    backend: str | None
    """A loop's framework; None for a workload."""
    kind: str
    """A workload's kind, "supervised" or "adversarial"."""
    sha256: str
    """Of the source file: numbers of different sources are different things."""


def loop_names(workload: str | None = None) -> list[str]:
    """Return every registered loop, our own first; with a workload, those that can train it.

    Raises:
        UnknownName: If there is no such workload.
    """
    if workload is not None:
        return list(_targets(_table(workload)))
    return list(_targets("loop") | _targets("adversarial loop"))


def workload_names() -> list[str]:
    """Return every registered workload, our own first."""
    return list(_targets("workload"))


def hole(loop: str, workload: str) -> str | None:
    """Return why a loop cannot train a workload, or None if it can.

    Raises:
        UnknownName: If there is no such loop or workload.
    """
    if loop not in loop_names():
        raise UnknownName("loop", loop, known=loop_names())
    if loop in loop_names(workload):
        return None
    return f"not written for {describe_workload(workload).kind} training"


def is_ours(loop: str, *, workload: str) -> bool:
    """Whether loop and workload both come with this package."""
    return workload in WORKLOADS and loop in _TABLES[_table(workload)][1]


def describe_loop(name: str, *, workload: str | None = None) -> Description:
    """Return what the source of a loop says about it.

    Args:
        name: Of the loop.
        workload: What it is to train, which may have a loop body of its own; by default any.

    Raises:
        UnknownName: If there is no such loop.
        LoopError: If its source cannot be found or names no backend.
    """
    if workload is not None:
        return _describe(_table(workload), name)
    return _describe("loop" if name in _targets("loop") or name not in loop_names() else "adversarial loop", name)


def describe_workload(name: str) -> Description:
    """Return what the source of a workload says about it.

    Raises:
        UnknownName: If there is no such workload.
        LoopError: If its source cannot be found.
    """
    return _describe("workload", name)


def load_loop(name: str, *, workload: str) -> Loop:
    """Import a loop, which imports its framework, and return an instance.

    Args:
        name: Of the loop.
        workload: What it is to train.

    Raises:
        UnknownName: If there is no such loop for this workload, or no such workload.
    """
    loop: Loop = _load(_table(workload), name)()
    return loop


def load_workload(name: str) -> Workload:
    """Import a workload and return an instance.

    Raises:
        UnknownName: If there is no such workload.
    """
    workload: Workload = _load("workload", name)()
    return workload


def _table(workload: str) -> str:
    """Return in which table the loops for a workload stand."""
    return "adversarial loop" if describe_workload(workload).kind == "adversarial" else "loop"


@cache
def _targets(table: str) -> dict[str, str]:
    """Return name -> "module:Class", ours and those of other packages; ours win."""
    group, own = _TABLES[table]
    return own | {point.name: point.value for point in entry_points(group=group) if point.name not in own}


def _target(table: str, name: str) -> tuple[str, str]:
    """Return module and class of a registered name."""
    targets = _targets(table)
    if name not in targets:
        raise UnknownName(table, name, known=targets)
    module, _, attribute = targets[name].partition(":")
    return module, attribute


def _load(table: str, name: str) -> type:
    """Import the module and return the class."""
    module, attribute = _target(table, name)
    loaded: type = getattr(importlib.import_module(module), attribute)
    return loaded


@cache
def _describe(table: str, name: str) -> Description:
    """Read the source as text: importing a loop would import its framework."""
    module, attribute = _target(table, name)
    specification = find_spec(module)
    if specification is None or specification.origin is None:
        raise LoopError(f"{table} '{name}' is registered as '{module}:{attribute}', which cannot be found")
    source = Path(specification.origin).read_bytes()
    tree = ast.parse(source)
    backend = _class_constant(tree, attribute, "backend")
    if table != "workload" and backend is None:
        raise LoopError(f"{specification.origin}: class {attribute} does not say which backend it needs")
    return Description(
        name=name,
        target=f"{module}:{attribute}",
        summary=(ast.get_docstring(tree) or "").partition("\n")[0],
        backend=backend,
        kind=_class_constant(tree, attribute, "kind") or "supervised",
        sha256=hashlib.sha256(source).hexdigest(),
    )


def _class_constant(tree: ast.Module, class_name: str, constant: str) -> str | None:
    """Return the string assigned to a class attribute, or None."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign | ast.Assign):
                    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else statement.targets
                    named = any(isinstance(target, ast.Name) and target.id == constant for target in targets)
                    if named and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str):
                        return statement.value.value
    return None
