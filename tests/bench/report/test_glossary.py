"""Hard words of a page."""

import re
from pathlib import Path

import pytest

from bench.report import glossary, page
from bench.report.glossary import PLACE, linked

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "glossary.md"


def test_a_word_is_linked_where_it_stands_first_and_explained_at_the_end():
    """Once, in the number and case in which it was written."""
    text = linked(f"<p>Noise and Rounds.</p><p>noise, rounds</p>{PLACE}")

    assert text.startswith(
        '<p><a class="word" href="#word-noise">Noise</a> and <a class="word" href="#word-round">Rounds</a>.</p>'
        "<p>noise, rounds</p>"
    )
    assert '<dt id="word-noise">noise</dt><dd>what identical loops differ by' in text
    assert "word-margin" not in text


@pytest.mark.parametrize("around", ["a", "code", "pre", "svg", "summary", "h2", "script"])
def test_what_is_no_sentence_is_left_alone(around):
    """Nor is a link put into a link, or into what opens at a click."""
    text = linked(f"<p><{around}>noise</{around}> noise</p>{PLACE}")

    assert text.startswith(f'<p><{around}>noise</{around}> <a class="word" href="#word-noise">noise</a></p>')


@pytest.mark.parametrize("name", ["my-noise-loop", "noise_of", "surrounds", "blocked"])
def test_part_of_a_name_is_no_word(name):
    """Names of loops may hold anything."""
    assert f"<p>{name}</p>" == linked(f"<p>{name}</p>{PLACE}")


def test_the_longer_word_wins():
    """Of which another one may be a part."""
    assert 'href="#word-least-step">least step</a>' in linked(f"<li>least step</li>{PLACE}")


def test_attributes_comments_and_cells_are_left_alone():
    """A word in the name of something is no sentence."""
    text = '<p title="noise"><!-- noise --></p><td>noise</td>'

    assert text == linked(text + str(PLACE))


def test_a_page_that_wants_no_list_stays_as_it_is():
    """Links to nowhere are worse than none."""
    assert "<p>noise</p>" == linked("<p>noise</p>")


def test_the_page_of_a_run_links_each_word_once_to_a_meaning_that_is_there(report):
    """And no list holds a word that the page has not."""
    text = page.to_html(report, plots=[()], scaling=[], pictures=[()])

    links = re.findall(r'href="#(word-[^"]*)"', text)
    meanings = re.findall(r'<dt id="(word-[^"]*)"', text)
    assert links
    assert sorted(links) == sorted(set(links)) == sorted(meanings)


def test_the_glossary_has_every_word():
    """One document for all of them."""
    words = set(re.findall(r"^\| ([^|]+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))

    assert set(glossary.WORDS) <= {word.strip("` ") for cell in words for word in cell.split(",")}
