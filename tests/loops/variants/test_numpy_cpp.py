"""`numpy-cpp`: the kernels with other threads and sizes, and what they cannot carry."""

from dataclasses import replace
from pathlib import Path
from shutil import which

import numpy as np
import pytest

from bench.verify.examiner import Examiner
from loops import registry
from loops.contract import Job, Samples, Track
from loops.data import mnist
from loops.errors import UnsupportedCell
from loops.variants.numpy_cpp import NumpyCpp

needs_compiler = pytest.mark.skipif(which("c++") is None, reason="no C++ compiler is installed")


@pytest.fixture
def job():
    """Return a job that the kernels can carry, on two batches of noise."""
    generator = np.random.default_rng(0)
    samples = Samples(inputs=generator.random((32, 784), np.float32), targets=generator.integers(0, 10, 32))
    return Job(
        workload=registry.load_workload("mnist-mlp"),
        training=samples,
        validation=samples,
        track=Track.MATCHED,
        batch_size=16,
        device="cpu",
        seed=0,
    )


@needs_compiler
@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=pytest.mark.slow), 3])
def test_the_kernels_do_the_same_work_with_any_number_of_threads(monkeypatch, tmp_path, threads):
    """Rows are shared out unevenly among three, and on a machine with fewer processors threads have to wait."""
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    fixture = mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=tmp_path)
    examiner = Examiner(mnist.load(Path(fixture.folder)), device="cpu", seed=0)

    found = examiner.check(NumpyCpp, workload=registry.load_workload("mnist-mlp-weighted"))

    assert [] == [gap for gap in found.gaps if not gap.passed]


@needs_compiler
@pytest.mark.parametrize("units", [16, 48, 256])
def test_other_widths_train_as_well(job, units):
    """Tiles at the edge, and kernels that fit no cache of a core: the loss of noise that is learned by heart."""
    loop = NumpyCpp()
    loop.prepare(replace(job, workload=job.workload.of_width(units)))

    loop.train([1])
    first = loop.last_loss
    loop.train([200])

    assert loop.last_loss < 0.5 * first
    assert 201 == loop.outcome().steps


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda job: replace(job, batch_size=12), "BATCH has to be a multiple of 8, and is 12"),
        (
            lambda job: replace(job, workload=job.workload.of_width(40)),
            "UNITS has to be a multiple of 16, and is 40",
        ),
        (lambda job: replace(job, workload=registry.load_workload("regression")), "two hidden layers of one width"),
        (lambda job: replace(job, track=Track.GUIDE), "without an input pipeline"),
    ],
)
def test_what_the_kernels_cannot_carry_is_refused_with_the_reason(job, change, reason):
    """A row that says why, instead of a crash in a library."""
    with pytest.raises(UnsupportedCell, match=reason):
        NumpyCpp().prepare(change(job))


def test_without_a_compiler_the_way_out_is_named(job, monkeypatch):
    """Nothing is installed on anybody's behalf."""
    monkeypatch.setenv("CXX", "no-such-compiler")

    with pytest.raises(UnsupportedCell, match=r"such as g\+\+ is needed; the variable CXX names another one"):
        NumpyCpp().prepare(job)
