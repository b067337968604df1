"""Names of a GPU's kernels as people say them: CUDA gives what a compiler made of a C++ template, 400 characters long.

A general kernel, such as one that applies something to each element, is named with what it applies, which stands deep
in the arguments of its template: "reduce_kernel (sum_functor)".
"""

import re
from collections.abc import Iterator

_GROUP = re.compile(r"\([^(){}]*\)|\{[^(){}]*\}")
"""Parameters, lambdas and "(anonymous namespace)": all that stands in brackets without others inside."""
_PLUMBING = re.compile(
    r"[\d.]+(u?l{0,2})|true|false|void|bool|float|double|half|(unsigned )?(int|char|short|long)( long)?|\w+ const"
    r"|.*[*&]|array|.*Metadata|.*OffsetCalculator|\w+WithCast|.*Params|BFloat16|Half|complex"
)
"""What templates are told of types, sizes and memory, and not of what is computed."""


def kernel_name(name: str) -> str:
    """Return a short name of a kernel; one that is no template, such as "ampere_sgemm_32x32", keeps its name.

    >>> kernel_name("void at::native::reduce_kernel<512, 1, at::native::ArgMaxOps<float> >(int)")
    'reduce_kernel (ArgMaxOps)'
    """
    if "<" not in name and "::" not in name:
        return name
    bare, last = name, ""
    while bare != last:
        last, bare = bare, _GROUP.sub("", bare)
    called, arguments = _split(bare.strip().removeprefix("void "))
    applied = _applied(arguments)
    if not called:
        return name
    return f"{called} ({applied})" if applied else called


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the last name of "a::b<c, d>", "b", and what stands between the outermost angle brackets."""
    path, opened, rest = text.partition("<")
    parts = [part.strip() for part in path.split("::")]
    named = [part for part in parts if part and part.split()[0] != "operator" and part != "const"]
    return (named[-1] if named else ""), tuple(_arguments(rest)) if opened else ()


def _arguments(text: str) -> Iterator[str]:
    """Yield what commas separate up to the bracket that closes."""
    depth, begin = 0, 0
    for place, letter in enumerate(text):
        if depth == 0 and letter in ",>":
            yield text[begin:place].strip()
            begin = place + 1
            if letter == ">":
                return
        depth += (letter == "<") - (letter == ">")


def _applied(arguments: tuple[str, ...]) -> str:
    """Return the innermost name of the last argument that says what is computed, or nothing."""
    for argument in reversed(arguments):
        called, inner = _split(argument)
        if called and not _PLUMBING.fullmatch(argument) and not _PLUMBING.fullmatch(called):
            return _applied(inner) or called
    return ""
