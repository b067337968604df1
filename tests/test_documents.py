"""What the documents say of numbers, and where they point, is true."""

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import msgspec
import pytest

from bench.gate import settings
from bench.gate.result import Outcome

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_BYTES = 7000
LINK = re.compile(r"\]\(([^)\s]+)\)")


def load_writer():
    """Import the plain script."""
    spec = spec_from_file_location("write_docs", ROOT / "tools" / "write_docs.py")
    module = module_from_spec(spec)
    sys.modules["write_docs"] = module
    spec.loader.exec_module(module)
    return module


writer = load_writer()
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def anchors(page):
    """Return what a link into a page may name, as GitHub derives it from headings outside code."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_measured_tables_are_those_of_the_stored_runs():
    """A number nobody can derive is a claim; `python tools/write_docs.py` writes them again."""
    assert [] == writer.differing()


def test_every_table_that_can_be_written_stands_somewhere():
    """A marker that was lost would leave its table to go stale unseen."""
    found = {block["name"] for path in writer.documents() for block in writer.BLOCK.finditer(path.read_text())}

    assert set(writer.TABLES) == found


def test_a_changed_number_is_found():
    """The check must see what it is there for."""
    text = (ROOT / "README.md").read_text()

    changed = re.sub(r"(\d)x faster \|", lambda found: f"{(int(found[1]) + 1) % 10}x faster |", text, count=1)

    assert (True, text) == (changed != text, writer.written(changed))


def test_the_first_page_is_short():
    """Who looks for the first time reads one page."""
    assert len((ROOT / "README.md").read_bytes()) <= MOST_BYTES


@pages
def test_relative_links_lead_somewhere(page):
    """Pages move; a reader should not find out."""
    broken = []
    for link in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert [] == broken


def test_workflows_that_are_shown_are_those_that_can_be_copied():
    """Two copies of a job would part."""
    shown = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "ci.md").read_text(), flags=re.DOTALL)

    assert {path.read_text() for path in (ROOT / "examples" / "workflows").glob("*.yml")} == set(shown)


def test_every_setting_and_outcome_of_a_gate_is_explained():
    """Who writes pyproject.toml, or reads a verdict, looks here."""
    text = (ROOT / "docs" / "ci.md").read_text()
    keys = [field.encode_name for field in msgspec.structs.fields(settings._Gate)]

    assert [] == [word for word in (*keys, *Outcome) if f"`{word}`" not in text and f"\n{word} = " not in text]
