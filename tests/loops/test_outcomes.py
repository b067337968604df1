"""What is read back from a model that trains itself: what its step said, and how many steps its optimizers count."""

from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture(scope="module")
def outcomes(keras):
    """Return the module, which imports Keras."""
    from loops import outcomes

    return outcomes


def test_the_first_of_several_losses_is_meant_where_none_is_called_so(outcomes):
    """As of two adversaries; the others keep their names."""
    assert {"loss": 2.0, "g_loss": 3.0} == outcomes.with_loss({"d_loss": 2.0, "g_loss": 3.0})
    assert {"mae": 1.0, "loss": 2.0} == outcomes.with_loss({"mae": 1.0, "loss": 2.0})


def test_what_a_step_returned_last_is_its_result_and_not_what_metrics_counted(outcomes):
    """Which it need not have told."""
    returned = iter([{"loss": np.float32(4.0)}, {"loss": np.float32(3.0)}])

    class Model:
        """As much of one as `fit()` uses."""

        train_function = None

        def make_train_function(self):
            self.train_function = self.train_function or (lambda batch: next(returned))

        def get_metrics_result(self):
            return {"loss": 0.0}

    model = Model()
    outcomes.note_what_is_said(model)
    for _ in range(2):
        model.make_train_function()
        model.train_function("batch")

    assert {"loss": 3.0} == outcomes.results_of(model)
    assert {"loss": 0.0} == outcomes.results_of(Model())


def test_steps_are_those_of_the_optimizer_that_the_training_step_uses(keras, outcomes):
    """The one that `compile()` made of its default has done none."""
    unused, used = keras.optimizers.RMSprop(), keras.optimizers.Adam()
    weight = keras.Variable(np.ones(2))
    used.build([weight])
    used.apply([keras.ops.ones(2)], [weight])

    assert 1 == outcomes.steps_trained(SimpleNamespace(optimizer=unused, second=used))
    assert 0 == outcomes.steps_trained(SimpleNamespace(optimizer=unused))
