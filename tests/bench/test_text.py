"""Short tables of text."""

from bench.text import aligned, piped


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
