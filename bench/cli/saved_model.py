"""What a saved Keras model says of itself, read without Keras, and a workload's file around it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from bench.errors import UsageError

CONFIG = "config.json"
LARGEST_BYTES = 64 << 20
"""Of the description of a model's layers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedModel:
    """One `.keras` file."""

    path: Path
    compiled: bool
    """Whether it was compiled when it was saved."""
    inputs: tuple[tuple[str, str, tuple[int | None, ...]], ...]
    """Name, dtype and shape of each input, the samples left out; empty where the model does not say."""


def read(path: Path) -> SavedModel:
    """Read what a saved model says of itself.

    Raises:
        UsageError: If it is no such file.
    """
    try:
        with ZipFile(path) as archive:
            if archive.getinfo(CONFIG).file_size > LARGEST_BYTES:
                raise UsageError(f"{path}: describes its layers in more than {LARGEST_BYTES >> 20} MiB")
            config = json.loads(archive.read(CONFIG))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); model.save({str(path)!r}) writes one") from error
    except (BadZipFile, KeyError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no saved Keras model; model.save('model.keras') writes one") from error
    if not isinstance(config, dict):
        raise UsageError(f"{path}: is no saved Keras model; model.save('model.keras') writes one")
    return SavedModel(path=path, compiled=bool(config.get("compile_config")), inputs=tuple(_inputs(config)))


def workload(saved: SavedModel, *, beside: Path) -> str:
    """Return a workload's file.

    Args:
        saved: The model.
        beside: Folder of the file; the model is found from there.
    """
    place = json.dumps(Path(os.path.relpath(saved.path, beside)).as_posix())
    compiles = (
        ""
        if saved.compiled
        else '    m.compile(optimizer="adam", loss="mse", metrics=["mae"])  # it was saved without; put in your own\n'
    )
    shapes = "; ".join(f"{_defused(name)}: {_defused(kind)} {_shape(shape)}" for name, kind, shape in saved.inputs)
    takes = f"The model takes {shapes}." if shapes else "The model does not say what it takes."
    return f'''"""The model in {_defused(saved.path.name)}, as it was compiled."""

from pathlib import Path

import keras
import numpy as np

HERE = Path(__file__).parent
# Samples per step. Write the number out: it is read before anything is imported.
batch_size = 32


def model():
    """Return the saved model; its optimizer begins anew."""
    m = keras.saving.load_model(HERE / {place})
{compiles}    return m


def data():
    """Return what fit() would be given: (x, y) or (x, y, weight), or a pair of these for training and validation.

    {takes}
    """
    arrays = np.load(HERE / "data.npz")  # np.savez("data.npz", x=x, y=y, x_val=x_val, y_val=y_val)
    return (arrays["x"], arrays["y"]), (arrays["x_val"], arrays["y_val"])
'''


def _defused(text: str) -> str:
    """Return a text that ends no docstring, whoever wrote the model."""
    return json.dumps(text)[1:-1]


def _shape(shape: tuple[int | None, ...]) -> str:
    """Return "[samples, 28, 28]"."""
    return f"[{', '.join(['samples', *('any' if size is None else str(size) for size in shape)])}]"


def _inputs(config: dict[str, Any]) -> Iterator[tuple[str, str, tuple[int | None, ...]]]:
    """Yield the inputs of a functional or sequential model."""
    settings = config.get("config")
    layers = settings.get("layers") if isinstance(settings, dict) else None
    for layer in layers if isinstance(layers, list) else ():
        own = layer.get("config", {}) if isinstance(layer, dict) and layer.get("class_name") == "InputLayer" else {}
        shape = own.get("batch_shape") if isinstance(own, dict) else None
        if isinstance(shape, list):
            yield str(own.get("name", "x")), str(own.get("dtype", "float32")), tuple(shape[1:])
