"""The report on a terminal."""

import io
import re

import pytest
from rich.console import Console

from bench.report import terminal
from bench.report.model import build


def shown(report, *, width=80, **options):
    """Return what a terminal of this width shows."""
    return terminal.to_text(report, console=Console(file=io.StringIO(), width=width, **options))


def test_eighty_columns_show_the_whole_answer(report):
    """Verdict, table, trust: every line as it is printed."""
    assert shown(report).splitlines() == [
        "tf-function is the fastest loop: 21.7x faster than tf-eager (0.382 vs 8.28 ms",
        "per step; 95 % interval 20.7 to 22.7).",
        "",
        "                                      95 %           ms/ samples  first   val.",
        "#  loop         verdict  speed-up     interval      step      /s step s metric",
        "1  tf-function  ▲ faster 21.7x faster 20.7 to 22.7 0.382  84,000  0.620  0.957",
        "2= tf-fit       ▲ faster 11.6x faster 11.2 to 11.9 0.715  44,700   1.10  0.957",
        "2= torch-native ▲ faster 10.9x faster 10.5 to 11.3 0.762  42,000 0.0210  0.957",
        "4  torch-keras  ▲ faster 8.13x faster 7.88 to 8.38  1.02  31,400 0.0340  0.957",
        "5  tf-eager     baseline n/a          n/a           8.28   3,870 0.0450  0.957",
        "",
        "For under 74 steps use tf-eager, beyond 74 use tf-function, start-up (import,",
        "build, compile) included. What the convenience of fit() costs per step at this",
        "size: against tf-function, the fastest hand-written TensorFlow loop, tf-fit",
        "takes 87 % more (95 % interval 75 % to 101 %).",
        "",
        "Order: certain for 4 of 4. Size: within ± 4.6 %. Complete: 30 of 30 processes, 6",
        "of 6 rounds, no warnings.",
    ]


@pytest.mark.parametrize(
    ("width", "header"),
    [
        (40, "#  loop         verdict  speed-up"),
        (50, "#  loop         verdict  speed-up      step"),
        (64, "#  loop         verdict  speed-up     interval      step"),
    ],
)
def test_a_narrow_terminal_shows_fewer_columns(report, width, header):
    """Loop, verdict and speed stay; no row is wrapped."""
    lines = shown(report, width=width).splitlines()

    assert header in lines
    assert max(len(line) for line in lines) <= width
    assert 1 == len([line for line in lines if "tf-fit" in line and "11.6x faster" in line])


def test_failures_and_warnings_stand_below_the_table(make_run, make_failure):
    """Why a loop is not ranked, and what lowers trust."""
    lines = shown(build(make_run(failures={"tf-fit": make_failure()})), width=120).splitlines()

    assert "  ✖ tf-fit: 6 of 6 processes failed: raised in measure: ValueError: shapes do not match" in lines
    assert "! Failed and not ranked: tf-fit. The reason stands with each; `journal.jsonl` has the tracebacks." in lines


def test_groups_have_a_table_each(make_run, make_cell):
    """Each under its name."""
    cells = [make_cell(loop, batch_size=size) for size in (32, 512) for loop in ("tf-eager", "tf-function")]

    lines = shown(build(make_run(cells=cells))).splitlines()

    assert "mnist-mlp, CPU, batch 32:" in lines
    assert "mnist-mlp, CPU, batch 512:" in lines


def test_long_and_hostile_names_keep_the_table_in_shape(make_run):
    """Markup is printed, not interpreted; what is too long is folded, and none of it lost."""
    text = shown(build(make_run(steps={"base": 8e-3, "[bold]x": 4e-3, "n" * 200: 2e-3}, rounds=2)))

    assert "[bold]x" in text
    folded = "".join(re.findall(r"n{5,}", re.split(r"# +loop", text)[1].partition("Order:")[0]))
    assert folded.startswith("n" * 200)


def test_sides_of_a_loop_are_told_apart_at_eighty_columns(make_run):
    """Names are never cut: both rows would read alike. Other columns give way."""
    text = shown(build(make_run(steps={"torch-plain-fused [base]": 8e-3, "torch-plain-fused [head]": 4e-3})))

    rows = [line for line in text.splitlines() if "torch-plain-fused [" in line and ("faster" in line or "n/a" in line)]
    assert {"[base]", "[head]"} == {row.split()[2] for row in rows if row[0].isdigit()}
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_terminal_that_says_it_has_no_columns_has_eighty(report, monkeypatch):
    """Some jobs of CI set COLUMNS=0."""
    monkeypatch.setenv("COLUMNS", "0")

    text = terminal.to_text(report)

    assert any("samples" in line for line in text.splitlines())


def test_colours_are_for_terminals(report, monkeypatch):
    """A file gets plain text, and so does whoever asks for no colour."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = shown(report, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    refused = shown(report, force_terminal=True, color_system="standard")

    assert "\x1b[34m" in coloured
    assert "\x1b[34m" not in refused
    assert "\x1b" not in shown(report)


def test_a_terminal_without_unicode_gets_ascii(report):
    """Glyphs become signs; nothing fails to print."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    text = terminal.to_text(report, console=Console(file=file, width=80))

    assert text.isascii()
    assert "1  tf-function  + faster 21.7x faster" in text
    assert "Size: within ~ 4.6 %." in text


def test_what_to_type_stands_below_the_answer_and_the_name_where_there_is_room(named_report):
    """At 80 columns the sentence has to do."""
    narrow, wide = (terminal.to_text(named_report, console=Console(width=width)) for width in (80, 140))

    assert "copy `step`." in " ".join(narrow.splitlines()[2:6])
    assert "what it is" not in narrow
    assert "what it is" in wide
    assert "0.957 a step under tf.function" in wide
