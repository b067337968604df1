"""Where Keras' variables and the values that a JAX loop carries along meet."""

from typing import Any, NamedTuple, final

import jax

Values = list[jax.Array]
"""Of a group of variables, in their order."""


class State(NamedTuple):
    """Everything that a step changes: values of groups of variables."""

    trainable: Values
    others: Values
    optimizer: Values
    metric: Values


@final
class Variables:
    """The variables of a model, its optimizer and its metric."""

    def __init__(self, model: Any, *, optimizer: Any, metric: Any) -> None:
        """Take those that there are; all have to be built."""
        self._groups = State(
            model.trainable_variables, model.non_trainable_variables, optimizer.variables, metric.variables
        )

    def values(self) -> State:
        """Return what they hold."""
        return State(*([variable.value for variable in group] for group in self._groups))

    def assign(self, state: State) -> None:
        """Give them the values of a state."""
        for variables, values in zip(self._groups, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def close(self, state: State, *, optimizer: Any) -> State:
        """Do what `fit()` does in the end, and return the state: kept averages of the weights take their place."""
        self.assign(state)
        optimizer.finalize_variable_values(self._groups.trainable)
        return state._replace(trainable=[variable.value for variable in self._groups.trainable])
