"""Where sides are made ready in tests: a folder of a user, an empty cache, no network."""

import os

import pytest

from bench.sides import recipe as recipes

OFFLINE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def place(tmp_path):
    """Return where sides are made ready: a user's folder, an empty cache, no network."""
    (tmp_path / "project").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return recipes.Place(folder=tmp_path / "project", cache=tmp_path / "cache", environment=environment | OFFLINE)


@pytest.fixture
def prepare(place, monkeypatch):
    """Return a function that makes ready what is written, in the user's folder."""
    monkeypatch.chdir(place.folder)

    def prepare(text, *, tell=lambda _: None, name="A"):
        return recipes.prepare(recipes.parse(text, name=name), place=place, tell=tell)

    return prepare
