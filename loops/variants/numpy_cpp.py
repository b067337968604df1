"""Train with C++ that is compiled for this one job: no framework, threads by hand, many steps per call.

How near a step can come to what the processor could do, for a hundred lines of C++ that train nothing else: sizes are
constants, sums stay in registers, a weight is moved as soon as its gradient is known, and threads meet twice a step.
The kernels are in `numpy_cpp.cpp`; NumPy holds the samples. A C++ compiler with OpenMP is needed.
Source: the chain rule; Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34, 2008.
"""

import ctypes
import os
import subprocess
import tempfile
from collections.abc import Iterable
from importlib import resources
from math import nan
from pathlib import Path
from shutil import which
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from loops.contract import Job, Loop, Outcome
from loops.data.numpy_feed import training_arrays
from loops.errors import UnsupportedCell

OPTIONS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math")
LIBRARY = ("-fopenmp", "-shared", "-fPIC")
GRAIN = {"INPUTS": 8, "BATCH": 8, "UNITS": 16}  # of the tiles that the kernels are made of
FLOATS = np.ctypeslib.ndpointer(np.float32, flags="C_CONTIGUOUS")
LABELS = np.ctypeslib.ndpointer(np.int64, flags="C_CONTIGUOUS")


@final
class NumpyCpp(Loop):
    """As many steps of an epoch as a block asks for, in one call of a library of its own."""

    backend: ClassVar[str] = "numpy"
    title: ClassVar[str] = "C++ compiled for one model"
    change: ClassVar[str] = "write model and gradients in C++, as in loops/variants/numpy_cpp.cpp"
    own_model: ClassVar[bool] = True

    def prepare(self, job: Job) -> None:
        """Lay out weights and batches, and see that the kernels can carry them."""
        workload, self.validation = job.workload, job.validation
        self.initial_weights = workload.initial_weights(seed=job.seed)
        self.inputs, self.targets, *others = training_arrays(job)  # [samples, ...] of an epoch's whole batches
        self.sample_weights = others[0] if others else np.ones(len(self.targets), np.float32)
        units = {bias.size for bias in self.initial_weights[1:-1:2]}
        if len(self.initial_weights) != 6 or len(units) != 1:  # noqa: PLR2004 - kernels and biases of three layers
            raise UnsupportedCell("the kernels are written for two hidden layers of one width")
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self.constants = {
            "INPUTS": self.inputs.shape[1],
            "UNITS": units.pop(),
            "CLASSES": self.initial_weights[-1].size,
            "BATCH": job.batch_size,
            "ADAM": int(workload.optimizer == "Adam"),
            "THREADS": os.environ.get("OMP_NUM_THREADS", processors),
        }
        for name, grain in GRAIN.items():
            if self.constants[name] % grain:
                raise UnsupportedCell(f"{name} has to be a multiple of {grain}, and is {self.constants[name]}")
        self.compiler = which(os.environ.get("CXX", "c++")) or ""
        if not self.compiler:
            raise UnsupportedCell("a C++ compiler such as g++ is needed; the variable CXX names another one")
        self.library: Any = None  # the kernels, compiled in the first step and a part of it, as everywhere
        self.score = ctypes.c_double()
        self.learning_rate, self.activity_penalty = workload.learning_rate, workload.activity_penalty
        self.batch_size, self.steps_per_epoch = job.batch_size, job.steps_per_epoch
        self.steps, self.seen, self.last_loss = 0, 0, nan  # before the first step

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block, each in as few calls as the ends of epochs allow."""
        for steps in blocks:
            if self.library is None:
                self.compile()
            left = steps
            while left > 0:
                first = self.steps % self.steps_per_epoch
                if first == 0:
                    self.score.value = 0.0
                count = min(left, self.steps_per_epoch - first)
                self.train_steps(first * self.batch_size, count)
                self.steps, left = self.steps + count, left - count

    def train_steps(self, sample: int, count: int) -> None:
        """Train some steps, from one sample of the epoch on."""
        batches = self.inputs[sample:], self.targets[sample:], self.sample_weights[sample:]
        self.last_loss = self.library.train(*batches, count, self.steps, self.learning_rate, self.activity_penalty)
        self.seen = sample + count * self.batch_size

    def compile(self) -> None:
        """Make the library for this job, and put the initial weights into it."""
        source = resources.files("loops.variants") / "numpy_cpp.cpp"
        with resources.as_file(source) as path, tempfile.TemporaryDirectory() as folder:
            target = str(Path(folder) / "kernels.so")
            constants = [f"-D{name}={value}" for name, value in self.constants.items()]
            subprocess.run([self.compiler, *OPTIONS, *LIBRARY, *constants, str(path), "-o", target], check=True)
            self.library = ctypes.CDLL(target)
        numbers = ctypes.c_int64, ctypes.c_int64, ctypes.c_double, ctypes.c_float
        self.library.train.argtypes = (FLOATS, LABELS, FLOATS, *numbers)
        self.library.train.restype = ctypes.c_double
        self.library.set_weights.argtypes = self.library.get_weights.argtypes = (FLOATS,)
        self.score = ctypes.c_double.in_dll(self.library, "score")
        self.library.set_weights(np.concatenate([array.ravel() for array in self.initial_weights]))

    def evaluate(self) -> float:
        """Return the accuracy over the validation samples, all of them at once, by NumPy."""
        *hidden, kernel, bias = self.weights()
        activations = self.validation.inputs
        for hidden_kernel, hidden_bias in zip(hidden[::2], hidden[1::2], strict=True):
            activations = np.maximum(activations @ hidden_kernel + hidden_bias, 0.0)
        return float(((activations @ kernel + bias).argmax(axis=1) == self.validation.targets).mean())

    def weights(self) -> list[NDArray[np.float32]]:
        """Return a copy of kernels and biases as they are now."""
        ends = np.cumsum([array.size for array in self.initial_weights])
        flat = np.empty(ends[-1], np.float32)
        self.library.get_weights(flat)
        parts = zip(np.split(flat, ends[:-1]), self.initial_weights, strict=True)
        return [part.reshape(array.shape) for part, array in parts]

    def synchronise(self) -> None:
        """Return at once: a call has finished when it returns."""

    def outcome(self) -> Outcome:
        """Read what the library holds."""
        seen = float(self.sample_weights[: self.seen].sum())
        return Outcome(steps=self.steps, loss=self.last_loss, metric=self.score.value / seen, weights=self.weights())
