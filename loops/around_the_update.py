"""What Keras' optimizers do around their formula, hooked onto PyTorch's: clipping before a step, a schedule behind it.

Both are PyTorch's own (`torch.nn.utils`, `torch.optim.lr_scheduler`), called inside of `step()` as Keras does, so that
a loop calls nothing more. Formulas of the schedules: keras.optimizers.schedules.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim.lr_scheduler import LambdaLR

from loops.errors import UnsupportedCell

Settings = dict[str, Any]
Rate = Callable[[int], float]
"""Of the number of steps that were done to the learning rate of the next one."""

LEAST_NORM: Final = 0.01
"""To clip to: PyTorch adds 1e-6 to the norm that it divides by, which is 1e-4 of this one."""


def clip(optimizer: torch.optim.Optimizer, settings: Settings, *, way_out: str) -> None:
    """Have gradients clipped before each step, as an optimizer of Keras with these settings does.

    Raises:
        UnsupportedCell: If PyTorch's formula is another one there.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for name in ("clipnorm", "global_clipnorm"):
        if settings.get(name) is not None and settings[name] < LEAST_NORM:
            raise UnsupportedCell(
                f"clip_grad_norm_ of PyTorch adds 1e-6 to the norm, which counts beside {name}={settings[name]:g}; "
                f"{way_out}"
            )
    if settings.get("clipnorm") is not None:  # each by its own norm
        _before(optimizer, *(partial(clip_grad_norm_, one, settings["clipnorm"]) for one in parameters))
    if settings.get("global_clipnorm") is not None:
        _before(optimizer, partial(clip_grad_norm_, parameters, settings["global_clipnorm"]))
    if settings.get("clipvalue") is not None:
        _before(optimizer, partial(clip_grad_value_, parameters, settings["clipvalue"]))


def _before(optimizer: torch.optim.Optimizer, *calls: Callable[[], Any]) -> None:
    """Have these called before each step."""

    def hook(*_: Any) -> None:
        for call in calls:
            call()

    optimizer.register_step_pre_hook(hook)


def follow(optimizer: torch.optim.Optimizer, rate: Rate) -> None:
    """Have the learning rate follow a schedule, one step after the other; it was built with a rate of 1."""
    schedule = LambdaLR(optimizer, rate)
    optimizer.register_step_post_hook(lambda *_: schedule.step())


def rate_of(schedule: Any, *, way_out: str) -> Rate:
    """Return the learning rate of each step.

    Args:
        schedule: Of Keras; or one that hurries another along, as checks do, which says so by `hurried` and which of the
            other's steps it means by `step_of`.
        way_out: For who cannot be helped here.

    Raises:
        UnsupportedCell: If it is none of those that are known here.
    """
    own = getattr(schedule, "hurried", schedule)
    kind = type(own).__name__
    if type(own).__module__.partition(".")[0] != "keras" or kind not in RATES:
        raise UnsupportedCell(f"torch.optim has no schedule that is known to be {kind}; {way_out}")
    formula, settings = RATES[kind], own.get_config()
    if own is schedule:
        return partial(formula, settings)
    return lambda step: formula(settings, schedule.step_of(step))


def _exponential(settings: Settings, step: float) -> float:
    """A constant share is left after each so many steps; one above 1 leads to infinity, as in Keras."""
    with suppress(OverflowError):
        return float(settings["initial_learning_rate"] * settings["decay_rate"] ** _passed(settings, step))
    return math.inf


def _inverse(settings: Settings, step: float) -> float:
    """Divided by what grows with the steps."""
    return float(settings["initial_learning_rate"] / (1.0 + settings["decay_rate"] * _passed(settings, step)))


def _passed(settings: Settings, step: float) -> float:
    """Return how many times `decay_steps` have passed."""
    passed: float = step / settings["decay_steps"]
    return math.floor(passed) if settings["staircase"] else passed


def _piecewise(settings: Settings, step: float) -> float:
    """Constant up to each boundary, that one included."""
    return float(settings["values"][bisect_left(settings["boundaries"], step)])


def _polynomial(settings: Settings, step: float) -> float:
    """Down to an end, once or again and again from a lower start."""
    whole, end = settings["decay_steps"], settings["end_learning_rate"]
    if settings["cycle"]:
        whole *= max(1, math.ceil(step / whole))
    left = 1.0 - min(step, whole) / whole
    return float((settings["initial_learning_rate"] - end) * left ** settings["power"] + end)


def _cosine(settings: Settings, step: float) -> float:
    """Half a wave down, from the first rate or from the one that a straight warm-up leads to."""
    begin, peak = settings["initial_learning_rate"], settings["warmup_target"]
    if peak is not None:
        warm_up = settings["warmup_steps"]
        if step < warm_up:
            return float((peak - begin) * step / warm_up + begin)
        begin, step = peak, step - warm_up
    wave = 0.5 * (1.0 + math.cos(math.pi * min(step, settings["decay_steps"]) / settings["decay_steps"]))
    return float(begin * ((1.0 - settings["alpha"]) * wave + settings["alpha"]))


RATES: Final[dict[str, Callable[[Settings, float], float]]] = {
    "CosineDecay": _cosine,
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse,
    "PiecewiseConstantDecay": _piecewise,
    "PolynomialDecay": _polynomial,
}
"""Class of Keras -> its formula."""
