"""The name under which pytest and users' `-p bench.pytest_plugin` know the plugin; it stands in `bench.gate`."""

from bench.gate.pytest_plugin import (
    pytest_addoption,
    pytest_configure,
    pytest_deselected,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_deselected",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
]
