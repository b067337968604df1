"""Small JSON files beside a journal, read as what anybody may have written: bounded, typed, and refused by name."""

from pathlib import Path
from typing import TypeVar

import msgspec

from bench.errors import InvalidResult
from bench.files import explained, open_regular
from bench.records.validation import wrong_values

Record = TypeVar("Record")


def read(path: Path, *, kind: type[Record], largest: int, what: str, way_out: str) -> Record:
    """Return the record in a file.

    Args:
        path: Of the file.
        kind: What it must be; says itself whether unknown fields are refused.
        largest: Bytes that no honest one reaches.
        what: It is, for a sentence: "profile".
        way_out: What to do about one that is wrong.

    Raises:
        InvalidResult: If it is not what it should be; names file and field.
        FileTrouble: If it cannot be read.
    """
    with explained(path, doing="read"), open_regular(path) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise InvalidResult(f"{path}: more than {largest:,} bytes are no {what}; {way_out}")
    try:
        found = msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidResult(f"{path}: {error}; {way_out}") from error
    for wrong in wrong_values(found, at="$"):
        raise InvalidResult(f"{path}: {wrong}; {way_out}")
    return found
