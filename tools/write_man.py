"""Write the manual pages in man/ from the commands' own help; a wheel installs them, and `man bench-run` shows one.

    python tools/write_man.py            writes them
    python tools/write_man.py --check    writes nothing; names the pages that differ, exit code 1

click-man writes them; what it gets wrong is mended here.
"""

import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from click_man.core import write_man_pages

from bench import __version__
from bench.cli.main import main as bench

FOLDER = Path(__file__).resolve().parent.parent / "man"
TITLE = re.compile(r'^\.TH "([^"]*)" "1" "[^"]*" "[^"]*" "[^"]*"$')
INDENTED = "  "


def pages() -> dict[str, str]:
    """Return name of the file -> page, for `bench` and each of its commands."""
    with TemporaryDirectory() as folder:
        write_man_pages("bench", bench, version=__version__, target_dir=folder)
        return {path.name: mended(path.read_text()) for path in sorted(Path(folder).iterdir())}


def mended(page: str) -> str:
    """Return a page without a date, with examples line by line, and with text that troff takes for text."""
    head, *rest = page.replace("\b", "").splitlines()
    title = TITLE.sub(rf'.TH "\1" "1" "" "loopbench {__version__}" "loopbench"', head)
    start = rest.index(".SH DESCRIPTION") if ".SH DESCRIPTION" in rest else 0
    end = next((place for place, line in enumerate(rest) if place > start and line.startswith(".SH")), len(rest))
    lines = [title, *rest[:start], *as_typed(rest[start:end]), *rest[end:]]
    return "\n".join(map(text_of, lines)) + "\n"


def as_typed(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines, those that are indented kept apart from one another and from the rest."""
    for is_indented, group in groupby(filter(None, lines), key=lambda line: line.startswith(INDENTED)):
        together = list(group)
        yield from [".nf", *together, ".fi"] if is_indented else together


def text_of(line: str) -> str:
    """Return a line that is no command of troff unless it is one; a quote at its beginning would make it one."""
    return rf"\&{line}" if line.startswith("'") else line


def main() -> None:
    """Write, or compare."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a page differs")
    check = parser.parse_args().check
    wanted = pages()
    there = {path.name: path.read_text() for path in FOLDER.glob("*.1")}
    different = sorted(name for name in wanted | there if wanted.get(name) != there.get(name))
    print("\n".join(different) or "nothing differs")
    if check:
        sys.exit(bool(different))
    FOLDER.mkdir(exist_ok=True)
    for name in different:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name])
        else:
            (FOLDER / name).unlink()


if __name__ == "__main__":
    main()
