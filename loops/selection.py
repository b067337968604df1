"""Which loops are meant, wherever loops are taken: names, files, "all", and patterns such as "tf-*".

A pattern is one of `fnmatch`, over the registered names: "tf-*", "*-compile", "jax-[fj]*". It is read here and nowhere
else, so that it means the same to every command.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher
from fnmatch import fnmatchcase

from loops import registry
from loops.errors import NothingLeft, NothingMatches, UnknownName
from loops.user_file import SUFFIX

WILDCARDS = frozenset("*?[")
_NEAR_ONES = 3
_NEAR = 0.5
"""Share of a pattern's letters that are found in a name in their order."""

WORTH_TRYING = {
    "tensorflow": ("tf-fit-stock", "tf-fit-steps", "tf-function", "tf-function-xla", "tf-function-epoch"),
    "torch": ("torch-fit-stock", "torch-native", "torch-keras", "torch-native-compile", "torch-fit-compile"),
    "jax": ("jax-fit-stock", "jax-jit", "jax-scan"),
    "numpy": ("numpy-cpp",),
}
"""Framework -> loops that train the same Keras model another way, from less to more of a change: what somebody who asks
where the time goes may change to."""


def is_pattern(asked: str) -> bool:
    """Whether a name stands for all that look like it; a path of a file may have such characters, too."""
    return not WILDCARDS.isdisjoint(asked) and not asked.endswith(SUFFIX)


def stands_for_several(asked: str) -> bool:
    """Whether nobody has written down which loops are meant: then those that cannot train a workload are no news."""
    return asked == registry.EVERY or is_pattern(asked)


def meant(asked: str) -> tuple[str, ...]:
    """Return the loops that one word stands for; a file is registered, and a name need not be known here.

    Raises:
        NothingMatches: If a pattern fits no name.
        loops.errors.InvalidSource: If a file cannot be used.
    """
    if asked == registry.EVERY:
        return tuple(registry.loop_names())
    if not is_pattern(asked):
        return (registry.named("loop", asked),)
    found = tuple(name for name in registry.loop_names() if fnmatchcase(name, asked))
    if not found:
        raise NothingMatches(asked, near=_near(asked))
    return found


def chosen(asked: Iterable[str], *, without: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the loops that words stand for, each once, in the order in which they were asked for.

    Args:
        asked: Names, files, "all" or patterns.
        without: Likewise; these are left out, whether they were asked for or not.

    Raises:
        UnknownName: If one that is to be left out is neither registered nor asked for.
        NothingLeft: If all of them are left out.
        NothingMatches: If a pattern fits no name.
        loops.errors.InvalidSource: If a file cannot be used.
    """
    wanted = tuple(dict.fromkeys(name for word in asked for name in meant(word)))
    without = tuple(without)
    gone = left_out(without)
    for name in gone.difference(registry.loop_names(), wanted):
        raise UnknownName("loop", name, known=registry.loop_names())
    kept = tuple(name for name in wanted if name not in gone)
    if wanted and not kept:
        raise NothingLeft(f"no loop is left: {', '.join(without)} leaves out {', '.join(wanted)}")
    return kept


def left_out(without: Iterable[str]) -> frozenset[str]:
    """Return the loops that words stand for by which some are left out.

    Raises:
        NothingMatches: If a pattern fits no name.
        loops.errors.InvalidSource: If a file cannot be used.
    """
    return frozenset(name for word in without for name in meant(word))


def _near(pattern: str) -> list[str]:
    """Return the names that have most of a pattern's letters, best first."""
    letters = "".join(character for character in pattern if character not in "*?[]!")

    def share(name: str) -> float:
        blocks = SequenceMatcher(None, letters, name, autojunk=False).get_matching_blocks()
        return sum(block.size for block in blocks) / max(len(letters), 1)

    near = [name for name in registry.loop_names() if share(name) >= _NEAR]
    return sorted(near, key=share, reverse=True)[:_NEAR_ONES]
