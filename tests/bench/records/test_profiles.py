"""Profiles beside a run: written whole, read with a sentence where something is wrong."""

from dataclasses import replace

import pytest

from bench.errors import InvalidResult
from bench.records import profiles
from bench.records.profile import MemoryReading, Operation, Profile, Sampled, Traced


@pytest.fixture
def profile(make_cell) -> Profile:
    """Return a profile of everything."""
    operation = Operation(name="MatMul", calls=5.0, step_seconds=1e-4, share=0.5)
    return Profile(
        cell=make_cell("tf-function"),
        backend="tensorflow",
        versions={"tensorflow": "2.21"},
        block_step_seconds=(0.0011, 0.0010, 0.0013),
        traced=Traced(
            steps=100,
            step_seconds=0.0012,
            operations=(operation,),
            kinds=19,
            operation_seconds=2e-4,
            busy_seconds=2e-4,
            parts={"backward": 1e-4},
            outside_seconds=1e-5,
        ),
        sampled=Sampled(samples=300, step_seconds=0.0022, shares={"step": 1.0}),
        memory=(MemoryReading(seconds=0.1, bytes=1 << 30, phase="start"),),
        files=("trace.json.gz",),
        missing=("no flame graph",),
    )


def test_what_was_stored_is_read_back(profile, tmp_path):
    """From the folder of its cell."""
    profiles.store(profile, folder=profiles.folder_of(tmp_path, profile.cell))

    assert (profile,) == profiles.load(tmp_path)


def test_a_run_without_profiles_has_none(tmp_path):
    """As almost all have."""
    assert () == profiles.load(tmp_path)


def test_what_a_profiler_costs_is_told_against_blocks_without(profile):
    """The one in the middle; less is noise, and stays less."""
    assert 0.0011 == profile.step_seconds
    assert pytest.approx(1.0) == profile.overhead(profile.sampled)
    assert 0.0 > replace(profile, block_step_seconds=(0.002, 0.003)).overhead(profile.traced)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text[:-40], "Input data was truncated"),
        (lambda text: text.replace(b'"calls": 5.0', b'"calls": "five"'), "Expected `float`, got `str`"),
        (
            lambda text: text.replace(b'"share": 0.5', b'"share": 7.5'),
            "$.traced.operations[0].share: expected a number",
        ),
        (lambda text: text.replace(b"bench-profile/1", b"bench-profile/9"), "it is no bench-profile/1"),
        (lambda text: text.replace(b"0.0011", b"0.0"), "it is no bench-profile/1"),
        (lambda _: b"\xff", "malformed"),
        (lambda _: b" " * (profiles.LARGEST_BYTES + 1), "are no profile"),
    ],
)
def test_what_cannot_be_a_profile_is_said_with_its_file_and_the_way_out(profile, tmp_path, change, sentence):
    """It lies in a folder that anybody may have sent."""
    folder = profiles.folder_of(tmp_path, profile.cell)
    profiles.store(profile, folder=folder)
    path = folder / profiles.RECORD
    path.write_bytes(change(path.read_bytes()))

    with pytest.raises(InvalidResult) as caught:
        profiles.load(tmp_path)

    said = str(caught.value)
    assert said.startswith(f"{path}: "), said
    assert sentence in said
    assert "remove the folder it lies in" in said
