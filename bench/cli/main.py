"""`bench` with all its commands. Each parses, calls one function and echoes: results to stdout, the rest to stderr."""

from bench.cli import check, look, measure, stored
from bench.cli.group import main

__all__ = ["check", "look", "main", "measure", "stored"]
