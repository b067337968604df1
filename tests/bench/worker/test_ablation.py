"""What parts of a step cost, seen with a clock that only the parts move."""

from itertools import cycle, islice

import pytest

from bench.worker import ablation
from loops.contract import Call, Loop, Parts
from loops.errors import UnsupportedCell

FETCH, FORWARD, BACKWARD, UPDATE, SCORE = 1, 40, 80, 20, 10
"""Microseconds."""


class Clock:
    """Stands still unless something takes time."""

    def __init__(self):
        """Begin somewhere."""
        self.nanoseconds = 5_000_000

    def take(self, microseconds):
        """Let time pass."""
        self.nanoseconds += microseconds * 1000


class Part:
    """An object whose methods take time and say how often they really ran."""

    def __init__(self, clock, microseconds):
        """Nothing was done yet."""
        self.clock, self.microseconds, self.done = clock, microseconds, 0

    def do(self, *_):
        """Take the time."""
        self.clock.take(self.microseconds)
        self.done += 1
        return self.done


class Metric(Part):
    """As Keras' metrics are called."""

    def update_state(self, *arguments):
        """Score a batch."""
        return self.do(*arguments)


class KerasOptimizer(Part):
    """As Keras' optimizers are called."""

    def apply(self, *arguments):
        """Move the weights."""
        return self.do(*arguments)


class Model(Part):
    """Is called itself, which Python looks up in its class."""

    def __call__(self, *arguments):
        """Walk forward."""
        return self.do(*arguments)


class Loss:
    """Has a backward pass, which is a method of its class, as PyTorch's is."""

    clock = None

    def backward(self):
        """Walk back."""
        self.clock.take(BACKWARD)


class Measured(Loop):
    """What a breakdown does not ask for."""

    backend = "numpy"

    def prepare(self, job):
        """Never called: these are made ready."""

    def evaluate(self):
        """Never called."""

    def outcome(self):
        """Never called: what is learnt is worth nothing."""

    def synchronise(self):
        """Nothing was queued."""


class HandWritten(Measured):
    """A loop that calls each part itself."""

    def __init__(self, clock):
        """Hold what a prepared loop holds."""
        self.clock = clock
        self.training_metric, self.optimizer = Metric(clock, SCORE), KerasOptimizer(clock, UPDATE)
        self.model = Model(clock, FORWARD)
        self.seen, self.answers = [], []

    def epochs(self):
        """Hand over batches."""
        for batch in cycle(range(5)):
            self.clock.take(FETCH)
            yield batch

    def train(self, blocks):
        """Train block after block."""
        batches = self.epochs()
        for steps in blocks:
            for batch in islice(batches, steps):
                self.seen.append(batch)
                self.model(batch)
                Loss().backward()
                self.answers.append(self.optimizer.apply())
                self.training_metric.update_state()


class Compiled(Measured):
    """A loop whose step a framework runs alone: nobody can call it, and batches are fetched by it."""

    def __init__(self, clock):
        """Hold what a prepared loop holds; nobody calls it."""
        self.clock = clock
        self.model = Model(clock, FORWARD)
        self.model.optimizer = KerasOptimizer(clock, UPDATE)

    def train(self, blocks):
        """Train block after block."""
        for steps in blocks:
            self.clock.take(100 * steps)


class ByOtherNames(HandWritten):
    """Calls its parts by names of its own, and says so."""

    def __init__(self, clock):
        """Hold one object that does everything."""
        super().__init__(clock)
        self.engine = Part(clock, FORWARD)

    def train(self, blocks):
        """Train block after block."""
        for steps in blocks:
            for _ in range(steps):
                self.engine.do()

    def parts(self):
        """Name the one call."""
        return Parts(forward=(Call(self.engine, "do"),))


class InStacks(HandWritten):
    """Takes ten batches per call, so an element of its epochs is a stack of them."""

    steps_per_call = 10


@pytest.fixture
def clock(monkeypatch):
    """Return the clock that everything here reads."""
    clock = Clock()
    monkeypatch.setattr(ablation, "perf_counter_ns", lambda: clock.nanoseconds)
    monkeypatch.setattr(Loss, "clock", clock)
    monkeypatch.setattr(Loss, "backward", Loss.backward)  # put back what a test leaves behind
    monkeypatch.setattr(Model, "__call__", Model.__call__)
    return clock


class Turns:
    """Counts how often the process had to wait for its turn."""

    def __init__(self):
        """None yet."""
        self.taken = 0

    def __call__(self):
        """Wait no time at all."""
        self.taken += 1


@pytest.fixture
def turns():
    """Return a counter of turns."""
    return Turns()


def left_out(loop, *, turn, backward=None, steps=10, compiled=False):
    """Return what a loop takes with more and more left out."""
    parts = ablation.places(loop, backward=backward, compiled=compiled)
    return ablation.ablate(loop, parts=parts, steps=steps, turn=turn)


def test_each_part_that_is_left_out_saves_what_it_costs(clock, turns):
    """On top of one another, so that the differences add up to the step."""
    found = left_out(HandWritten(clock), backward=(Loss, "backward"), turn=turns)

    parts = ("metric", "optimizer", "backward", "forward")
    assert [parts[:count] for count in range(5)] == [one.left_out for one in found]
    whole = FETCH + FORWARD + BACKWARD + UPDATE + SCORE
    expected = [whole, whole - SCORE, whole - SCORE - UPDATE, FETCH + FORWARD, FETCH]
    assert [1e-6 * microseconds for microseconds in expected] == pytest.approx([one.step_seconds for one in found])


def test_a_part_that_is_not_called_stays_in_what_it_is_part_of(clock, turns):
    """Another backward pass than the one that was pointed at."""

    class Other:
        def backward(self):
            """Never called."""

    found = left_out(HandWritten(clock), backward=(Other, "backward"), turn=turns)

    assert [(), ("metric",), ("metric", "optimizer"), ("metric", "optimizer", "forward")] == [
        one.left_out for one in found
    ]


def test_a_step_that_was_compiled_as_a_whole_has_no_parts(clock, turns):
    """Its optimizer is there, but nobody calls it."""
    assert () == left_out(Compiled(clock), turn=turns)


class OneGraph(HandWritten):
    """Calls a step that was compiled, in which nothing is called; `fit()` has its own name for it."""

    def __init__(self, clock):
        """Hold a step, and what it was made of."""
        super().__init__(clock)
        self.compiled_step = Part(clock, FORWARD).do
        self.model = type("Model", (), {"train_function": None})()

    def train(self, blocks):
        """Train block after block; the step is looked up once."""
        step = self.compiled_step
        for steps in blocks:
            for _ in range(steps):
                self.clock.take(FETCH)
                step()


def test_a_compiled_step_is_left_out_as_a_whole(clock, turns):
    """What remains is the loop around it, also where the loop looks its step up before the first block."""
    found = left_out(OneGraph(clock), turn=turns, compiled=True)

    assert [((), 1e-6 * (FETCH + FORWARD)), (("step",), 1e-6 * FETCH)] == [
        (one.left_out, pytest.approx(one.step_seconds)) for one in found
    ]


def test_under_fit_the_step_is_the_function_that_keras_made(clock, turns):
    """It is looked up in the model at each step, and there once `fit()` was called."""

    class Fit(OneGraph):
        def __init__(self, clock):
            super().__init__(clock)
            del self.compiled_step
            self.model.train_function = Part(clock, FORWARD).do

        def train(self, blocks):
            for steps in blocks:
                for _ in range(steps):
                    self.clock.take(FETCH)
                    self.model.train_function()

    found = left_out(Fit(clock), turn=turns, compiled=True)

    assert [(), ("fit step",)] == [one.left_out for one in found]
    assert pytest.approx(1e-6 * FETCH) == found[1].step_seconds


def test_every_block_is_told_so_that_a_part_has_an_interval(clock, turns):
    """As many as there are turns, each in seconds per step."""
    found = left_out(OneGraph(clock), turn=turns, compiled=True)

    assert [ablation.REPEATS] * 2 == [len(one.block_step_seconds) for one in found]
    assert pytest.approx([1e-6 * FETCH] * ablation.REPEATS) == list(found[1].block_step_seconds)


def test_what_is_left_out_is_answered_as_it_was_last(clock, turns):
    """The caller goes on with the answer; nothing is done for it."""
    loop = HandWritten(clock)

    left_out(loop, steps=1, turn=turns)

    settling, whole, without_metric, without_more = [1], [2, 3], [4, 5], [5, 5]
    there = [*settling, *whole, *without_metric, *without_more, *without_more]
    and_back = [*without_more, *without_more, 6, 7, 8, 9]
    assert [*there, *and_back] == loop.answers[:17]
    assert 1 + 2 * 2 * ablation.REPEATS == loop.optimizer.done


class Waking(HandWritten):
    """Takes longer after each pause."""

    pause = 0

    def epochs(self):
        """Hand over batches."""
        for batch in super().epochs():
            self.clock.take(self.pause)
            self.pause = 0
            yield batch


def test_what_a_pause_costs_is_in_no_part(clock):
    """Each turn begins with a block that is not timed, with the same left out."""
    loop = Waking(clock)

    def turn():
        loop.pause = 500

    whole, without_metric, *_ = left_out(loop, turn=turn)

    assert pytest.approx(1e-6 * (FETCH + FORWARD + BACKWARD + UPDATE + SCORE)) == whole.step_seconds
    assert pytest.approx(1e-6 * SCORE) == whole.step_seconds - without_metric.step_seconds


def test_the_pipeline_alone_trains_nothing(clock, turns):
    """Batches are fetched and dropped."""
    loop = HandWritten(clock)

    assert pytest.approx(1e-6 * FETCH) == ablation.pipeline(loop, steps=10, turn=turns)
    assert [] == loop.seen


def test_the_step_alone_gets_one_batch_again_and_again(clock, turns):
    """What is left when the pipeline costs nothing; afterwards the loop fetches as before."""
    loop = HandWritten(clock)

    found = ablation.step_alone(loop, steps=10, turn=turns)

    assert pytest.approx(1e-6 * (FORWARD + BACKWARD + UPDATE + SCORE)) == found
    assert {0} == set(loop.seen)
    assert [0, 1, 2] == list(islice(loop.epochs(), 3))


def test_where_a_framework_fetches_batches_neither_can_be_had(clock, turns):
    """`fit()` has no seam between the two."""
    loop = Compiled(clock)

    assert None is ablation.pipeline(loop, steps=10, turn=turns)
    assert None is ablation.step_alone(loop, steps=10, turn=turns)


@pytest.mark.parametrize("loop", [HandWritten, Compiled])
@pytest.mark.parametrize("compiled", [False, True])
def test_the_number_of_turns_is_known_beforehand(clock, turns, loop, compiled):
    """The harness shuffles them among those of the other processes."""
    measured = loop(clock)

    ablation.pipeline(measured, steps=10, turn=turns)
    ablation.step_alone(measured, steps=10, turn=turns)
    parts = ablation.places(measured, backward=None, compiled=compiled)
    ablation.ablate(measured, parts=parts, steps=10, turn=turns)

    assert ablation.turns(measured, parts=parts) == turns.taken
    assert turns.taken <= ablation.MOST_TURNS


def test_a_loop_may_name_its_parts_itself(clock, turns):
    """Where it does not keep to the names of the convention."""
    found = left_out(ByOtherNames(clock), turn=turns)

    assert [((), 1e-6 * FORWARD), (("forward",), 0.0)] == [
        (one.left_out, pytest.approx(one.step_seconds)) for one in found
    ]


def test_by_convention_a_compiled_model_has_the_parts():
    """Under `fit()` the loop holds a model and its metric, and the model the optimizer."""

    class Loss:
        def compute_loss(self):
            """As Keras' models have it."""

    class Fit(Compiled):
        def __init__(self):
            self.metric, self.model = Metric(None, 0), Loss()
            self.model.optimizer = KerasOptimizer(None, 0)

    loop = Fit()

    assert loop.parts() == Parts(
        metric=(Call(loop.metric, "update_state"),),
        optimizer=(Call(loop.model.optimizer, "apply"),),
        forward=(Call(loop.model, "compute_loss"),),
    )


def test_a_loop_without_a_model_has_methods_for_parts():
    """As one does that is written in NumPy."""

    class Plain(Compiled):
        def __init__(self):
            self.optimizer, self.loss_function = "Adam", ["no function"]

        def forward(self):
            """Walk forward."""

        def update(self):
            """Move the weights."""

        def scores(self):
            """Score a batch."""

    loop = Plain()

    assert loop.parts() == Parts(
        metric=(Call(loop, "scores"),), optimizer=(Call(loop, "update"),), forward=(Call(loop, "forward"),)
    )


def test_a_stack_of_batches_is_as_many_steps_as_are_in_it(clock, turns):
    """A loop of many steps per call fetches once for all of them."""
    loop = InStacks(clock)

    assert pytest.approx(1e-6 * FETCH / 10) == ablation.pipeline(loop, steps=50, turn=turns)


def test_loops_whose_contract_names_no_parts_are_refused_in_one_sentence(monkeypatch):
    """They are an older commit's, which comes with a contract of its own."""
    ablation.refuse_older_contract()

    monkeypatch.setattr(ablation, "Loop", type("Loop", (), {}))

    with pytest.raises(UnsupportedCell, match="they can be measured, but not broken down"):
        ablation.refuse_older_contract()
