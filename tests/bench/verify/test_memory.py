"""What is remembered of earlier checks."""

import json
import shutil
from dataclasses import replace

import msgspec
import pytest

from bench.records.verification import Gap, Verification
from bench.verify.memory import Memory


@pytest.fixture
def passed():
    """Return a check that a loop passed."""
    gap = Gap(what="loss, 100 steps", largest=1e-7, allowed=1e-5)
    return Verification(loop="numpy", workload="mnist-mlp", device="cpu", formula="keras-adam", gaps=(gap,))


def recalled(memory):
    """Return what a memory has of the check."""
    return memory.recall("numpy", workload="mnist-mlp", device="cpu")


def test_a_check_that_passed_is_remembered(tmp_path, passed):
    """The same sources, versions and variables give the same numbers."""
    Memory(tmp_path, environment={}).keep(passed)

    assert passed == recalled(Memory(tmp_path, environment={"HOME": "elsewhere"}))


def test_another_variable_of_a_framework_is_another_check(tmp_path, passed):
    """TF_ENABLE_ONEDNN_OPTS changes which kernels compute, so what was seen without it says nothing."""
    Memory(tmp_path, environment={"TF_ENABLE_ONEDNN_OPTS": "0"}).keep(passed)

    assert None is recalled(Memory(tmp_path, environment={}))
    assert passed == recalled(Memory(tmp_path, environment={"TF_ENABLE_ONEDNN_OPTS": "0"}))


def test_a_check_that_failed_is_made_again(tmp_path):
    """Whoever mends a loop outside its file sees it at once."""
    failed = Verification(loop="numpy", workload="mnist-mlp", device="cpu", formula="keras-adam", problem="raised: x")
    Memory(tmp_path, environment={}).keep(failed)

    assert None is recalled(Memory(tmp_path, environment={}))


def test_what_another_version_wrote_is_not_believed(tmp_path, passed):
    """It is looked at again, and written anew."""
    Memory(tmp_path, environment={}).keep(passed)
    for file in (tmp_path / "verified").iterdir():
        file.write_text('{"loop": 1}')

    assert None is recalled(Memory(tmp_path, environment={}))


def forge(folder, content):
    """Write what somebody else would: the file has the right name, and the seal of what stood there."""
    for file in (folder / "verified").iterdir():
        file.write_text(json.dumps(json.loads(file.read_text()) | {"content": content}))


def test_a_forged_entry_is_not_believed(tmp_path, passed):
    """It would let a loop pass that learns three times as fast."""
    Memory(tmp_path, environment={}).keep(passed)
    forge(tmp_path, msgspec.json.encode(passed).decode().replace("1e-7", "0.0"))

    assert None is recalled(Memory(tmp_path, environment={}))


def test_an_entry_of_another_installation_is_not_believed(tmp_path, passed, monkeypatch):
    """A cache that was copied, or that came out of an archive."""
    monkeypatch.setenv("BENCH_STATE_DIR", str(tmp_path / "theirs"))
    Memory(tmp_path, environment={}).keep(passed)
    monkeypatch.setenv("BENCH_STATE_DIR", str(tmp_path / "ours"))

    assert None is recalled(Memory(tmp_path, environment={}))


def test_an_entry_under_another_name_is_not_believed(tmp_path, passed):
    """What was found of one loop says nothing of another, though this installation sealed it."""
    memory = Memory(tmp_path, environment={})
    memory.keep(passed)
    (written,) = (tmp_path / "verified").iterdir()
    other = Memory(tmp_path / "other", environment={})
    other.keep(replace(passed, loop="torch-plain"))
    (asked,) = (tmp_path / "other" / "verified").iterdir()
    shutil.copy(written, asked)

    assert None is other.recall("torch-plain", workload="mnist-mlp", device="cpu")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seal": 1, "content": "{}"}', "[" * 100_000, "\ud800"])
def test_what_is_no_entry_is_no_news(tmp_path, passed, content):
    """It is checked again."""
    memory = Memory(tmp_path, environment={})
    memory.keep(passed)
    for file in (tmp_path / "verified").iterdir():
        file.write_bytes(content.encode("utf-8", "surrogatepass"))

    assert None is recalled(memory)
