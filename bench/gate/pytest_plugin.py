"""For pytest: a test that fails when a training loop has become slower.

    def test_tf_function(training_loop):
        training_loop("tf-function")

Every pytest run of every user loads this file, so nothing but pytest is imported before a loop is measured. It works
beside pytest-benchmark, which then stores the numbers (`--benchmark-json`, `--benchmark-save`), and without it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, final

import pytest

if TYPE_CHECKING:
    from bench.gate.from_a_test import Judged, Request

FIXTURE = "training_loop"


@dataclass(kw_only=True, slots=True)
class State:
    """What a session has seen."""

    asked: set[str] = field(default_factory=set)
    """Loops that a test had measured, whatever came of it."""
    notes: list[str] = field(default_factory=list)
    """Shown at the end, yellow."""
    complaints: list[str] = field(default_factory=list)
    """Shown at the end, red; with any, the session fails."""
    deselected: bool = False


STATE = pytest.StashKey[State]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, and the setting that holds a base for good."""
    group = parser.getgroup("bench", "training loops")
    group.addoption(
        "--bench-base-ref",
        metavar="REF",
        help="Commit that each training loop is compared with, in the same rounds. "
        "[default: BENCH_BASE_REF or bench_base_ref; without any, loops are measured and compared with nothing]",
    )
    group.addoption(
        "--bench-on-unclear",
        choices=["pass", "fail"],
        default="pass",
        help="What a loop does that may be slower or not. [default: pass, with a line in the summary]",
    )
    group.addoption(
        "--bench-require-all",
        action="store_true",
        help="Fail if a loop of [tool.bench.gate] was not measured, even if only some tests were asked for.",
    )
    parser.addini("bench_base_ref", help="As --bench-base-ref.", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Provide the fixture in the form that fits."""
    for source, named in (
        ("--bench-base-ref", config.getoption("bench_base_ref")),
        ("BENCH_BASE_REF", os.environ.get("BENCH_BASE_REF")),
    ):
        if named == "":
            raise pytest.UsageError(f"{source} is empty; name a commit or leave it out (an unset variable of CI?)")
    config.stash[STATE] = State()
    config.pluginmanager.register(Beside() if _has_pytest_benchmark(config) else Alone(), "bench-training-loop")


@final
class Beside:
    """The fixture where pytest-benchmark is: its options hold, and it stores the numbers."""

    @pytest.fixture
    def training_loop(self, request: pytest.FixtureRequest) -> "TrainingLoop":
        """Return a function that measures a loop, and fails the test if it has become slower."""
        _skip_beside_others()
        if _switched_off(request.config):
            pytest.skip("training loops are not measured with --benchmark-disable")
        # Not an argument: it warns where it is not used, which is an error for many.
        return TrainingLoop(request.config, benchmark=request.getfixturevalue("benchmark"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        """Have --benchmark-only and its like know that these tests measure, though no argument says so."""
        for item in items:
            names = getattr(item, "fixturenames", None)
            if names is not None and FIXTURE in names and "benchmark" not in names:
                names.append("benchmark")


@final
class Alone:
    """The fixture where pytest-benchmark is not."""

    @pytest.fixture
    def training_loop(self, request: pytest.FixtureRequest) -> "TrainingLoop":
        """Return a function that measures a loop, and fails the test if it has become slower."""
        _skip_beside_others()
        return TrainingLoop(request.config, benchmark=None)


@final
class TrainingLoop:
    """Measures one loop for one test."""

    def __init__(self, config: pytest.Config, *, benchmark: Any) -> None:
        """Remember where the numbers go; ``benchmark`` is the fixture of pytest-benchmark, or None."""
        self._config = config
        self._benchmark = benchmark
        self._used = False

    def __call__(self, loop: str, *, workload: str | None = None, max_slowdown: float | None = None) -> None:
        """Measure a loop in fresh processes, base and head in the same rounds; fail the test if it is slower.

        Args:
            loop: As `bench list loops` names it, or a pattern that only one of them fits.
            workload: What it trains; by default what pyproject.toml says.
            max_slowdown: Slower by more than so many per cent fails; by default what pyproject.toml says.
        """
        __tracebackhide__ = True
        from bench.errors import BenchError  # noqa: PLC0415 - loaded by those who measure
        from bench.gate.from_a_test import FAILING, Request  # noqa: PLC0415

        if self._used:
            pytest.fail("training_loop measures one loop per test; parametrise the test", pytrace=False)
        self._used = True
        state = self._config.stash[STATE]
        loop = _only(loop)
        state.asked.add(_resolved(loop, config=self._config))
        request = Request(
            loop=loop,
            workload=workload,
            max_slowdown=max_slowdown,
            base_ref=_base_ref(self._config),
            folder=self._config.rootpath,
        )
        try:
            judged = self._judge(request)
        except BenchError as error:
            message = str(error)
        else:
            failing = (*FAILING, "unclear") if self._config.getoption("bench_on_unclear") == "fail" else FAILING
            if judged.word not in failing:
                state.notes.append(f"{judged.word or 'measured'}: {loop}: {judged.reason}")
                return
            message = judged.message
        pytest.fail(message, pytrace=False)

    def _judge(self, request: "Request") -> "Judged":
        """Measure, by way of pytest-benchmark if it is there; a round of its is one process of ours."""
        from bench.gate.from_a_test import judge  # noqa: PLC0415

        if self._benchmark is None:
            return judge(request, export=False)
        measure = cache(partial(judge, request, export=True))  # its profiler would call a second time
        judged: Judged = self._benchmark.pedantic(measure, rounds=1)
        entry = judged.entry
        assert entry is not None  # it was asked for
        found = self._benchmark.stats
        found.group = entry["group"]
        found.extra_info |= entry["extra_info"]
        found.options = entry["options"]
        found.iterations = entry["stats"]["iterations"]
        found.stats.data[:] = entry["stats"]["data"]
        return judged


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember that not all tests were asked for."""
    if items:
        items[0].config.stash[STATE].deselected = True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail if a loop that must be measured was not: a benchmark that was renamed or lost passes no gate."""
    config = session.config
    finished = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
    if hasattr(config, "workerinput") or session.shouldstop or session.shouldfail or exitstatus not in finished:
        return
    state = config.stash[STATE]
    if _base_ref(config) is None and state.asked:
        state.notes.append("compared with nothing: give --bench-base-ref REF to find what has become slower")
    if not _must_be_complete(session):
        return
    state.complaints += _missing(config)
    if state.complaints:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was found, one line each."""
    state = config.stash[STATE]
    if state.notes or state.complaints:
        terminalreporter.section("training loops")
    for line in state.notes:
        terminalreporter.write_line(line, yellow=line.startswith(("unclear", "new", "compared with nothing")))
    for line in state.complaints:
        terminalreporter.write_line(line, red=True)


def _missing(config: pytest.Config) -> list[str]:
    """Return a complaint for each loop that pyproject.toml lists and no test had measured."""
    from bench.errors import BenchError  # noqa: PLC0415 - loaded by those who measure
    from bench.gate.listed import name_of, names_of  # noqa: PLC0415
    from bench.gate.settings import read_settings  # noqa: PLC0415
    from loops import registry  # noqa: PLC0415 - only when the shell asks

    try:
        listed = read_settings(config.rootpath).loops
    except BenchError as error:
        return [str(error)]
    if not listed:
        hint = "[tool.bench.gate] of pyproject.toml lists no loops, so one that goes missing is not noticed"
        if config.getoption("bench_require_all"):
            return [f"--bench-require-all: {hint}"]
        config.stash[STATE].notes.append(f"note: {hint}")
        return []
    wanted = registry.loop_names() if "all" in listed else listed
    asked = {name_of(loop) for loop in config.stash[STATE].asked}
    return [
        f"missing: {name}: listed in [tool.bench.gate], and no test measured it"
        for name in dict.fromkeys(name for loop in wanted for name in names_of(loop))
        if name not in asked
    ]


def _must_be_complete(session: pytest.Session) -> bool:
    """Whether every listed loop must have been measured: measuring is meant, and no part of the tests was chosen."""
    config, option = session.config, session.config.option
    if option.collectonly:
        return False
    if option.bench_require_all:
        return True
    switched_off = _switched_off(config) or getattr(option, "benchmark_skip", False)
    beside_others = getattr(option, "dist", "no") != "no"
    chosen = option.keyword or option.markexpr or config.args_source is config.ArgsSource.ARGS
    if switched_off or beside_others or chosen or config.stash[STATE].deselected or getattr(option, "lf", False):
        return False
    items = getattr(session, "items", ())
    return _base_ref(config) is not None or any(FIXTURE in getattr(item, "fixturenames", ()) for item in items)


def _base_ref(config: pytest.Config) -> str | None:
    """Return the commit to compare with: the option, the variable or the setting, in this order."""
    found = config.getoption("bench_base_ref") or os.environ.get("BENCH_BASE_REF") or config.getini("bench_base_ref")
    return str(found) if found else None


def _only(loop: str) -> str:
    """Return the loop that a pattern stands for, and any other name as it is; fail where it stands for several."""
    from loops import selection  # noqa: PLC0415 - loaded by those who measure
    from loops.errors import LoopError  # noqa: PLC0415

    if not selection.is_pattern(loop):
        return loop
    try:
        found = selection.meant(loop)
    except LoopError as error:
        pytest.fail(str(error), pytrace=False)
    if len(found) > 1:
        several = f"'{loop}' stands for {len(found)} loops, and training_loop measures one per test"
        pytest.fail(f'{several}: @pytest.mark.parametrize("loop", {list(found)})', pytrace=False)
    return found[0]


def _resolved(loop: str, *, config: pytest.Config) -> str:
    """Return a loop by its name or its absolute path: paths are written from pytest's root, as the gate reads them."""
    return str((config.rootpath / loop).resolve()) if loop.endswith(".py") else loop


def _switched_off(config: pytest.Config) -> bool:
    """Whether pytest-benchmark was told to measure nothing."""
    option = config.option
    return bool(getattr(option, "benchmark_disable", False) and not getattr(option, "benchmark_enable", False))


def _has_pytest_benchmark(config: pytest.Config) -> bool:
    """Whether pytest-benchmark takes part."""
    return hasattr(config.option, "benchmark_disable")


def _skip_beside_others() -> None:
    """Skip under xdist: what other processes do meanwhile would be measured too."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("training loops are not measured beside other tests; run them without xdist: -n 0")
