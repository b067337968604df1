"""Journals as somebody else may hand them over: one value of a good one exchanged, from a seed.

Shared by the short form in the default suite and the long one of `make test-faults`.
"""

import json
from random import Random

NUMBERS = (0, -1, -3, 1, 2, 1e-300, 5e-324, 1e-9, 1e308, -1e308, 2**31, 2**53, 2**63, 2**64, 10**400, 0.5, -0.0, 1e9)
TEXTS = (
    *("", " ", "x" * 200_000, "\x1b[2J\x1b]0;title\x07", "\u202egnp", "a|b<b>&amp;", "=1+1", "../../etc", "tf-eager"),
    *("\n", "\r", "\x00", "nan", "1", "cpu", "matched", "é" * 5000, "日本", "again", "calibration"),
)
OTHERS = (None, True, False, [], {}, [[]], [None], {"": ""}, [{}], "text", 1)
RAW = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000, '"\\ud800"', "[" * 3000 + "]" * 3000),
    *('{"a":' * 3000 + "1" + "}" * 3000, '"\\u0000"', "tru", "", "01", "0x10", "'a'"),
)
_MARK = "\ue000raw\ue000"


def places(node, way=()):
    """Yield the way to every value in what JSON holds, those that hold others included."""
    yield way
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*way, key))


def forge(content: bytes, *, dice: Random) -> tuple[bytes, str]:
    """Return a journal with one thing wrong, or two, and what it is in words."""
    kinds = (_value, _value, _value, _value, _everywhere, _everywhere, _everywhere, _missing, _line, _bytes)
    told = []
    for _ in range(dice.choice((1, 1, 1, 2))):
        content, what = dice.choice(kinds)(content, dice)
        told.append(what)
    return content, "; ".join(told)


def _value(content: bytes, dice: Random) -> tuple[bytes, str]:
    """Exchange a value."""
    lines = content.split(b"\n")
    number = dice.randrange(max(1, len(lines) - 1))
    entry = _read(lines[number])
    if entry is None:
        return _bytes(content, dice)
    # A kind of field first, then one of those: blocks are many and would take all.
    ways = list(places(entry))
    names = sorted({tuple(part for part in way if isinstance(part, str)) for way in ways})
    name = dice.choice(names)
    way = dice.choice([way for way in ways if tuple(part for part in way if isinstance(part, str)) == name])
    raw = None
    new = dice.choice((NUMBERS, NUMBERS, TEXTS, OTHERS, (_MARK,)))
    value = dice.choice(new)
    if value == _MARK:
        raw = dice.choice(RAW)
    if not way:
        entry = value
    else:
        holder = entry
        for part in way[:-1]:
            holder = holder[part]
        holder[way[-1]] = value
    text = json.dumps(entry, ensure_ascii=False)
    if raw is not None:
        text = text.replace(json.dumps(_MARK, ensure_ascii=False), raw)
    lines[number] = text.encode("utf-8", "surrogatepass")
    return b"\n".join(lines), f"line {number + 1}: {'.'.join(map(str, way))} = {(raw or repr(value))[:60]}"


def _everywhere(content: bytes, dice: Random) -> tuple[bytes, str]:
    """Exchange a number in every line that has it, or in about half of them: extremes agree with one another then."""
    lines = content.split(b"\n")
    entries = [_read(line) for line in lines]
    found = {}
    for number, entry in enumerate(entries):
        for way in places(entry):
            name = tuple(part for part in way if isinstance(part, str))
            holder = entry
            for part in way:
                holder = holder[part]
            if isinstance(holder, int | float) and not isinstance(holder, bool):
                found.setdefault(name, []).append((number, way))
    if not found:
        return _bytes(content, dice)
    name, value, share = dice.choice(sorted(found)), dice.choice((*NUMBERS, 10**12, 1e-7, 1e6)), dice.choice((1.0, 0.5))
    for number, way in found[name]:
        if dice.random() < share:
            holder = entries[number]
            for part in way[:-1]:
                holder = holder[part]
            holder[way[-1]] = value
    changed = [
        line if entry is None else json.dumps(entry).encode() for line, entry in zip(lines, entries, strict=True)
    ]
    return b"\n".join(changed), f"{'.'.join(name)} = {value!r:.60} in {share:.0%} of all places"


def _missing(content: bytes, dice: Random) -> tuple[bytes, str]:
    """Take a value away, or put one more in its list."""
    lines = content.split(b"\n")
    number = dice.randrange(max(1, len(lines) - 1))
    entry = _read(lines[number])
    ways = [way for way in places(entry) if way] if entry is not None else []
    if not ways:
        return _bytes(content, dice)
    way, more = dice.choice(ways), dice.random() < 0.3
    holder = entry
    for part in way[:-1]:
        holder = holder[part]
    if more and isinstance(holder, list):
        holder.append(holder[way[-1]])
    else:
        del holder[way[-1]]
    lines[number] = json.dumps(entry).encode()
    return b"\n".join(lines), f"line {number + 1}: {'.'.join(map(str, way))} {'twice' if more else 'gone'}"


def _line(content: bytes, dice: Random) -> tuple[bytes, str]:
    """Double a line, lose it, move it or join it to the next."""
    lines = content.split(b"\n")
    number, to = dice.randrange(len(lines)), dice.randrange(len(lines))
    what = dice.choice(("double", "lose", "move", "join"))
    if what == "double":
        lines.insert(to, lines[number])
    elif what == "join" and number + 1 < len(lines):
        lines[number : number + 2] = [lines[number] + lines[number + 1]]
    else:
        line = lines.pop(number)
        if what == "move":
            lines.insert(to, line)
    return b"\n".join(lines), f"{what} line {number + 1}, {to + 1}"


def _bytes(content: bytes, dice: Random) -> tuple[bytes, str]:
    """Exchange bytes, line ends or the encoding, or cut."""
    place = dice.randrange(len(content) + 1)
    what = dice.choice(("flip", "cut", "CR", "CRLF", "utf-16", "BOM", "zeros", "insert"))
    changed = {
        "flip": content[:place] + bytes([dice.randrange(256)]) + content[place + 1 :],
        "cut": content[:place],
        "CR": content.replace(b"\n", b"\r", dice.choice((1, 2, -1))),
        "CRLF": content.replace(b"\n", b"\r\n"),
        "utf-16": content.decode("utf-8", "replace").encode("utf-16"),
        "BOM": b"\xef\xbb\xbf" + content,
        "zeros": content[:place] + b"\x00" * 100 + content[place:],
        "insert": content[:place] + dice.randbytes(dice.randrange(1, 9)) + content[place:],
    }
    return changed[what], f"{what} at {place}"


def _read(line: bytes):
    """Return what a line holds; None where it is broken already."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
