"""Wait until nothing else uses the processors that a run needs, for a while; then measure all the same."""

import os
from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import Protocol, final

from bench.machine import activity, cpus
from bench.machine.activity import Activity
from bench.records import busy
from bench.records.plan import Plan
from bench.units import Seconds

LOOK: Seconds = 1.0
"""For so long the machine is looked at, at a time."""

SPARE = 0.25
"""Cores that others may use of those that are needed: what a desktop and its daemons do all the time."""


class Screen(Protocol):
    """Shows that a run waits."""

    def waiting(self, text: str) -> None:
        """Say for how long still, and for whom."""


@final
class Quiet:
    """Waits for a quiet machine, all in all for no longer than it was given."""

    def __init__(
        self,
        plan: Plan,
        *,
        wait: Seconds,
        screen: Screen,
        tell: Callable[[str], None],
        look: Callable[[Seconds], Activity] = activity.of_the_next,
        clock: Callable[[], Seconds] = monotonic,
    ) -> None:
        """Wait for nothing yet.

        Args:
            plan: Says on how many processors it measures.
            wait: Longest wait of the whole run; 0 looks at nothing and waits for nothing.
            screen: Shows a countdown.
            tell: Takes what a person should know, one line.
            look: Watches the machine for some seconds.
            clock: Seconds from any start.
        """
        self._left = wait
        self._screen = screen
        self._tell = tell
        self._look = look
        self._clock = clock
        self._cores = len(cpus.allowed()) or os.cpu_count() or 1
        needed = [cell.threads or self._cores for cell in plan.cells]
        self._needed = min(self._cores, max(needed, default=1))

    def wait(self) -> None:
        """Return when enough processors are idle, or when time is up, which is told together with who was busy."""
        if self._left <= 0.0:
            return
        begin = self._clock()
        seen = self._look(LOOK)
        if self._is_quiet(seen):
            return
        deadline = begin + self._left
        while (left := deadline - self._clock()) > 0.0:
            who = busy.told(seen.programs, others=seen.others)
            self._screen.waiting(f"waiting up to {ceil(left)} s for a quiet machine: {who}")
            seen = self._look(min(LOOK, left))
            if self._is_quiet(seen):
                self._left = max(0.0, deadline - self._clock())
                self._tell(f"the machine is quiet after {ceil(self._clock() - begin)} s")
                return
        self._left = 0.0
        self._tell(
            f"warning: other programs keep {busy.cores_told(seen.others or 0.0)} of {self._cores} busy: "
            f"{busy.told(seen.programs, others=seen.others)}; measuring all the same, --wait SEC waits longer"
        )

    def _is_quiet(self, seen: Activity) -> bool:
        """Whether others leave the processors that are needed."""
        return seen.others is None or seen.others <= self._cores - self._needed + SPARE
