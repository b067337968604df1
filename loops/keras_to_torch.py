"""A compiled model's optimizer, loss and metric in PyTorch's own terms, or why there are none.

Every setting is written out: the defaults of the two libraries differ, as Adam's epsilon does (1e-7 and 1e-8), and what
one of them has no word for changes the training without a trace.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any, Final

import keras
import torch
from torch.nn import functional

from loops import around_the_update, recipe, torch_names
from loops.contract import Samples
from loops.errors import UnsupportedCell

LEAST_BEGINNING: Final = 1e4
"""Of Adagrad's accumulator, in epsilons: then it makes less than 1e-4 of a step where epsilon stands."""

WAY_OUT: Final = "see torch-keras, which trains with Keras' own"

Settings = dict[str, Any]
Losses = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Of predictions and targets to the loss of each sample, or of each of its steps."""


def optimizer(compiled: Any, parameters: Any, **options: Any) -> torch.optim.Optimizer:
    """Return PyTorch's optimizer of the same formula with the same settings.

    Args:
        compiled: Of Keras.
        parameters: To be trained.
        options: Of the loop, such as ``fused=True``.

    Raises:
        UnsupportedCell: If PyTorch has no such optimizer, or none of its options says the same.
    """
    kind = type(compiled).__name__
    if type(compiled).__module__.partition(".")[0] != "keras" or kind not in OPTIMIZERS:
        raise UnsupportedCell(f"torch.optim has no {_said(compiled)}; {WAY_OUT}")
    settings = compiled.get_config()
    _refuse_what_torch_has_not(compiled, settings)
    name, translate = OPTIMIZERS[kind]
    translated = translate(settings)
    if kind == "Adam" and not settings["weight_decay"]:
        name = "Adam"
    for option in options.keys() - signature(getattr(torch.optim, name)).parameters.keys():
        raise UnsupportedCell(f"{name} of torch.optim has no '{option}', which this loop is about; see torch-native")
    schedule = None
    if isinstance(settings["learning_rate"], dict):
        scheduled = compiled._learning_rate  # noqa: SLF001 - the public one is the rate of a single step
        schedule = around_the_update.rate_of(scheduled, way_out=WAY_OUT)
    rate = 1.0 if schedule else float(settings["learning_rate"])  # a scheduler multiplies what there is
    made: torch.optim.Optimizer = getattr(torch.optim, name)(parameters, lr=rate, **translated, **options)
    around_the_update.clip(made, settings, way_out=WAY_OUT)
    if schedule is not None:
        around_the_update.follow(made, schedule)
    return made


def _said(compiled: Any) -> str:
    """Return an optimizer's name, in words where it stands for float16's loss scale."""
    return "loss scale, as float16 needs one" if hasattr(compiled, "inner_optimizer") else type(compiled).__name__


def _refuse_what_torch_has_not(compiled: Any, settings: Settings) -> None:
    """Refuse what Keras' optimizers do beside their formula.

    Raises:
        UnsupportedCell: If one of these is asked for.
    """
    for name in ("loss_scale_factor", "gradient_accumulation_steps"):
        if settings.get(name) is not None:
            raise UnsupportedCell(f"torch.optim has no {name}; {WAY_OUT}")
    if settings.get("use_ema"):
        raise UnsupportedCell(f"torch.optim keeps no averages of the weights (use_ema); {WAY_OUT}")
    if isinstance(settings["learning_rate"], dict) and settings.get("momentum"):
        raise UnsupportedCell(
            "momentum under a schedule is another thing in torch.optim: there a new learning rate changes what earlier "
            f"gradients left, in Keras what comes; {WAY_OUT}"
        )
    excluded = getattr(compiled, "_exclude_from_weight_decay", None) or getattr(
        compiled, "_exclude_from_weight_decay_pattern", None
    )
    if excluded:
        raise UnsupportedCell(f"which weights decay and which do not is written for Keras' optimizer only; {WAY_OUT}")
    # In Keras, weight decay never passes through the moments; in torch.optim it does but in AdamW, and in SGD
    # without momentum it is the same times the learning rate.
    if settings.get("weight_decay") and not _decays_alike(type(compiled).__name__, settings):
        raise UnsupportedCell(
            f"weight_decay of {type(compiled).__name__} is another thing in torch.optim, where it is added to the "
            f"gradient; {WAY_OUT}"
        )


def _decays_alike(kind: str, settings: Settings) -> bool:
    """Whether `weight_decay` means in PyTorch what it means in Keras: the weights times learning rate times decay."""
    return kind in {"Adam", "AdamW"} or (kind == "SGD" and not settings.get("momentum"))


def _sgd(settings: Settings) -> Settings:
    """Translate gradient descent. Keras' velocity is PyTorch's times the learning rate, which changes nothing."""
    return {
        "momentum": settings["momentum"],
        "nesterov": bool(settings["nesterov"] and settings["momentum"]),
        "weight_decay": settings["weight_decay"] or 0.0,
        "dampening": 0.0,
    }


def _adam(settings: Settings) -> Settings:
    """Translate Adam, whose decay is AdamW's in Keras."""
    return {
        "betas": (settings["beta_1"], settings["beta_2"]),
        "eps": settings["epsilon"],
        "amsgrad": settings["amsgrad"],
        "weight_decay": settings["weight_decay"] or 0.0,
    }


def _nadam(settings: Settings) -> Settings:
    """Translate Nadam, whose momentum decays by 0.96 to the power of the step in Keras: 0.96 ** (step * 1)."""
    return {
        "betas": (settings["beta_1"], settings["beta_2"]),
        "eps": settings["epsilon"],
        "weight_decay": 0.0,
        "momentum_decay": 1.0,
    }


def _adamax(settings: Settings) -> Settings:
    """Translate Adamax; PyTorch adds epsilon within the maximum, which is the same but for gradients of its size."""
    return {"betas": (settings["beta_1"], settings["beta_2"]), "eps": settings["epsilon"], "weight_decay": 0.0}


def _adagrad(settings: Settings) -> Settings:
    """Translate Adagrad, unless it begins with so little that it matters where epsilon stands.

    Raises:
        UnsupportedCell: If so: Keras adds it below the root, PyTorch to it.
    """
    beginning, epsilon = settings["initial_accumulator_value"], settings["epsilon"]
    if beginning < LEAST_BEGINNING * epsilon:
        raise UnsupportedCell(
            f"Adagrad of torch.optim adds epsilon to the root and not, as Keras does, below it, and an accumulator "
            f"that begins with {beginning} does not outweigh that; {WAY_OUT}"
        )
    return {"initial_accumulator_value": beginning, "eps": epsilon, "lr_decay": 0.0, "weight_decay": 0.0}


def _rmsprop(settings: Settings) -> Settings:
    """Refuse RMSprop: where gradients are small, epsilon is what counts, and the two libraries add it differently.

    Raises:
        UnsupportedCell: Always.
    """
    raise UnsupportedCell(
        f"RMSprop of torch.optim adds epsilon ({settings['epsilon']:g}) to the root and not, as Keras does, below it; "
        f"{WAY_OUT}"
    )


def _adadelta(settings: Settings) -> Settings:
    """Translate Adadelta."""
    return {"rho": settings["rho"], "eps": settings["epsilon"], "weight_decay": 0.0}


OPTIMIZERS: Final[dict[str, tuple[str, Callable[[Settings], Settings]]]] = {
    "SGD": ("SGD", _sgd),
    "Adam": ("AdamW", _adam),
    "AdamW": ("AdamW", _adam),
    "Nadam": ("NAdam", _nadam),
    "Adamax": ("Adamax", _adamax),
    "RMSprop": ("RMSprop", _rmsprop),
    "Adagrad": ("Adagrad", _adagrad),
    "Adadelta": ("Adadelta", _adadelta),
}
"""Class of Keras -> class of PyTorch, and what makes the settings of the one those of the other."""


def loss(compiled: Any, *, named: str | None, weighted: bool, masked: bool, targets: Any, outputs: int | None) -> Any:
    """Return PyTorch's loss that computes what a compiled one does: of predictions, targets and maybe weights.

    Args:
        compiled: The model, with its losses built.
        named: Class of `torch.nn` that a user's class says computes the same, for losses that are not known here.
        weighted: Whether it is called with sample weights.
        masked: Whether the model's outputs say which of their steps count.
        targets: The array of all of them; None where a pipeline makes them in whatever kind it likes.
        outputs: Dimensions of the predictions, the batch counted; None where there are several.

    Raises:
        UnsupportedCell: If PyTorch has none.
    """
    if recipe.computes_own_loss(compiled):
        raise UnsupportedCell(f"{type(compiled).__name__} writes its own compute_loss, in Keras' terms; {WAY_OUT}")
    if not recipe.is_plain(compiled):
        raise UnsupportedCell(f"torch.nn has one loss for one output, and the model has more than that; {WAY_OUT}")
    if masked:
        raise UnsupportedCell(f"torch.nn knows no masks, and the model masks steps of its output; {WAY_OUT}")
    plain = recipe.plain_loss(compiled)
    name = getattr(getattr(plain, "fn", None), "__name__", type(plain).__name__)
    settings = dict(getattr(plain, "_fn_kwargs", {}))
    reduce = REDUCTIONS.get(plain.reduction)
    if name not in LOSSES or getattr(keras.losses, name, None) is not getattr(plain, "fn", None) or reduce is None:
        return _named_loss(named, weighted=weighted, said=plain.name)
    losses = LOSSES[name](settings)
    if targets is not None and not weighted and plain.reduction == "sum_over_batch_size":
        whole = _whole(name, settings, targets=targets, outputs=outputs)
        if whole is not None:
            return whole
    return _Reduced(losses, reduce)


def _named_loss(named: str | None, *, weighted: bool, said: str) -> Any:
    """Return the class of `torch.nn` that the user's class names."""
    if not hasattr(torch.nn, named or ""):
        lacking = f"torch.nn has no {named}" if named else f"torch.nn has no {said}"
        raise UnsupportedCell(f"{lacking}, and no loss of it is known to compute what the model's does; {WAY_OUT}")
    return torch_names.loss(str(named), weighted=weighted)


def _whole(name: str, settings: Settings, *, targets: Any, outputs: int | None) -> Any:
    """Return the module of PyTorch that does it all, where the arrays are already as that wants them; else None."""
    plain = settings.get("from_logits") and settings.get("axis", -1) == -1 and outputs == 2  # noqa: PLR2004
    if name == "sparse_categorical_crossentropy" and plain and settings.get("ignore_class") is None:
        return torch.nn.CrossEntropyLoss() if targets.dtype == "int64" and targets.ndim == 1 else None
    if name == "categorical_crossentropy" and plain and targets.dtype == "float32":
        return torch.nn.CrossEntropyLoss(label_smoothing=settings.get("label_smoothing", 0.0))
    if name == "mean_squared_error" and targets.dtype == "float32" and targets.ndim == outputs:
        return torch.nn.MSELoss()
    return None


class _Reduced:
    """Losses of single samples, or of their steps, and how they become one number."""

    def __init__(self, losses: Losses, reduce: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Take both."""
        self._losses = losses
        self._reduce = reduce

    def __call__(self, outputs: torch.Tensor, targets: torch.Tensor, *weight: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch; weights of samples count for each of their steps."""
        losses = self._losses(outputs, targets)
        if weight:
            weights = weight[0].squeeze(-1) if weight[0].dim() > losses.dim() else weight[0]
            losses = losses * weights.reshape(*weights.shape, *([1] * (losses.dim() - weights.dim())))
        return self._reduce(losses)


def _sparse(settings: Settings) -> Losses:
    """Cross-entropy of class numbers; as Keras computes it from probabilities, where the model ends in them."""
    ignored = settings.get("ignore_class")
    if settings.get("axis", -1) != -1 or ignored is not None:
        raise UnsupportedCell(f"a class that is ignored, or another axis of classes, is Keras' only; {WAY_OUT}")

    def losses(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        numbers = targets.squeeze(-1) if targets.dim() == outputs.dim() else targets
        scores = outputs.movedim(-1, 1)  # PyTorch wants classes right after the batch
        if settings.get("from_logits"):
            return functional.cross_entropy(scores, numbers.long(), reduction="none")
        return functional.nll_loss(_log(scores, dim=1), numbers.long(), reduction="none")

    return losses


def _categorical(settings: Settings) -> Losses:
    """Cross-entropy of rows of classes."""
    smoothing = settings.get("label_smoothing", 0.0)
    if settings.get("axis", -1) != -1:
        raise UnsupportedCell(f"another axis of classes than the last is Keras' only; {WAY_OUT}")

    def losses(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        rows = targets.to(outputs.dtype)
        rows = rows * (1.0 - smoothing) + smoothing / rows.shape[-1]
        if settings.get("from_logits"):
            return -(rows * functional.log_softmax(outputs, dim=-1)).sum(dim=-1)
        return -(rows * _log(outputs, dim=-1)).sum(dim=-1)

    return losses


def _binary(settings: Settings) -> Losses:
    """Cross-entropy of yes and no, a mean over the last axis."""
    smoothing = settings.get("label_smoothing", 0.0)
    if settings.get("axis", -1) != -1:
        raise UnsupportedCell(f"another axis than the last is Keras' only; {WAY_OUT}")

    def losses(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        wanted = _like(outputs, targets) * (1.0 - smoothing) + 0.5 * smoothing
        if settings.get("from_logits"):
            return functional.binary_cross_entropy_with_logits(outputs, wanted, reduction="none").mean(dim=-1)
        epsilon = keras.config.epsilon()
        return functional.binary_cross_entropy(outputs.clamp(epsilon, 1.0 - epsilon), wanted, reduction="none").mean(
            dim=-1
        )

    return losses


def _squared(settings: Settings) -> Losses:
    """Squared error, a mean over the last axis."""
    del settings
    return lambda outputs, targets: functional.mse_loss(outputs, _like(outputs, targets), reduction="none").mean(dim=-1)


def _absolute(settings: Settings) -> Losses:
    """Absolute error, a mean over the last axis."""
    del settings
    return lambda outputs, targets: functional.l1_loss(outputs, _like(outputs, targets), reduction="none").mean(dim=-1)


def _huber(settings: Settings) -> Losses:
    """Huber's loss, a mean over the last axis."""
    delta = settings.get("delta", 1.0)
    return lambda outputs, targets: functional.huber_loss(
        outputs, _like(outputs, targets), reduction="none", delta=delta
    ).mean(dim=-1)


def _like(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return targets as numbers of the predictions' kind and shape: (batch,) beside (batch, 1) is a column."""
    targets = targets.to(outputs.dtype)
    if targets.dim() == outputs.dim() - 1 and outputs.shape[-1] == 1:
        return targets.unsqueeze(-1)
    return targets.squeeze(-1) if targets.dim() == outputs.dim() + 1 else targets


def _log(probabilities: torch.Tensor, *, dim: int) -> torch.Tensor:
    """Return logarithms as Keras takes them: of what sums up to one, and is neither 0 nor 1."""
    epsilon = keras.config.epsilon()
    probabilities = probabilities / probabilities.sum(dim=dim, keepdim=True)
    return probabilities.clamp(epsilon, 1.0 - epsilon).log()


LOSSES: Final[dict[str, Callable[[Settings], Losses]]] = {
    "sparse_categorical_crossentropy": _sparse,
    "categorical_crossentropy": _categorical,
    "binary_crossentropy": _binary,
    "mean_squared_error": _squared,
    "mean_absolute_error": _absolute,
    "huber": _huber,
}
"""Function of Keras -> what makes PyTorch's of its settings."""

REDUCTIONS: Final[dict[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "sum_over_batch_size": torch.mean,
    "sum": torch.sum,
}
"""Of single losses to one; weighted ones are divided by their number and not by the sum of the weights."""


def scores(metric: Any, *, fed: tuple[Samples, Samples] | None = None) -> Any:
    """Return a function of predictions, targets and maybe weights to each sample's score times its weight.

    None where a metric of Keras is more than a mean of such, or a sample has several weights, as one for each of its
    steps: it has to be called itself then.
    """
    if any(getattr(samples.weights, "ndim", 1) > 1 for samples in fed or ()):
        return None
    wrapper = keras.metrics.MeanMetricWrapper
    if not isinstance(metric, wrapper) or type(metric).update_state is not wrapper.update_state:
        return None
    score, settings = metric._fn, metric._fn_kwargs  # noqa: SLF001 - Keras has no public names for them
    sparse = score is keras.metrics.sparse_categorical_accuracy

    def found(outputs: torch.Tensor, targets: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            if sparse and outputs.dim() == 2 and targets.dim() == 1:  # noqa: PLR2004 - what PyTorch's tutorials write
                each = (outputs.argmax(dim=1) == targets).to(outputs.dtype)
            else:
                if targets.dim() == outputs.dim() - 1 and outputs.shape[-1] == 1:
                    targets = targets.unsqueeze(-1)
                each = score(targets, outputs, **settings)
                each = each.to(outputs.dtype).reshape(len(outputs), -1).mean(dim=1)
            return each * weights[0] if weights else each

    return found
