"""Measure training loops: the instrument. What is measured lies in `loops`.

    run, measure, ab       measure, each loop in fresh processes
    load, load_history     what is stored
    Result                 what the first four return

They lie in `bench.api`, which is imported when one of them is first asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.api import Answer, Result, ab, load, load_history, measure, run

__version__ = "0.1.0"
__all__ = ["Answer", "Result", "__version__", "ab", "load", "load_history", "measure", "run"]


def __getattr__(name: str) -> Any:
    """Return a public name: `import bench` is to cost next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'bench' has no attribute '{name}'")
    from bench import api  # noqa: PLC0415

    return getattr(api, name)


def __dir__() -> list[str]:
    """Return what a shell completes."""
    return sorted({*globals(), *__all__})
