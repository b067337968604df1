"""list, env and new in process."""

import json

import pytest


@pytest.mark.parametrize(("what", "words"), [("loops", "tf-function"), ("workloads", "mnist-mlp"), ("guides", "mnist")])
def test_list_says_what_there_is(bench, what, words):
    """One line each."""
    done = bench("list", what)

    assert (0, True) == (done.exit_code, words in done.stdout)


def test_list_knows_the_stored_runs(bench, stored):
    """Which are none at first."""
    before = bench("list", "runs", "--format", "json")
    run = stored(steps={"tf-fit": 1e-3}, rounds=2)

    after = bench("list", "runs", "--format", "json")

    assert [] == json.loads(before.stdout)
    assert run.header.run_id in after.stdout


def test_list_refuses_what_cannot_be_listed(refused):
    """And names what can."""
    assert "'loops', 'workloads', 'guides', 'devices', 'runs'" in refused(2, "list", "loop")


def test_env_prints_the_passport(bench):
    """As JSON for scripts."""
    done = bench("env", "--format", "json")

    assert 0 == done.exit_code
    assert "cpu cores usable" in done.stdout
    assert json.loads(done.stdout)


def test_env_refuses_an_unknown_format(refused):
    """Exit code 2."""
    assert "'xml' is not one of 'table', 'json'" in refused(2, "env", "--format", "xml")


@pytest.mark.parametrize("kind", ["loop", "workload"])
def test_new_writes_a_file_and_says_what_to_do_with_it(bench, tmp_path, kind):
    """It runs as it is."""
    done = bench("new", kind, "mine")

    assert 0 == done.exit_code
    assert "bench run" in done.stdout
    compile((tmp_path / "mine.py").read_text(encoding="utf-8"), "mine.py", "exec")


def test_new_never_overwrites(bench, refused, tmp_path):
    """Somebody's work may be in it."""
    (tmp_path / "mine.py").write_text("work", encoding="utf-8")

    assert "mine.py" in refused(2, "new", "loop", "mine")
    assert "work" == (tmp_path / "mine.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_completes_words_is_printed_for_each_shell(bench, shell):
    """It asks this command, under the variable that click reads."""
    done = bench("completion", shell)

    assert 0 == done.exit_code
    assert f"_BENCH_COMPLETE={shell}_complete" in done.stdout
