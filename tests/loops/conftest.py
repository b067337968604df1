"""Keras, in this process."""

import pytest


@pytest.fixture(scope="session")
def keras(tmp_path_factory):
    """Return Keras on PyTorch, for objects that nothing is trained with; whoever starts a process gives it its own."""
    pytest.importorskip("torch")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KERAS_BACKEND", "torch")
        environment.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        return pytest.importorskip("keras")


@pytest.fixture(scope="session")
def torch(keras):
    """Return PyTorch, with Keras on it."""
    return pytest.importorskip("torch")
