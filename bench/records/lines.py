"""The lines of a journal, one type for each kind."""

import msgspec

from bench.records.stored_run import Conditions, Extension, LeastStep, RunEnd, RunHeader
from bench.records.trial import Retry, Trial
from bench.records.verification import Expectation, Verification

JOURNAL = "journal.jsonl"
"""The file's name in the folder of a run."""


class HeaderLine(msgspec.Struct, tag_field="kind", tag="run", frozen=True):
    """First line of a journal."""

    run: RunHeader


class TrialLine(msgspec.Struct, tag_field="kind", tag="trial", frozen=True):
    """One trial."""

    trial: Trial


class VerificationLine(msgspec.Struct, tag_field="kind", tag="verification", frozen=True):
    """What the check of a loop against the reference found."""

    verification: Verification


class ExpectationLine(msgspec.Struct, tag_field="kind", tag="expectation", frozen=True):
    """What timed trials are held against."""

    expectation: Expectation


class LeastStepLine(msgspec.Struct, tag_field="kind", tag="least-step", frozen=True):
    """The least time that a step can take on this machine, measured before the first round."""

    least_step: LeastStep


class ConditionsLine(msgspec.Struct, tag_field="kind", tag="conditions", frozen=True):
    """What else the machine did during a round."""

    conditions: Conditions


class RetryLine(msgspec.Struct, tag_field="kind", tag="retry", frozen=True):
    """A failed row that does not count any more."""

    retry: Retry


class ExtensionLine(msgspec.Struct, tag_field="kind", tag="extension", frozen=True):
    """More rounds than were planned at first."""

    extension: Extension


class EndLine(msgspec.Struct, tag_field="kind", tag="end", frozen=True):
    """Last line; after `--resume` there may be more than one, and the last one counts."""

    end: RunEnd


Line = (
    HeaderLine
    | VerificationLine
    | TrialLine
    | RetryLine
    | ConditionsLine
    | ExpectationLine
    | LeastStepLine
    | ExtensionLine
    | EndLine
)
