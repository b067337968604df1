"""py-spy as a program that says and writes what a test wants."""

import sys

import pytest

from bench.runs.python_spy import Spy, absent


@pytest.fixture
def spy(tmp_path, monkeypatch):
    """Return a function: code of a program called py-spy -> one that looks at nobody."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    program = tmp_path / "py-spy"
    begun = []

    def begin(code, *, kind="raw"):
        program.write_text(f"#!/bin/sh\n{code}\n", encoding="utf-8")
        program.chmod(0o755)
        begun.append(Spy(1, file=tmp_path / "seen", kind=kind, seconds=1.0, environment={"PATH": "/usr/bin:/bin"}))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()


def test_where_it_is_not_installed_the_command_that_installs_it_is_told(tmp_path, monkeypatch):
    """And nothing else stops."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    said = absent({"PATH": str(tmp_path)})

    assert said is not None
    assert said.endswith("py-spy is not installed; try: pip install 'loopbench[profile]'")


def test_beside_the_interpreter_it_is_found_without_a_path(spy):
    """As in an environment that nobody has activated."""
    spy("exit 0")

    assert None is absent({})


def test_what_it_wrote_is_there_when_it_is_done(spy, tmp_path):
    """Every thread by its name, also those that wait."""
    one = spy(f'echo "$@" > {tmp_path}/seen')

    assert None is one.problem()
    asked = (tmp_path / "seen").read_text()
    assert asked.startswith("record --pid 1 --format raw --output ")
    assert "--threads" in asked
    assert "--idle" in asked


def test_a_flame_graph_leaves_out_who_waits(spy, tmp_path):
    """The picture is of work."""
    assert None is spy(f'echo "$@" > {tmp_path}/seen', kind="flamegraph").problem()
    assert "--idle" not in (tmp_path / "seen").read_text()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("echo 'Permission Denied: Try running again with elevated permissions' >&2; exit 1", "--cap-add SYS_PTRACE"),
        ("echo 'Error: No such process' >&2; exit 1", "py-spy saw nothing: Error: No such process"),
        ("exit 3", "py-spy saw nothing: it ended with code 3"),
        ("exit 0", "py-spy saw nothing: it ended with code 0"),
    ],
)
def test_where_it_may_not_look_or_fails_the_reason_is_told(spy, code, sentence):
    """In its own words, or with what has to be allowed."""
    found = spy(code).problem()

    assert found is not None
    assert sentence in found
