"""The campaign against faults and hostile input: `make test-faults`.

Every test of this folder carries the marker `faults` by being here, takes its random choices from the fixture
`dice`, whose seed is the test's name, and works in a folder of its own. All of them together end within 15 minutes.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random

import pytest

HERE = Path(__file__).resolve().parent


def _fixtures_of(folder: str):
    """Return the conftest of another folder of tests, so that its fixtures can be had here as well."""
    name = f"fixtures_of_{folder}"
    if name not in sys.modules:
        spec = spec_from_file_location(name, HERE.parent / folder / "conftest.py")
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


_bench, _cli = _fixtures_of("bench"), _fixtures_of("cli")

make_cell, make_block, make_trial = _bench.make_cell, _bench.make_block, _bench.make_trial
make_failure, make_header, make_run = _bench.make_failure, _bench.make_header, _bench.make_run
cache, make_session, make_toy_session = _cli.cache, _cli.make_session, _cli.make_toy_session
session, wait_for, workers, interrupt = _cli.session, _cli.wait_for, _cli.workers, _cli.interrupt


def pytest_collection_modifyitems(items):
    """Mark what lies in this folder, before it is decided by markers what runs."""
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture
def dice(request) -> Random:
    """Return random choices that are the same each time this test runs."""
    return Random(request.node.name)
