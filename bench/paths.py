"""Where the sources of the harness and of the loops lie, which other interpreters import and caches are keyed by."""

from pathlib import Path

SOURCE_TREE = Path(__file__).resolve().parent.parent
"""The folder that holds `bench` and `loops`."""
