"""What a notice is: of which kind, whether it speaks against the numbers, and whether against their order."""

from dataclasses import dataclass
from enum import StrEnum


class NoticeKind(StrEnum):
    """Why a notice is there; stable words."""

    INCOMPLETE = "incomplete"
    FAILED = "failed"
    INVALID = "invalid"
    UNVERIFIED = "unverified"
    METRICS_APART = "metrics-apart"
    UNAVAILABLE = "unavailable"
    FRAMEWORK_WIDE = "framework-wide"
    BASELINE = "baseline"
    SYNTHETIC_DATA = "synthetic-data"
    CHOSEN_DATA = "chosen-data"
    GUESTS = "guests"
    IDENTITY = "identity"
    FEW_ROUNDS = "few-rounds"
    WIDE_INTERVALS = "wide-intervals"
    RECOMPILED = "recompiled"
    UNSTEADY = "unsteady"
    ODD_PROCESS = "odd-process"
    INTERRUPTED = "interrupted-blocks"
    TOO_BUSY = "too-busy"
    STARVED = "starved"
    RARE_COSTS = "rare-costs"
    EPOCH_ENDS = "epoch-ends"
    LEAST_STEP = "least-step"
    STOLEN = "stolen-time"
    MACHINE_SPEED = "machine-speed"
    GPU_SLOWED = "gpu-slowed"
    GPU_CLOCK = "gpu-clock"
    DISTURBANCE = "disturbance"
    SMALL_BATCH = "small-batch"
    ONE_MACHINE = "one-machine"


SCOPE = (
    NoticeKind.RARE_COSTS,
    NoticeKind.EPOCH_ENDS,
    NoticeKind.LEAST_STEP,
    NoticeKind.UNAVAILABLE,
    NoticeKind.FRAMEWORK_WIDE,
    NoticeKind.CHOSEN_DATA,
    NoticeKind.GUESTS,
    NoticeKind.SMALL_BATCH,
    NoticeKind.ONE_MACHINE,
)
"""Notices that say how far the numbers reach, rather than that something is wrong with them."""


GRAVE = (
    *(NoticeKind.INCOMPLETE, NoticeKind.FAILED, NoticeKind.INVALID, NoticeKind.UNVERIFIED, NoticeKind.METRICS_APART),
    *(NoticeKind.BASELINE, NoticeKind.IDENTITY, NoticeKind.TOO_BUSY),
)
"""Notices of what may have put a loop in a wrong place, or left it without one; intervals know of all others, and of
rounds that were left out. Digits that stand in change what is learnt and no time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One thing to know, and what to do about it."""

    kind: NoticeKind
    text: str

    @property
    def lowers_trust(self) -> bool:
        """Whether something is wrong with the numbers."""
        return self.kind not in SCOPE

    @property
    def may_change_order(self) -> bool:
        """Whether which loop is ahead of which could be wrong for it."""
        return self.kind in GRAVE
