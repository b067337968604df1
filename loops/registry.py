"""Names of loops and workloads. Nothing is imported until it is used, so listing costs no framework.

A loop's name stands for a way of writing training. What is trained may need a loop body of its own, so there is one
table of loops per kind of workload. Other packages add theirs through the entry points `bench.loops`,
`bench.adversarial_loops` and `bench.workloads`, written as here: name -> "module:Class".

A user's own file, "path/my_loop.py", is taken wherever a name is: `named` registers it under its name. Which files
are registered stands in the environment, so that every process that is started from here knows them too.
"""

import importlib
import json
import os
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from loops import user_file
from loops.contract import Loop
from loops.described import Description, Outline, described, saved_model
from loops.errors import InvalidSource, LoopError, UnknownName
from loops.source import place_of
from loops.user_file import FitStyle, UserFile

DEFAULT_LOOPS = ("tf-eager", "tf-function", "tf-fit", "torch-native", "torch-keras")
"""What is measured when nobody says what: the five ways that the guides teach."""

DEFAULT_WORKLOAD = "mnist-mlp"
"""What they train when nobody says what."""

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
    "torch-cudagraph": "loops.variants.torch_cudagraph:TorchCudagraph",
    "torch-compile": "loops.variants.torch_compile:TorchCompile",
    "torch-native-compile": "loops.variants.torch_native_compile:TorchNativeCompile",
    "torch-keras-compile": "loops.variants.torch_keras_compile:TorchKerasCompile",
    "torch-fit-steps": "loops.variants.torch_fit_steps:TorchFitSteps",
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
    "numpy-cpp": "loops.variants.numpy_cpp:NumpyCpp",
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
    "mnist-mlp-sgd": "loops.workloads.mnist_mlp:MnistMlpSgd",
    "mnist-mlp-add-loss": "loops.workloads.mnist_mlp_add_loss:MnistMlpAddLoss",
    "mnist-mlp-weighted": "loops.workloads.mnist_mlp_weighted:MnistMlpWeighted",
    "regression": "loops.workloads.regression:Regression",
    "regression-weighted": "loops.workloads.regression:RegressionWeighted",
    "mnist-dcgan": "loops.workloads.mnist_dcgan:MnistDcgan",
    "mnist-cnn": "loops.workloads.mnist_cnn",
    "mnist-lstm": "loops.workloads.mnist_lstm",
    "mnist-transformer": "loops.workloads.mnist_transformer",
}

COMPILED = frozenset(name for name, target in WORKLOADS.items() if ":" not in target)
"""Modules with `model()` and `data()`, written as a user's file is and treated like one."""

_OWN_MODEL = ("torch-plain", "torch-plain-fused", "torch-compile", "torch-cudagraph", "numpy", "numpy-cpp")
_ONE_GRAPH = ("torch-keras-compile", "torch-native-compile")
HOLES: dict[str, dict[str, str]] = {
    **{loop: dict.fromkeys(COMPILED, "written for chains of dense layers only") for loop in _OWN_MODEL},
    **{
        loop: dict.fromkeys(COMPILED, "compiled as one graph, which TorchDynamo cannot make of Keras' Rescaling layer")
        for loop in _ONE_GRAPH
    },
    "torch-fit-compile": {"mnist-cnn": "stopped by an error of TorchInductor where the batch size may change"},
}
HOLES["numpy-cpp"] |= dict.fromkeys(
    ("regression", "regression-weighted"), "written for models with two hidden layers only"
)
"""Loop -> workload that it cannot train though others of its kind can -> why."""

_TABLES = {
    "loop": ("bench.loops", LOOPS),
    "adversarial loop": ("bench.adversarial_loops", ADVERSARIAL_LOOPS),
    "workload": ("bench.workloads", WORKLOADS),
}
"""What is looked up -> entry point group and our own names."""

FILES_VARIABLE = "BENCH_FILES"
"""Environment variable with the paths of the user's files that are registered, as a JSON list."""

EVERY = "all"
"""Stands for every registered loop, so no loop can be called so."""


def named(kind: user_file.Kind, name: str, *, arrays: str | None = None) -> str:
    """Return the name of a loop or a workload, which may be given as a user's file; that is registered then.

    Args:
        kind: "loop" or "workload".
        name: Or a file.
        arrays: Of a saved model, the file with what it is trained on.

    Raises:
        InvalidSource: If the file cannot be used, or its name is taken.
    """
    if not name.endswith((user_file.SUFFIX, user_file.SAVED)):
        return name
    found = user_file.read(name)
    if name.endswith(user_file.SAVED):
        _register_arrays(name, arrays=arrays)
    if found.kind != kind:
        right = "by --workload" if found.kind == "workload" else "as LOOP or by --loop"
        what = f"class {found.class_name} is" if found.class_name else "model() and data() are"
        raise InvalidSource(f"{name}: {what} a {found.kind}, not a {kind}; give it {right}")
    others = [other for other in _user_files() if other.path != found.path]
    holder = next((f"by {other.path}" for other in others if (other.kind, other.name) == (kind, found.name)), None)
    registered = [*_registered("loop"), *_registered("adversarial loop"), EVERY]
    if found.name in (registered if kind == "loop" else _registered("workload")):
        holder = f"as the name of another {kind}"
    if holder is not None:
        where = f"in class {found.class_name}" if found.class_name else "at its top"
        raise InvalidSource(
            f"{name}: the name '{found.name}' is taken {holder}; rename the file, or write "
            f'name = "my-{found.name}" {where}'
        )
    register([found.path])
    return found.name


def register(paths: Iterable[str]) -> None:
    """Have this process and those that it starts know the loops and workloads in a user's files.

    Raises:
        InvalidSource: If one of them cannot be used.
    """
    found = [path if path.endswith(user_file.ARRAYS) else user_file.read(path).path for path in paths]
    os.environ[FILES_VARIABLE] = json.dumps(list(dict.fromkeys([*files(), *found])))


def _register_arrays(model: str, *, arrays: str | None) -> None:
    """Have this process and those that it starts know what a saved model is trained on.

    Raises:
        InvalidSource: If that is not said, or not there.
    """
    if arrays is None:
        if any(path.endswith(user_file.ARRAYS) for path in files()):
            return
        raise InvalidSource(f"{model}: a saved model comes without data; give them by --arrays FILE.npz")
    if not Path(arrays).is_file():
        raise InvalidSource(f"--arrays {arrays}: there is no such file; np.savez(FILE, x=x, y=y) of NumPy writes one")
    register([str(Path(arrays).absolute())])


def files() -> tuple[str, ...]:
    """Return the paths of the user's files that are registered."""
    return tuple(json.loads(os.environ.get(FILES_VARIABLE, "[]")))


def loop_names(workload: str | None = None) -> list[str]:
    """Return every registered loop, our own first; with a workload, those that can train it.

    Raises:
        UnknownName: If there is no such workload.
    """
    if workload is not None:
        return [name for name in _targets(_table(workload)) if workload not in HOLES.get(name, {})]
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
    if workload in HOLES.get(loop, {}):
        return HOLES[loop][workload]
    if loop in loop_names(workload):
        return None
    return f"not written for {describe_workload(workload).kind} training"


def is_ours(loop: str, *, workload: str) -> bool:
    """Whether loop and workload both come with this package, and the workload is no compiled model."""
    return workload in WORKLOADS and workload not in COMPILED and loop in _TABLES[_table(workload)][1]


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


def outline_workload(name: str) -> Outline:
    """Return what is needed to plan with a workload; a user's file is not imported for it.

    Raises:
        UnknownName: If there is no such workload.
    """
    for found in _user_files():
        if (found.kind, found.name) == ("workload", name):
            assert found.batch_size is not None  # `user_file.read` sees to it
            return Outline(
                name=name,
                kind=found.trains,
                batch_size=found.batch_size,
                training_samples=found.training_samples,
            )
    workload = load_workload(name)
    if isinstance(workload, FitStyle):
        return Outline(name=name, kind=workload.kind, batch_size=workload.batch_size, training_samples=None)
    return Outline(
        name=workload.name,
        kind=workload.kind,
        batch_size=workload.batch_size,
        training_samples=workload.training_samples,
        hidden_units=workload.hidden_units,
    )


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


def is_prepared(workload: str) -> bool:
    """Whether a workload is prepared once for a run, see `loops.prepared`: what users bring, and our compiled models.

    Adversarial ones are not: a class of two models makes its samples and weights from the seed, in every process.
    """
    if workload in WORKLOADS:
        return workload in COMPILED
    return describe_workload(workload).kind == "supervised"


def load_workload(name: str) -> Any:
    """Import a workload and return an instance: a `Workload`, or a `FitStyle` for two functions or a saved model.

    Raises:
        UnknownName: If there is no such workload.
    """
    module, attribute = _target("workload", name)
    if not attribute:
        found = next((one for one in _user_files() if one.path == module), None)
        arrays = next((path for path in files() if path.endswith(user_file.ARRAYS)), None)
        return FitStyle(
            name,
            path=module,
            batch_size=found.batch_size if found is not None and found.says_batch_size else None,
            arrays=arrays if module.endswith(user_file.SAVED) else None,
        )
    loaded = _load("workload", name)
    if "name" not in vars(loaded):
        setattr(loaded, "name", name)  # noqa: B010 - no type knows of it; a user's file need not say it
    return loaded()


def _table(workload: str) -> str:
    """Return in which table the loops for a workload stand."""
    return "adversarial loop" if describe_workload(workload).kind == "adversarial" else "loop"


def _targets(table: str) -> dict[str, str]:
    """Return name -> target: what is registered, and the user's files."""
    own = {found.name: f"{found.path}:{found.class_name}" for found in _user_files() if _table_of(found) == table}
    return _registered(table) | own


def look_again() -> None:
    """Forget which packages are installed and what their sources say; a process that changes neither need not ask."""
    _registered.cache_clear()
    _describe_target.cache_clear()


@cache
def _registered(table: str) -> dict[str, str]:
    """Return name -> "module:Class", ours and those of other packages; ours win."""
    group, own = _TABLES[table]
    return own | {point.name: point.value for point in entry_points(group=group) if point.name not in own}


def _user_files() -> list[UserFile]:
    """Return the user's files; one that is not there, as in an older commit, holds nothing."""
    paths = [path for path in files() if not path.endswith(user_file.ARRAYS)]
    return [user_file.read(path) for path in paths if Path(path).exists()]


def _table_of(found: UserFile) -> str:
    """Return in which table a user's file stands."""
    return "adversarial loop" if (found.kind, found.trains) == ("loop", "adversarial") else found.kind


def _target(table: str, name: str) -> tuple[str, str]:
    """Return module, or path of a user's file, and class of a registered name."""
    targets = _targets(table)
    if name not in targets:
        raise UnknownName(table, name, known=targets)
    module, _, attribute = targets[name].rpartition(":")
    return (module, attribute) if module else (attribute, "")  # an entry point may name a module with two functions


def _load(table: str, name: str) -> type:
    """Import the module and return the class."""
    module, attribute = _target(table, name)
    imported = user_file.load(module) if module in files() else importlib.import_module(module)
    loaded: type = getattr(imported, attribute)
    return loaded


def _describe(table: str, name: str) -> Description:
    """Describe a name by the source that it stands for now."""
    module, attribute = _target(table, name)
    return _describe_target(table, name, module=module, attribute=attribute)


@cache
def _describe_target(table: str, name: str, *, module: str, attribute: str) -> Description:
    """Read the source as text: importing a loop would import its framework."""
    path = module if module in files() else place_of(module)
    if path is None:
        raise LoopError(f"{table} '{name}' is registered as '{module}:{attribute}', which cannot be found")
    if path.endswith(user_file.SAVED):
        return saved_model(Path(path), name=name, target=f"{module}:")
    found = described(Path(path), name=name, module=module, attribute=attribute)
    if table != "workload" and found.backend is None:
        raise LoopError(f"{path}: class {attribute} does not say which backend it needs")
    return found
