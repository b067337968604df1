"""Secrets of many kinds are planted, one command runs, and everything that it wrote is searched for them."""

import json
from pathlib import Path

import pytest

DRAWN = "q7Zp4Xw9Lk2Vb8Nn3Tt6"
HIDDEN = {
    # Variables that begin like those of frameworks.
    **{name: f"{name.lower()}-hunter2" for name in ("TF_PASSWD", "NVIDIA_BEARER", "PYTORCH_CRED", "CUDA_SESSION")},
    **{name: f"{name.lower()}-hunter2" for name in ("KERAS_NOTE", "XLA_OWN", "JAX_THING", "MKL_X", "OMP_TOOL_X")},
    "TORCH_URL": "https://host.org/w.pt?sig=torch-url-hunter2",
    "TF_CONFIG": '{"cluster": {"worker": ["tf-config-hunter2:1"]}}',
    "TF_VAR_db": "terraform-hunter2",
    "JAX_COMPILATION_CACHE_DIR": "gs://me:jax-login-hunter2@bucket/cache",
    "AWS_SECRET_ACCESS_KEY": "aws-hunter2-printed",
    "WANDB_API_KEY": "wandb-hunter2-printed",
}
PRINTED = {
    "github": f"ghp_{DRAWN}01",
    "hugging": f"hf_{DRAWN}02",
    "openai": f"sk-proj-{DRAWN}03",
    "amazon": "AKIAIOSFODNN7EXAMPL4",
    "web": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI5In0.{DRAWN}05",
    "pem": f"-----BEGIN PRIVATE KEY-----\nMIIE{DRAWN}06\n-----END PRIVATE KEY-----",
    "remote": "https://oauth2:remote-hunter2@host.org/a/b.git",
    "signed": "https://host.org/data.npz?X-Amz-Signature=signed-hunter2&x=1",
    "header": "Authorization: Bearer header-hunter2-header",
    "assigned": "DB_PASSWORD=assigned-hunter2",
    "json": '{"client_secret": "json-hunter2"}',
    "option": "tool --api-key option-hunter2",
}
LOOP = '''"""A loop that talks."""

import os
import sys

from loops.variants import numpy_by_hand


class Mine(numpy_by_hand.NumpyByHand):
    """Prints and raises what it knows."""

    backend = "numpy"

    def prepare(self, job):
        """Print."""
        super().prepare(job)
        print(os.environ["SECRETS"], os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["WANDB_API_KEY"])
        print(os.environ.get("MY_TOKEN"), __file__, file=sys.stderr)

    def train(self, blocks):
        """Raise."""
        raise RuntimeError("at step 3: " + os.environ["SECRETS"].replace("\\n", " ") + os.environ["WANDB_API_KEY"])
'''
NAMED = "side-hunter2"


@pytest.fixture
def planted(tmp_path, make_toy_session):
    """Return a session with secrets all over, and a home folder that names somebody."""
    home = tmp_path / "home" / "somebody"
    (home / "work").mkdir(parents=True)
    (home / "work" / "my_loop.py").write_text(LOOP)
    return make_toy_session(
        home / "work",
        HOME=str(home),
        SECRETS="\n".join(PRINTED.values()),
        BENCH_CACHE_DIR=str(tmp_path / "cache"),
        BENCH_STATE_DIR=str(tmp_path / "state"),
        PIP_RETRIES="0",
        BENCH_ROUNDS="1",
        BENCH_STEPS="5",
        **HIDDEN,
    )


def leaks(folders: list[Path], *, words: list[str]) -> set[tuple[str, str]]:
    """Return which word stands in which file."""
    found = set()
    for file in (file for folder in folders for file in folder.rglob("*") if file.is_file()):
        content = file.read_bytes().decode(errors="replace")
        found |= {(word, file.name) for word in words if word in content}
    return found


def test_no_planted_secret_is_stored(planted, tmp_path):
    """Neither in journal, manifest, tables, page, logs, cache nor on the terminal: 30 of all kinds, and the home."""
    address = f"git+https://me:{DRAWN}07@127.0.0.1:9/nothing?sig=pip-hunter2"

    done = planted.bench("ab", f"env=MY_TOKEN={NAMED}", "env=FLAG=1", "toy", "--loop", "my_loop.py", "--name", "for me")
    refused = planted.bench("ab", "here", f"pip={address}", "toy")
    listed = planted.bench("list", "runs")
    exported = planted.bench("export", planted.run().header.run_id, "--to", "pytest-benchmark")
    environment = planted.bench("env")

    assert (5, 2, 0, 0) == (done.code, refused.code, listed.code, exported.code), done.err + refused.err
    (tmp_path / "said").mkdir()
    for number, one in enumerate((done, refused, listed, exported, environment)):
        (tmp_path / "said" / str(number)).write_text(one.out + one.err)
    words = ["hunter2", DRAWN, "EXAMPL4", "home/somebody", NAMED]
    folders = [planted.folder / "results", planted.folder / "reports", tmp_path / "cache", tmp_path / "said"]
    assert set() == leaks(folders, words=words)
    side = planted.run().header.plan.sides[0]
    assert "env=MY_TOKEN=(redacted)" == side.description
    assert "env=MY_TOKEN=(redacted)" in planted.run().header.command


@pytest.mark.slow
def test_values_that_were_asked_for_are_stored(planted):
    """`--show-values`: who compares two harmless values wants to read them."""
    done = planted.bench("ab", "env=MY_TOKEN=alpha-1", "here", "toy", "--no-report", "--show-values")

    run = planted.run()
    assert 0 == done.code, done.err
    assert {"MY_TOKEN": "alpha-1"} == run.header.plan.sides[0].variables


@pytest.mark.slow
def test_a_run_with_a_hidden_value_is_resumed_with_the_same_value(planted):
    """It is asked for, by a variable that reaches that side alone."""
    planted.bench("ab", "env=MY_TOKEN=alpha-1", "here", "toy", "--no-report")
    (journal,) = planted.folder.glob("results/*/journal.jsonl")
    kept = [line for line in journal.read_text().splitlines() if json.loads(line)["kind"] == "run"]
    journal.write_text("\n".join(kept) + "\n")

    without = planted.bench("run", "--resume", journal.parent.name, "--no-report")
    given = planted.bench("run", "--resume", journal.parent.name, "--no-report", BENCH_VALUE_A_MY_TOKEN="alpha-1")

    assert (2, 0) == (without.code, given.code), without.err + given.err
    assert "set BENCH_VALUE_A_MY_TOKEN to it" in without.err
    assert 2 == len(planted.run().trials)
