"""Where a run tells what it does: notices on stderr, and a bar where somebody looks at it."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

from bench.text import columns_of, lines_of

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

    from bench.records.plan import Plan
    from bench.runs.progress import Display


class Terminal:
    """Notices and progress on stderr."""

    def __init__(self) -> None:
        """Open the console; rich honours NO_COLOR and TERM."""
        from rich.console import Console  # noqa: PLC0415 - costs more than the rest of `--help`

        from bench.redaction import redacted  # noqa: PLC0415 - patterns that `--help` does not need

        self._redacted = redacted
        self.console: RichConsole = Console(stderr=True, width=columns_of(os.environ), force_jupyter=False)

    def notice(self, text: str) -> None:
        """Print one line as it is."""
        self.console.print(lines_of(self._redacted(text)), markup=False, highlight=False, soft_wrap=True)

    def display(self, plan: "Plan", *, done: int) -> "Display":
        """Return the progress display."""
        from bench.runs import progress  # noqa: PLC0415

        return progress.for_console(self.console, plan=plan, done=done)


@final
class Notebook(Terminal):
    """Notices on stderr, which a notebook shows below its cell, and progress as an output of the cell."""

    def __init__(self, show: Callable[..., Any]) -> None:
        """Show progress by `IPython.display.display`."""
        super().__init__()
        self._show = show

    def display(self, plan: "Plan", *, done: int) -> "Display":
        """Return the progress display."""
        from bench.runs.progress import NotebookBar  # noqa: PLC0415

        return NotebookBar(self.console, plan=plan, done=done, display=self._show)


def console_here() -> Terminal:
    """Return the console that fits where this process shows what it prints."""
    shell: Any = sys.modules.get("IPython")
    kernel = None if shell is None else getattr(shell.get_ipython(), "kernel", None)
    if kernel is None:
        return Terminal()
    return Notebook(sys.modules["IPython.display"].display)
