"""Keywords of a program as words of the command line: the same options, the same refusals, and nothing left behind."""

import os

import pytest

from bench.cli import called
from bench.errors import UsageError
from loops import registry
from loops.errors import UnknownName


def test_keywords_are_said_as_they_would_be_typed():
    """Flags, numbers, several values, pairs, and what is false unless it is said."""
    words = called.words_of(
        "run",
        loops=["tf-fit", "my_loop.py"],
        options={
            "workload": "my_model.py",
            "batch_size": [32, 256],
            "rounds": 3,
            "quick": False,
            "aa": True,
            "pin": False,
            "verify": False,
            "calibrate": True,
            "exclude": "*-xla",
            "python": {"torch": "/opt/python"},
            "precision": None,
        },
    )

    said = "run --workload my_model.py --batch-size 32,256 --rounds 3 --aa --no-pin --no-verify --calibrate"
    assert [*said.split(), "--exclude", "*-xla", "--python", "torch=/opt/python", "tf-fit", "my_loop.py"] == words


def test_one_loop_needs_no_list_and_sides_stand_before_it():
    """As `bench ab A B LOOP`."""
    assert ["ab", "ref=main", "here", "tf-fit"] == called.words_of(
        "ab", before=("ref=main", "here"), loops="tf-fit", options={}
    )
    assert ["run", "--", "-odd"] == called.words_of("run", loops="-odd", options={})


def test_an_option_that_there_is_not_is_refused_with_the_nearest():
    """A mistyped one must not be passed over."""
    with pytest.raises(UsageError, match=r"bench\.run\(\) has no option 'round'\. Did you mean 'rounds'\?"):
        called.words_of("run", loops=None, options={"round": 3})
    with pytest.raises(UsageError, match=r"bench\.ab\(\) has no option 'resume'\."):
        called.words_of("ab", loops=None, options={"resume": "x"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--rounds", "0"], "'--rounds' / '-n': 0 is not in the range x>=1"),
        (["run", "--quick", "--rigorous"], "--rounds, --quick and --rigorous say the same thing"),
        (["run", "--retry-failed"], "--retry-failed goes with --resume"),
        (["ab", "here"], "'sides' takes 2 values"),
    ],
)
def test_what_the_command_line_refuses_is_raised(words, said):
    """With its sentence, as an error of ours, before anything is measured."""
    with pytest.raises(UsageError, match=said), called.of_a_program():
        called.measured(words)


def test_short_help_is_still_there_after_a_call(bench, monkeypatch):
    """A command that a program called first answers to `-h` as ever."""
    monkeypatch.setattr(called.commands.main.commands["ab"], "_help_option", None)
    with pytest.raises(UsageError), called.of_a_program():
        called.measured(["ab", "here"])

    assert bench("ab", "-h").stdout.startswith("Usage: main ab ")


def test_whatever_happens_files_of_users_are_forgotten_afterwards(monkeypatch):
    """A notebook that measures another file next is not told that its name is taken."""
    monkeypatch.setenv(registry.FILES_VARIABLE, '["before.py"]')

    def use(path):
        assert () == registry.files()
        os.environ[registry.FILES_VARIABLE] = f'["{path}"]'
        raise UnknownName("loop", "x", known=())

    with pytest.raises(UsageError, match="there is no loop 'x'"), called.of_a_program():
        use("during.py")

    assert ("before.py",) == registry.files()


def test_validation_data_are_what_fit_takes():
    """(x, y), (x, y, weights) or nothing; what is none of these is refused."""
    assert called._validation(None) is None
    assert (1, 2, None) == tuple(getattr(called._validation((1, 2)), part) for part in ("inputs", "targets", "weights"))
    assert 3 == called._validation([1, 2, 3]).weights
    with pytest.raises(UsageError, match=r"validation_data is neither \(x, y\)"):
        called._validation((1,))
