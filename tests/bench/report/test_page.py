"""The HTML page and the Markdown for a pull request."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from bench.report import page, pictures, plots
from bench.report.model import DataFile, build
from bench.text import plain

HOSTILE = {
    "base": 8e-3,
    'a|b<script>&"': 4e-3,
    "</script><!--": 5e-3,
    "n" * 200: 2e-3,
    "🚀 rocket": 1e-3,
    "שלום": 3e-3,
    "`*_[x](y)_*` @all #1 $x$ ~~z~~": 6e-3,
    "two\n| lines": 7e-3,
}
VOID = {"meta", "br", "wbr", "img", "hr", "link"}


class Outline(HTMLParser):
    """Collects text by element and checks that elements are closed in order."""

    def __init__(self):
        """Start with nothing open."""
        super().__init__()
        self.open = []
        self.found = {}

    def handle_starttag(self, tag, attrs):
        """Remember an open element and its text so far."""
        if tag not in VOID:
            self.open.append(tag)
        self.found.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        """Only the innermost element can be closed."""
        assert tag == self.open.pop()

    def handle_data(self, data):
        """Text belongs to all elements around it."""
        for tag in self.open:
            self.found[tag][-1] += data


def html_of(run, *, files=()):
    """Return the page of a run, with links to these files."""
    report = replace(build(run), files=tuple(files))
    drawn = [plots.draw(group, suffix=str(i)) for i, group in enumerate(report.groups, start=1)]
    drew = [pictures.draw(group, suffix=str(i)) for i, group in enumerate(report.groups, start=1)]
    swept = [plots.draw_scaling(sweep, suffix=str(i)) for i, sweep in enumerate(report.scaling, start=1)]
    return page.to_html(report, plots=drawn, scaling=swept, pictures=drew)


def outline(html):
    """Return element -> texts of a page that is well formed."""
    parser = Outline()
    parser.feed(html)
    assert [] == parser.open
    return parser.found


def test_the_page_has_its_sections_in_order(make_run):
    """From the answer to the raw data."""
    found = outline(html_of(make_run()))

    assert ["Training-loop speed: mnist-mlp"] == found["h1"]
    assert [
        "mnist-mlp, CPU, batch 32",
        "What to change",
        "Where this was measured",
        "How to read this page",
        "Cite and reproduce",
        "Data",
    ] == found["h2"]
    assert [
        "Speed against tf-eager",
        "Which loop to use",
        "All loops",
        "Sentence by sentence",
        "All numbers",
        "Start-up and break-even",
        "Did every loop do the same work?",
        "How steady was it?",
        "Memory and processor",
        "Words",
        "Method",
        "Do it again",
    ] == found["h3"]


def test_the_page_needs_no_script_and_no_network(make_run):
    """A strict policy, and nothing that it would have to block."""
    html = html_of(make_run())

    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    assert ["application/json"] == re.findall(r'<script type="([^"]*)"', html)
    assert 1 == html.count("<script")
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:|//)|url\(["']?http|@import""", html)
    assert "font-face" not in html


def test_the_page_embeds_the_model(make_run):
    """Whoever saves the page has the numbers."""
    run = make_run()
    (embedded,) = re.findall(r'id="bench-data">(.*?)</script>', html_of(run), flags=re.DOTALL)

    assert json.loads(page.to_json(build(run))) == json.loads(embedded)


def test_hostile_names_neither_break_the_page_nor_the_data(make_run):
    """Names are text, wherever they stand."""
    run = make_run(steps=HOSTILE, rounds=2)

    html = html_of(run)
    found = outline(html)

    assert 1 == len(found["script"])
    assert "<script>&" not in html
    assert {f"{row.rank} {row.loop}" for row in build(run).groups[0].rows} <= set(found["th"])
    assert json.loads(found["script"][0])["groups"][0]["cells"]


def test_each_group_has_its_own_tables_and_plots(make_run, make_cell):
    """Batch sizes are not mixed, and can be jumped to."""
    cells = [make_cell(loop, batch_size=size) for size in (32, 512) for loop in ("tf-eager", "tf-function")]

    found = outline(html_of(make_run(cells=cells)))

    assert 2 == found["h3"].count("All loops")
    assert 2 * (4 + 4 + 1) == len(found["svg"])  # each wide and narrow; one plot has both sizes
    groups = ["mnist-mlp, CPU, batch 32", "mnist-mlp, CPU, batch 512"]
    assert groups == [name for name in found["a"] if name in groups][:2]


def test_failures_stand_on_the_page_with_their_reason(make_run, make_failure):
    """A greyed row, a warning on top and a reason below."""
    html = html_of(make_run(failures={"tf-fit": make_failure(message="shapes <a> & <b>")}))

    assert '<tr class="unranked">' in html
    assert "<strong>Warning:</strong> Failed and not ranked: tf-fit." in html
    assert "raised in measure: shapes &lt;a&gt; &amp; &lt;b&gt;" in html


def test_a_run_without_trials_has_a_page(make_run):
    """No plots, no empty headings."""
    found = outline(html_of(make_run(finished_rounds=0)))

    assert "svg" not in found


def test_raw_data_files_are_linked(make_run):
    """Each claim can be checked."""
    html = html_of(make_run(), files=[DataFile(name="journal.jsonl", address="../r/journal.jsonl")])

    assert '<a href="../r/journal.jsonl">journal.jsonl</a>' in html
    assert '<a href="speed-up-1.png">speed-up-1.png</a>' in html


@pytest.mark.slow
def test_a_large_page_stays_below_half_a_mebibyte(make_run):
    """Forty loops of two hundred processes."""
    steps = {"base": 9e-3} | {f"loop-number-{i}": (3 + i) * 1e-4 for i in range(39)}

    assert len(html_of(make_run(steps=steps, rounds=200)).encode()) <= 1 << 19


def test_markdown_begins_with_the_answer(report):
    """Title, verdict, counts, trust, scope, table."""
    lines = page.to_markdown(report).splitlines()

    assert lines[:21] == [
        "### Training-loop speed: mnist-mlp",
        "",
        (
            "**tf-function is the fastest loop: 21.7x faster than tf-eager "
            "(0.382 vs 8.28 ms per step; 95 % interval 20.7 to 22.7).**"
        ),
        "",
        "▲ 4 faster · ▼ 0 slower · ≈ 0 same · ? 0 unclear · ✖ 0 failed",
        "",
        "Order: certain for 4 of 4. Size: within ± 4.6 %. Complete: 30 of 30 processes, 6 of 6 rounds, no warnings.",
        "",
        (
            "- No process of tf-eager trained to the end of an epoch (1,562 steps): what an end costs is "
            "not in its step. `--steps 1562` has each process measure one."
        ),
        "- Batch 32 measures dispatch and Python overhead, not compute: larger batches differ less.",
        "- One machine: elsewhere milliseconds differ and ratios may. Measure where you train.",
        "",
        "#### mnist-mlp, CPU, batch 32",
        "",
        "| Rank | Loop | Verdict | Speed-up | 95 % interval | ms/step | Samples/s | First step s |",
        "|--:|:--|:--|:--|:--|--:|--:|--:|",
        "| 1 | tf-function | ▲ faster | 21.7x faster | 20.7 to 22.7 | 0.382 | 84,000 | 0.620 |",
        "| 2= | tf-fit | ▲ faster | 11.6x faster | 11.2 to 11.9 | 0.715 | 44,700 | 1.10 |",
        "| 2= | torch-native | ▲ faster | 10.9x faster | 10.5 to 11.3 | 0.762 | 42,000 | 0.0210 |",
        "| 4 | torch-keras | ▲ faster | 8.13x faster | 7.88 to 8.38 | 1.02 | 31,400 | 0.0340 |",
        "| 5 | tf-eager | baseline | n/a | n/a | 8.28 | 3,870 | 0.0450 |",
    ]


def test_markdown_folds_what_is_not_the_answer(report):
    """Conclusions, further tables and provenance open on demand."""
    text = page.to_markdown(report)

    assert [
        "Conclusions",
        "Start-up, same work, distance from the limit, memory",
        "What to change",
        "Where and how this was measured",
    ] == re.findall(r"<details><summary>(.*?)</summary>", text)
    assert 4 == text.count("</details>")
    assert "    bench run --workload mnist-mlp --rounds 6\n" in text


def test_markdown_tables_have_equally_many_cells_in_each_row(make_run):
    """A pipe in a name does not open a column, a line break no row."""
    text = page.to_markdown(build(make_run(steps=HOSTILE, rounds=2)))
    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)

    assert 6 == len(tables)
    for table in tables:
        assert 1 == len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a|b<script>&"', r'a\|b&lt;script&gt;&amp;"'),
        ("`*_[x](y)_*` @all #1 $x$ ~~z~~", r"\`\*\_\[x\](y)\_\*\` &#64;all \#1 \$x\$ \~\~z\~\~"),
        ("use `--rounds 6`, and `a|b`", r"use `--rounds 6`, and \`a\|b\`"),
        ("two\nlines", "two lines"),
        ("1. first", r"1\. first"),
        ("- item", r"\- item"),
        ("-", r"\-"),
        ("0.382", "0.382"),
        ("-0.5", "-0.5"),
    ],
)
def test_markdown_shows_text_as_it_is(text, expected):
    """Nobody is mentioned, nothing is linked, emphasised or listed by a name."""
    assert expected == plain(text)


def test_long_markdown_is_cut_and_says_how_much(make_run):
    """A comment that is too long would be refused as a whole."""
    steps = {"base": 9e-3} | {f"{'long-name-' * 10}{i}": (3 + i) * 1e-4 for i in range(60)}
    report = build(make_run(steps=steps, rounds=2))

    text = page.to_markdown(report)
    short = page.to_markdown(report, limit=12_000)

    assert len(text) <= page.MARKDOWN_LIMIT
    assert "21 rows cut; the HTML report has them." in text
    assert len(short) <= 12_000
    assert "rows cut" in short


def test_json_has_no_numbers_that_are_none(make_run):
    """A loss that is not a number is null, which every reader understands."""
    report = build(make_run(trial_fields={"tf-fit": {"last_loss": float("nan")}}))

    text = page.to_json(report)

    assert "NaN" not in text
    assert '"last_loss": null' in text


def test_every_rendering_says_what_to_type(named_report):
    """Code as code, in the sentence and in the table."""
    markdown = page.to_markdown(named_report)
    html = page.to_html(named_report, plots=[()], scaling=(), pictures=[()])

    assert "for tf-function (a step under tf.function): copy `step`.\n" in markdown
    assert "| tf-function | a step under tf.function | copy `step` |" in markdown
    assert '<p class="to-type">What to type in place of plain fit(), for tf-function' in html
    assert "<h3>What to type</h3>" in html
    assert '<td class="text">copy <code>step</code></td>' in html
