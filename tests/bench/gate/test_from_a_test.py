"""One loop judged from within a test: commands that are run, what their answers come to, three lines of failure."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from bench.gate import from_a_test
from bench.gate.from_a_test import NotMeasured, Request, call_bench

ROW = {
    "loop": "mine",
    "verdict": "same",
    "slowdown": 0.003,
    "low": -0.01,
    "high": 0.012,
    "budget": 0.02,
    "confirmed": None,
    "base_step_seconds": 2e-3,
    "head_step_seconds": 2.006e-3,
    "reason": "as fast as\nbefore",
}
VERDICT = {"base": "ref=main (aaa)", "head": "here", "rounds": 6, "confirmation_rounds": 0, "runs": ["run-1", "run-2"]}
FAKE_BENCH = """
import os, signal, sys
open("words", "w").write(" ".join(sys.argv[1:]))
os.kill(os.getppid(), signal.SIGUSR1)
try:
    while True:
        signal.pause()
except KeyboardInterrupt:
    open("stored", "w").close()
    sys.exit(130)
"""


class Bench:
    """Answers as the command line does, and remembers what was asked."""

    def __init__(self, *, row=ROW, code=0, errors="", exported=True, side="head"):
        """Take the gate's row; None gives no verdict."""
        self.row, self.code, self.errors, self.exported, self.side = row, code, errors, exported, side
        self.asked = []

    def __call__(self, *words, folder):
        """Answer one command."""
        self.asked.append(words)
        kind, code, out = words[0], self.code, ""
        if kind == "gate" and self.row is not None:
            file = Path(words[words.index("--verdict-file") + 1])
            file.write_text(json.dumps(VERDICT | {"loops": [self.row]}), encoding="utf-8")
        elif kind == "run":
            out = json.dumps({"run_id": "run-1"})
        elif kind == "export":
            cells = [{"side": "base"}, {"side": self.side}] if self.side == "head" else [{"side": self.side}]
            entries = [
                {
                    "name": f"mine-{cell['side']}",
                    "group": f"mnist-mlp-{cell['side']}",
                    "extra_info": {"bench": {"cell": cell, "step_seconds": {"estimate": 2e-3}}},
                }
                for cell in cells
            ]
            out, code = json.dumps({"benchmarks": entries}), 0 if self.exported else 4
        return subprocess.CompletedProcess(words, code, out, self.errors)


@pytest.fixture
def ask(tmp_path):
    """Return a function that judges "mine" with a fake command line; fields of the request can be replaced."""

    def ask(bench, *, export=False, **fields):
        common = {"loop": "mine", "workload": None, "max_slowdown": None, "base_ref": "main", "folder": tmp_path}
        return from_a_test.judge(Request(**common | fields), export=export, call=bench)

    return ask


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        ({}, "gate mine --base-ref main"),
        ({"max_slowdown": 5.0}, "gate mine --base-ref main --max-slowdown 5"),
        ({"workload": "my model.py"}, "gate mine --base-ref main --workload my model.py"),
        ({"base_ref": None, "max_slowdown": 5.0}, "run mine"),
    ],
)
def test_a_request_is_a_command_that_a_person_could_type(tmp_path, fields, command):
    """A budget is one of the gate's; what only measures has none."""
    common = {"loop": "mine", "workload": None, "max_slowdown": None, "base_ref": "main", "folder": tmp_path}

    assert command == " ".join(Request(**common | fields).command)


def test_a_loop_that_is_no_slower_has_its_word_and_one_line(ask):
    """Nothing is exported that nobody wants."""
    bench = Bench()

    found = ask(bench)

    assert ("same", "as fast as before", None) == (found.word, found.reason, found.entry)
    assert ["gate"] == [words[0] for words in bench.asked]


def test_a_slower_loop_is_told_in_three_lines(ask):
    """What is wrong, what was measured, and how to see the same."""
    slower = ROW | {"verdict": "slower", "head_step_seconds": 4e-3, "reason": "2.0x as slow, budget 2 %"}

    found = ask(Bench(row=slower, code=1))

    assert [
        "slower: mine: 2.0x as slow, budget 2 %",
        "time per step at base ref=main (aaa): 2.00 ms, at head here: 4.00 ms; 6 rounds of both",
        "to repeat it: bench gate mine --base-ref main; its page: bench report run-2",
    ] == found.message.splitlines()


@pytest.mark.parametrize("verdict", ["removed", "failed", "invalid"])
def test_a_loop_without_numbers_is_no_result(ask, verdict):
    """No test passes with it, and none exports it."""
    with pytest.raises(NotMeasured, match=f"{verdict}: mine: as fast as before"):
        ask(Bench(row=ROW | {"verdict": verdict, "base_step_seconds": None, "head_step_seconds": None}), export=True)


@pytest.mark.parametrize("base_ref", ["main", None])
def test_a_command_that_gives_no_verdict_is_told_by_its_last_words(ask, base_ref):
    """Its code where no loop is named."""
    with pytest.raises(NotMeasured) as caught:
        ask(Bench(row=None, code=2, errors="a note\n\nError: there is no commit main\n"), base_ref=base_ref)

    first, second, third = str(caught.value).splitlines()
    assert "not measured: mine: Error: there is no commit main" == first
    assert "bench ended with exit code 2 and gave no verdict" == second
    assert third.startswith("to repeat it: bench ")


def test_a_loop_that_failed_is_named_before_the_exit_code(ask):
    """It is nearer to the cause."""
    with pytest.raises(NotMeasured, match=r"\nmine failed \(raised\): ValueError"):
        ask(Bench(row=None, code=5, errors="mine failed (raised): ValueError\nError: 1 of 1 measurements failed\n"))


def test_a_command_that_says_nothing_is_told_too(ask):
    """It was killed, say."""
    with pytest.raises(NotMeasured, match="it said nothing"):
        ask(Bench(row=None, code=-9))


def test_what_is_exported_is_the_head_with_the_judgement_beside_it(ask):
    """In the group that it would have had without sides."""
    entry = ask(Bench(), export=True).entry

    assert ("mine-head", "mnist-mlp") == (entry["name"], entry["group"])
    assert ("same", 0.003, ["run-1", "run-2"]) == tuple(
        entry["extra_info"]["bench"][name] for name in ("verdict", "slowdown", "runs")
    )


def test_without_a_base_a_loop_is_measured_as_the_gate_would(ask, tmp_path, monkeypatch):
    """On as many threads, for as many rounds and on the same workload, all from pyproject.toml."""
    monkeypatch.delenv("BENCH_ROUNDS", raising=False)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.bench.gate]\nthreads = 3\nrounds = 9\nworkload = "regression"\n', encoding="utf-8"
    )
    bench = Bench(side=None)

    found = ask(bench, base_ref=None, export=True)

    command = " ".join(bench.asked[0])
    assert "run mine --no-report --format json --threads 3 --rounds 9 --workload regression" == command
    assert (None, "2.00 ms per step", None) == (
        found.word,
        found.reason,
        found.entry["extra_info"]["bench"]["speed_up"],
    )


def test_rounds_of_the_environment_come_before_those_of_the_settings(ask, tmp_path, monkeypatch):
    """As on the command line."""
    monkeypatch.setenv("BENCH_ROUNDS", "2")
    (tmp_path / "pyproject.toml").write_text("[tool.bench.gate]\nrounds = 9\n", encoding="utf-8")
    bench = Bench(side=None)

    ask(bench, base_ref=None)

    assert "--rounds" not in bench.asked[0]


def test_what_may_not_be_exported_is_no_result(ask):
    """A loop that does other work has numbers and no right to them."""
    with pytest.raises(NotMeasured, match="to repeat it: bench run mine"):
        ask(Bench(exported=False, side=None), base_ref=None)


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """Return a function that has `python -m bench` be another program: what lies in the folder of tests cannot."""

    def pretend(program):
        package = tmp_path / "sources" / "bench"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(program, encoding="utf-8")
        monkeypatch.setattr(from_a_test, "SOURCE_TREE", tmp_path / "sources")
        (tmp_path / "bench.py").write_text("raise SystemExit('the folder of the tests hides the harness')")

    return pretend


@pytest.fixture
def fake_bench(tmp_path, pretend):
    """Return a folder in which `python -m bench` has its parent interrupted and waits to be interrupted itself."""

    def interrupted(*_):
        raise KeyboardInterrupt

    pretend(FAKE_BENCH)
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGINT)}
    signal.signal(signal.SIGUSR1, interrupted)
    yield tmp_path
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN], ids=["heeded", "ignored"])
def test_an_interruption_is_passed_on_so_that_what_was_measured_is_stored(fake_bench, handler):
    """Also where the tests were started to ignore SIGINT, as by `nohup make test &`: the command must not."""
    signal.signal(signal.SIGINT, handler)

    with pytest.raises(KeyboardInterrupt):
        call_bench("gate", "mine", folder=fake_bench)

    assert "gate mine" == (fake_bench / "words").read_text(encoding="utf-8")
    assert (fake_bench / "stored").exists()


def test_a_command_that_is_deaf_to_an_interruption_is_ended(fake_bench, monkeypatch):
    """Nothing goes on measuring behind a test that is over."""
    program = fake_bench / "sources" / "bench" / "__main__.py"
    deaf = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + FAKE_BENCH
    program.write_text(deaf.replace('open("words"', 'open("process", "w").write(str(os.getpid()))\nopen("words"'))
    monkeypatch.setattr(from_a_test, "_PATIENCE", 0.2)

    with pytest.raises(KeyboardInterrupt):
        call_bench("gate", "mine", folder=fake_bench)

    with pytest.raises(ProcessLookupError):
        os.kill(int((fake_bench / "process").read_text(encoding="utf-8")), 0)


def test_a_command_that_was_interrupted_itself_interrupts_the_test(tmp_path, pretend):
    """It has stored what it had; so is pytest to end."""
    pretend("raise SystemExit(130)")

    with pytest.raises(KeyboardInterrupt):
        call_bench("gate", folder=tmp_path)


def test_many_loops_do_not_fill_the_page_of_a_job(tmp_path, monkeypatch, pretend):
    """Tests are shown there by other means."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    pretend("import os\nprint('GITHUB_STEP_SUMMARY' in os.environ)")

    assert "False\n" == call_bench("run", folder=tmp_path).stdout


def test_what_tests_can_import_of_a_project_the_command_can_too(tmp_path, pretend, monkeypatch):
    """As pytest's settings say: they put folders on the path that no variable names."""
    (tmp_path / "lib").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    pretend("import sys\nprint(*sys.path[:3], sep='\\n')")

    first, *others = call_bench("run", folder=tmp_path).stdout.splitlines()

    assert not first.startswith(str(tmp_path))
    assert str(tmp_path / "lib") in others


def test_a_push_to_the_base_itself_is_measured_and_compared_with_nothing(ask, tmp_path):
    """The gate says that there is nothing to compare; the numbers are wanted all the same."""

    class Same(Bench):
        """Has no loop to tell of."""

        def __call__(self, *words, folder):
            """Write a verdict without loops."""
            done = super().__call__(*words, folder=folder)
            if words[0] == "gate":
                nothing = {"outcome": "nothing-to-compare", "reason": "the same commit", "loops": []}
                Path(words[words.index("--verdict-file") + 1]).write_text(json.dumps(VERDICT | nothing))
            return done

    judged = ask(Same(side=None))

    assert (None, True) == (judged.word, judged.reason.endswith("compared with nothing: the same commit"))
