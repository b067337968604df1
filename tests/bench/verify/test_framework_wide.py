"""Whose a difference is: the loop's or its framework's."""

from bench.records.verification import Gap, Verification
from bench.verify.framework_wide import attributed, known_cause, missing_controls

BACKENDS = {"tf-fit-stock": "tensorflow", "tf-eager": "tensorflow", "tf-function": "tensorflow", "jax-jit": "jax"}


def found(loop, *, weights=0.0, loss=1.0, problem=None, reference="torch"):
    """Return what was found of a loop whose weights differ by so much."""
    gaps = (Gap(what="loss, 2 steps", largest=0.0, allowed=1e-5), Gap(what="weights", largest=weights, allowed=1e-3))
    return Verification(
        loop=loop,
        workload="mine",
        device="cpu",
        formula="adam",
        gaps=() if problem else gaps,
        losses=(2.0, loss),
        problem=problem,
        reference=reference,
    )


def judge(*verifications):
    """Return which loops passed."""
    judged = attributed(verifications, backends=BACKENDS, looking_rows_up={"mine"})
    return {one.loop: (one.passed, one.framework_wide) for one in judged}


def test_what_fit_shows_as_well_is_the_frameworks():
    """It is marked and no fault, of `fit()` as little as of the loop."""
    judged = judge(found("tf-fit-stock", weights=0.5), found("tf-eager", weights=0.6))

    assert {"tf-fit-stock": (True, True), "tf-eager": (True, True)} == judged


def test_what_one_loop_shows_alone_is_its_own():
    """`fit()` does what the reference does."""
    judged = judge(found("tf-fit-stock"), found("tf-eager", weights=0.6), found("tf-function"))

    assert {"tf-fit-stock": (True, False), "tf-eager": (False, False), "tf-function": (True, False)} == judged


def test_what_fit_shows_alone_is_its_own():
    """Our loop around `fit()` may be wrong too."""
    judged = judge(found("tf-fit-stock", weights=0.5), found("tf-eager"), found("tf-function"))

    assert (False, False) == judged["tf-fit-stock"]


def test_a_larger_difference_is_not_hidden_behind_the_frameworks():
    """Nor one that leads the training elsewhere."""
    judged = judge(
        found("tf-fit-stock", weights=0.1), found("tf-eager", weights=0.9), found("tf-function", weights=0.1, loss=1.5)
    )

    assert [(False, False), (False, False)] == [judged["tf-eager"], judged["tf-function"]]


def test_another_framework_is_no_witness():
    """JAX does not excuse TensorFlow, and what raised says nothing."""
    judged = judge(
        found("jax-jit", weights=0.5), found("tf-eager", weights=0.5), found("tf-fit-stock", problem="raised: x")
    )

    assert [False, False] == [judged[loop][0] for loop in ("jax-jit", "tf-eager")]


def test_a_control_is_asked_for_before_a_loop_is_blamed():
    """Once, and only where something differs."""
    verifications = [found("tf-eager", weights=0.5), found("tf-function", weights=0.5), found("jax-jit")]

    missing = missing_controls(verifications, backends=BACKENDS)

    assert [("tf-fit-stock", "tf-eager")] == [(control, one.loop) for control, one in missing]


def test_the_cause_is_named_where_it_is_known():
    """Rows that are looked up several times, on TensorFlow."""
    assert "several times" in known_cause("tensorflow", looks_rows_up=True)
    assert "not known" in known_cause("torch", looks_rows_up=True)


def test_the_remark_names_size_reference_and_cause():
    """One sentence for table and page."""
    judged = attributed(
        [found("tf-fit-stock", weights=0.5), found("tf-eager", weights=0.5)],
        backends=BACKENDS,
        looking_rows_up={"mine"},
    )

    assert (judged[1].remark or "").startswith(
        "weights differ by 0.5 from float64 on torch, as under fit(): on TensorFlow"
    )
