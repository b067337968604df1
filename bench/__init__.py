"""Measure training loops: the instrument. What is measured lies in `loops`."""

__version__ = "0.1.0"
