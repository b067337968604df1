"""`bench` with all its commands. Each parses, calls one function and echoes: results to stdout, the rest to stderr."""

from bench.cli import check, gate, history, look, matrix, measure, profile, store, stored
from bench.cli.group import main

__all__ = ["check", "gate", "history", "look", "main", "matrix", "measure", "profile", "store", "stored"]
