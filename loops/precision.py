"""In which precision Keras computes: global in a process, so it is put back before each workload."""

from typing import Final

import keras

_BEGAN_WITH: Final = (keras.config.floatx(), keras.config.dtype_policy().name)
"""What the user's settings of Keras say, before any workload has changed it."""

DOUBLE: Final = "float64"


def use(policy: str | None) -> None:
    """Have Keras compute by a dtype policy, or as it did when the process began, whatever a workload has set since.

    With "float64", losses, metrics and what `fit()` casts are float64 too, and JAX is told to have such numbers at all.
    """
    floatx, began_with = _BEGAN_WITH
    keras.config.set_floatx(DOUBLE if policy == DOUBLE else floatx)
    keras.config.set_dtype_policy(policy or began_with)
    if keras.backend.backend() == "jax":
        import jax  # noqa: PLC0415 - only where it is the framework

        jax.config.update("jax_enable_x64", policy == DOUBLE)
