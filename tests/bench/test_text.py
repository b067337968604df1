"""Short tables of text."""

import re

import pytest

from bench.text import aligned, display_name, is_harmless, lines_of, piped, table, tex, without_formula


def test_columns_are_as_wide_as_their_widest_cell():
    """Two spaces between them, nothing at the end of a line."""
    assert [
        "loop      step",
        "numpy     66 us",
        "tf-eager",
    ] == aligned(["loop", "step"], [["numpy", "66 us"], ["tf-eager", ""]])


def test_a_table_without_rows_is_its_header():
    """Nothing to measure the width by but the names."""
    assert ["loop  step"] == aligned(["loop", "step"], [])
    assert ["| loop | step |", "| --- | --- |"] == piped(["loop", "step"], [])


def test_a_cell_ends_no_cell_and_opens_no_element():
    """Names come from other people's code."""
    assert r"| a\|b | &lt;b&gt; |" == piped(["loop", "step"], [["a|b", "<b>"]])[-1]


def test_columns_stand_one_below_the_other_whatever_the_script():
    """A terminal gives some characters two places and others none; a name is never cut, however long."""
    long = "a-loop-" * 40

    assert [
        "loop      step",
        "日本      1",
        "noe\u0308l      2",
        "\u2068אבג\u2069       3",
        "tf-eager  4",
    ] == aligned(["loop", "step"], [["日本", "1"], ["noe\u0308l", "2"], ["אבג", "3"], ["tf-eager", "4"]])
    assert ["loop", long] == aligned(["loop"], [[long]])


HOSTILE = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eevil\r\nnext\u2028line\ud800"


def test_names_carry_no_escapes_into_a_table():
    """A terminal would obey them: colours, titles, a cleared screen, text that runs backwards."""
    lines = [*aligned([HOSTILE], [[HOSTILE]]), *piped([HOSTILE], [[HOSTILE]]), table([{HOSTILE: HOSTILE}])]

    assert not {character for line in lines for character in line} & set("\x1b\x07\x9b\u202e\r\u2028\ud800")
    assert 2 == len(aligned([HOSTILE], [[HOSTILE]]))


def test_the_header_of_a_markdown_table_is_as_harmless_as_its_cells():
    """The name of a metric stands there."""
    assert r"| a\|b | &lt;b&gt; |" == piped(["a|b", "<b>"], [])[0]


def test_what_is_harmless_stays_as_it_is():
    """So that it may be asked for at every door without harm; right-to-left names are isolated once."""
    for name in ("tf-function", "décor", "日本", "\u2068אבג\u2069"):
        assert name == display_name(display_name(name))


def test_text_of_several_lines_keeps_them():
    """And nothing else that a terminal acts on."""
    assert "one\n    two\ufffd" == lines_of("one\n\ttwo\x1b")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "  =1", "\uff1d1"])
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(text):
    """Names and messages come from other people's code."""
    assert f"'{text}" == without_formula(text)
    assert "tf-eager" == without_formula("tf-eager")


@pytest.mark.parametrize("name", [r"\input{x}", "a_b & 50 % #1 $x$", "~^", "<>|`", '"'])
def test_latex_reads_no_name_as_a_command(name):
    """Each letter that means something to TeX is written in a way that does not."""
    shown = tex(name)

    assert "\\input" not in shown
    assert not re.search(r"(?<!\\)[&%$#_~^]", shown)
    assert shown.count("{") == shown.count("}")


@pytest.mark.parametrize(
    ("shown", "harmless"),
    [
        ("a\nb", True),
        (display_name("\N{HEBREW LETTER ALEF}"), True),
        ("\x1b[31m", False),
        ("a\rb", False),
        ("\N{RIGHT-TO-LEFT OVERRIDE}a", False),
    ],
)
def test_text_is_harmless_where_nothing_would_be_taken_out(shown, harmless):
    """Line breaks, and isolates as names are given, may stay."""
    assert harmless is is_harmless(shown)
