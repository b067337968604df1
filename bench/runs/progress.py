"""What a person sees while a run goes on: a bar on a terminal and in a notebook, plain lines elsewhere; on stderr.

Drawn only between measurements, by the thread that leads them: no clock of its own, so nothing runs beside a trial.
"""

from collections.abc import Callable
from html import escape
from io import StringIO
from math import ceil
from time import monotonic
from types import TracebackType
from typing import Any, Protocol, Self, final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.analysis.process import trial_step_seconds
from bench.analysis.verdict import Verdict
from bench.records.cell import Cell
from bench.records.plan import Plan
from bench.records.trial import Trial
from bench.runs.rounds import Observer
from bench.text import display_name
from bench.units import Seconds, duration
from bench.worker import ablation

NARROW = 80
"""On fewer columns a bar leaves out what is being done, and how long it has taken."""
BETWEEN_DRAWINGS: Seconds = 0.25
"""At least so long while blocks are measured."""
_MINUTE: Seconds = 60.0
NOTEBOOK_COLUMNS = 100
"""Width of a cell's output, in letters."""


class Display(Observer, Protocol):
    """An observer that is opened and closed."""

    def waiting(self, text: str) -> None:
        """Show that nothing is measured yet, and why."""

    def __enter__(self) -> Self:
        """Begin to draw."""

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clean up the screen."""


def for_console(console: Console, *, plan: Plan, done: int) -> Display:
    """Return the display that fits: a bar on a terminal, lines elsewhere."""
    return Bar(console, plan=plan, done=done) if console.is_terminal else Lines(console, plan=plan)


@final
class Lines:
    """One line per round and per trial, for logs."""

    def __init__(self, console: Console, *, plan: Plan) -> None:
        """Write to this console."""
        self._console = console
        self._plan = plan
        self._waits = False

    def __enter__(self) -> Self:
        """Do nothing: lines need no set-up."""
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: lines leave nothing to clean."""

    def waiting(self, text: str) -> None:
        """Say so once; a log has no countdown."""
        if not self._waits:
            self._print(text)
        self._waits = True

    def entered(self, phase: str, *, round_number: int, cell: Cell | None) -> None:
        """Say when a round starts."""
        self._waits = False
        if phase == "start" and cell is None:
            self._print(f"round {_place(round_number, plan=self._plan)}: starting")

    def stored(self, trial: Trial) -> None:
        """Say what a trial found."""
        self._print(f"round {_place(trial.round, plan=self._plan)}: {trial.cell.name} {_found(trial)}")

    def _print(self, line: str) -> None:
        """Write one line as it is: no markup, no wrapping."""
        self._console.print(display_name(line), markup=False, highlight=False, soft_wrap=True)


@final
class TimeLeft:
    """How long a run will go on, from rounds that are over: what a part of one takes tells nothing of the rest."""

    def __init__(self, *, clock: Callable[[], Seconds] = monotonic) -> None:
        """Know nothing yet.

        Args:
            clock: Seconds from any start.
        """
        self._clock = clock
        self._began: dict[int, Seconds] = {}

    def begun(self, round_number: int) -> None:
        """Note that a round begins, which ends the one before; the first time counts."""
        self._began.setdefault(round_number, self._clock())

    def text(self, *, rounds: int) -> str:
        """Return "2 min 5 s left"; nothing before the end of the first round, and with none to come.

        Args:
            rounds: In all.
        """
        numbers = list(self._began)
        if len(numbers) < 2:  # noqa: PLR2004 - one is over when the next begins
            return ""
        since = self._began[numbers[-1]]
        of_a_round = (since - self._began[numbers[0]]) / (len(numbers) - 1)
        left = of_a_round * (rounds - numbers[-1]) - (self._clock() - since)
        if left < 1.0:
            return "almost done"
        return f"{duration(left) if left >= _MINUTE else f'{left:.0f} s'} left"


class Bar:
    """A bar with what is being done and the time left, and one line above it for each failure."""

    def __init__(self, console: Console, *, plan: Plan, done: int, clock: Callable[[], Seconds] = monotonic) -> None:
        """Count every step of every trial, so that the bar moves evenly.

        Args:
            console: Where to draw.
            plan: What will be run.
            done: Trials of an earlier attempt.
            clock: Seconds from any start.
        """
        self._console = console
        self._plan = plan
        self._clock = clock
        self._drawn = clock()
        self._time_left = TimeLeft(clock=clock)
        self._ended = done
        self._per_trial = ceil(plan.blocks_per_trial / plan.blocks_per_turn) + 3  # ready, warmed, finished
        if plan.breakdown:
            self._per_trial += ablation.MOST_TURNS + 3
        self._is_narrow = console.width < NARROW
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(None if self._is_narrow else 40),
            TextColumn("{task.percentage:>3.0f} %"),
            *([] if self._is_narrow else [TimeElapsedColumn()]),
            TextColumn("{task.fields[left]}", markup=False),
            console=console,
            auto_refresh=False,
            transient=True,
            expand=self._is_narrow,
        )
        self._task = self._progress.add_task(
            "starting",
            total=plan.rounds * len(plan.cells) * self._per_trial,
            completed=done * self._per_trial,
            left="",
        )

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away; what counts is printed after it."""
        self._progress.stop()

    def waiting(self, text: str) -> None:
        """Show the countdown where round and loop will stand."""
        self._progress.update(self._task, description="waiting" if self._is_narrow else display_name(text))
        self._draw()

    def entered(self, phase: str, *, round_number: int, cell: Cell | None) -> None:
        """Show round, loop and phase; blocks are short, so not each of them is drawn."""
        now = self._clock()
        draw = phase not in {"measure", "break down"} or now - self._drawn > BETWEEN_DRAWINGS
        if draw:
            self._drawn = now
        what = "starting all loops" if cell is None else display_name(f"{cell.name}: {phase}")
        rounds = max(self._plan.rounds, round_number + 1)
        self._time_left.begun(round_number)
        place = f"round {_place(round_number, plan=self._plan)}"
        self._progress.update(
            self._task,
            description=place if self._is_narrow else f"{place}  {what:<28}",
            total=rounds * len(self._plan.cells) * self._per_trial,
            left="" if self._plan.adaptive else self._time_left.text(rounds=rounds),
        )
        if draw:
            self._draw()
        if cell is not None:
            self._progress.advance(self._task)

    def stored(self, trial: Trial) -> None:
        """Keep failures on the screen; a trial counts whole, whether it failed or its slow steps made fewer blocks."""
        self._ended += 1
        (task,) = self._progress.tasks
        self._progress.update(self._task, completed=max(task.completed, self._ended * self._per_trial))
        if trial.failure is not None:
            told = display_name(f"{trial.cell.name} {_found(trial)}")
            self._console.print(told, markup=False, highlight=False, soft_wrap=True)

    def _draw(self) -> None:
        """Draw it as it is now."""
        self._progress.refresh()


@final
class NotebookBar(Bar):
    """The same in the output of a notebook's cell, where a terminal's codes mean nothing."""

    def __init__(self, console: Console, *, plan: Plan, done: int, display: Callable[..., Any]) -> None:
        """Draw by what shows an object in a notebook: `IPython.display.display`."""
        super().__init__(console, plan=plan, done=done)
        self._display = display
        self._shown: Any = None

    def __enter__(self) -> Self:
        """Show the bar."""
        self._shown = self._display(self._drawn_as_text(), raw=True, display_id=True)
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._shown.update({"text/plain": "", "text/html": ""}, raw=True)

    def _draw(self) -> None:
        """Draw it in place of what is shown."""
        if self._shown is not None:
            self._shown.update(self._drawn_as_text(), raw=True)

    def _drawn_as_text(self) -> dict[str, str]:
        """Return the bar in the forms that a notebook may want."""
        console = Console(file=StringIO(), width=NOTEBOOK_COLUMNS, color_system=None, force_jupyter=False)
        with console.capture() as capture:
            console.print(self._progress.get_renderable())
        line = capture.get().rstrip()
        return {"text/plain": line, "text/html": f"<pre>{escape(line)}</pre>"}


def _place(round_number: int, *, plan: Plan) -> str:
    """Return "2/6", or "2" where it is not known how many rounds there will be."""
    return f"{round_number + 1}/{max(plan.rounds, round_number + 1)}" if not plan.adaptive else f"{round_number + 1}"


def _found(trial: Trial) -> str:
    """Say what came out of a trial."""
    if trial.failure is not None:
        failure = trial.failure
        return f"{Verdict.FAILED.value} ({failure.kind.value} in {failure.phase}): {failure.message}"
    return f"{duration(trial_step_seconds(trial))} per step"
