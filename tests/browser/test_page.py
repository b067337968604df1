"""The report in a real Chromium: offline, without scripts, from phone to desktop, in light and dark.

Run with ``-m browser``. Needs Playwright for Python and a Chromium; skipped with the reason where one is missing.
"""

import importlib.util
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench import report as reporting
from bench.records.loading import load
from bench.records.stored_run import Run
from bench.records.words import LoopWords

pytestmark = pytest.mark.browser

WIDTHS = (320, 360, 768, 1280)
SCHEMES = ("light", "dark")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EVERY_RULE = {"rules": {"target-size": {"enabled": True}}}
"""What axe-core finds by itself, and the size of targets, which it looks at only when asked."""
BACKGROUNDS = {"light": "rgb(254, 254, 254)", "dark": "rgb(20, 24, 29)"}

SMALLEST_TEXT = """() => {
    const sizes = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (!node.data.trim() || !element.getClientRects().length) continue;
        let scale = 1;
        const picture = element.closest('svg');
        if (picture) scale = picture.getBoundingClientRect().width / picture.viewBox.baseVal.width;
        sizes.push([parseFloat(getComputedStyle(element).fontSize) * scale, node.data.trim()]);
    }
    return sizes.sort((a, b) => a[0] - b[0])[0];
}"""

CONTRAST = """() => {
    const channels = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).map((value) => {
        const part = Number(value) / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    const light = (colour) => {
        const [red, green, blue] = channels(colour);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$|transparent/.test(colour)) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const found = [];
    for (const element of document.querySelectorAll('p, li, th, td, h1, h2, h3, h4, code, a, figcaption, svg text')) {
        if (!element.getClientRects().length) continue;
        const style = getComputedStyle(element);
        const ink = light(element.closest('svg') ? style.fill : style.color), paper = light(behind(element));
        const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        found.push([ratio, element.textContent.slice(0, 40)]);
    }
    return found.sort((a, b) => a[0] - b[0])[0];
}"""

OVERLAPS = """() => {
    const found = [];
    for (const picture of document.querySelectorAll('svg')) {
        if (!picture.getClientRects().length) continue;
        const frame = picture.getBoundingClientRect();
        const texts = [...picture.querySelectorAll('text')];
        const boxes = texts.map((text) => [text.getBoundingClientRect(), text.textContent]);
        boxes.forEach(([a, first], i) => {
            if (a.left < frame.left - 1 || a.right > frame.right + 1) found.push(first + ' is cut');
            for (const [b, second] of boxes.slice(i + 1)) {
                const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (across > 1 && down > 4) found.push(first + ' lies on ' + second);
            }
        });
    }
    return found;
}"""


@pytest.fixture(scope="module")
def factories():
    """Return the factories of `tests/bench/conftest.py`, which pytest shares with that folder only."""
    path = Path(__file__).parents[1] / "bench" / "conftest.py"
    specification = importlib.util.spec_from_file_location("bench_factories", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def runs(factories) -> dict[str, Run]:
    """Return the runs whose pages are looked at: the ordinary one, and one with every kind of trouble."""
    steps = factories.STEP_SECONDS | {
        "tf-fit-again": 0.7e-3,
        'a|b<script>&"': 0.9e-3,
        "m" * 200: 0.6e-3,
        "🚀 rocket": 0.5e-3,
        "שלום עולם": 0.8e-3,
    }
    trouble = factories._run(
        steps=steps,
        noise=0.05,
        baseline="tf-fit",
        finished_rounds=4,
        failures={"torch-keras": factories._failure(message="x" * 400)},
        failed_rounds=[2],
        warnings=("load 1.8 on 2 cores",),
    )
    published = load(Path(__file__).parents[2] / "results" / "reference" / "default")
    words = ("tf-function", "a step under tf.function"), ("tf-eager", "a GradientTape step op by op")
    named = tuple(
        LoopWords(
            loop=loop, workload="mnist-mlp", title=title, change=f"copy `train_step` from loops/variants/{loop}.py"
        )
        for loop, title in words
    )
    synthetic = replace(published.header.dataset, name="synthetic", fallback="MNIST was not found" + " anywhere" * 20)
    published = replace(published, header=replace(published.header, loops=named, dataset=synthetic))
    cells = [factories._cell(loop, batch_size=size) for size in (32, 512) for loop in factories.STEP_SECONDS]
    return {
        "ordinary": factories._run(),
        "trouble": trouble,
        "groups": factories._run(cells=cells),
        "published": published,
    }


@pytest.fixture(scope="module")
def pages(runs, tmp_path_factory) -> dict[str, Path]:
    """Return the written page of each run."""
    folder = tmp_path_factory.mktemp("reports")
    return {
        name: reporting.write(run, folder=folder / name, results_folder=folder / "none") for name, run in runs.items()
    }


@pytest.fixture(scope="module")
def browser():
    """Return a running Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    names = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome")
    executable = os.environ.get("BENCH_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, pages):
    """Return a function that opens a page offline, and fails afterwards if anything was asked for or complained of."""
    contexts, requests, complaints = [], [], []

    def visit(name, *, width=1280, height=800, scheme="light", scripts=True, opened=True):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=scripts,
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(pages[name].as_uri())
        if opened and scripts:
            page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for summary in page.locator("summary").all() if opened and not scripts else ():
            summary.click()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [] == [url for url in requests if not url.startswith("file:")]
    assert [] == complaints


@pytest.mark.parametrize("name", ["ordinary", "trouble", "groups"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_every_width_in_both_schemes(visit, name, width, scheme):
    """No sideways scrolling, no text below 14 px, contrast of at least 4.5, the background of the scheme."""
    page = visit(name, width=width, scheme=scheme)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.documentElement.clientWidth") == width
    size, text = page.evaluate(SMALLEST_TEXT)
    assert size >= 14.0, text
    ratio, text = page.evaluate(CONTRAST)
    assert ratio >= 4.5, text
    assert BACKGROUNDS[scheme] == page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize(
    ("width", "scheme", "media"),
    [(320, "light", "screen"), (768, "dark", "screen"), (1280, "light", "screen"), (1280, "light", "print")],
)
def test_axe_finds_nothing_to_complain_of(visit, width, scheme, media):
    """Headings, names, targets, contrast, regions: every rule of axe-core, with what is folded opened."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = visit("groups", width=width, scheme=scheme)
    page.emulate_media(media=media)

    found = axe.Axe().run(page, options=EVERY_RULE)

    assert 0 == found.violations_count, found.generate_report()


@pytest.mark.parametrize("name", ["ordinary", "trouble", "groups"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_label_of_a_plot_lies_on_another_or_is_cut(visit, name, width):
    """Every word of every plot can be read."""
    assert [] == visit(name, width=width).evaluate(OVERLAPS)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_whole_without_scripts(visit, width, scheme):
    """Nothing depends on JavaScript, what is folded included."""
    page = visit("ordinary", width=width, scheme=scheme, scripts=False)

    assert page.locator(".verdict").is_visible()
    assert 5 == page.locator("table").first.locator("tbody tr").count()
    assert 4 == page.locator("svg:visible").count()


@pytest.mark.parametrize("name", ["ordinary", "trouble", "groups"])
def test_the_answer_is_on_the_first_phone_screen(visit, name):
    """Verdict with loop and speed, without scrolling; the counts too where there is one group."""
    page = visit(name, width=360, height=640, opened=False)
    box = page.locator(".verdict").bounding_box()

    assert box["y"] + box["height"] <= 640
    if name == "ordinary":
        trust = page.locator(".trust").bounding_box()
        assert trust["y"] + trust["height"] <= 640


@pytest.mark.parametrize("name", ["ordinary", "published"])
def test_plot_and_advice_are_on_the_first_two_phone_screens(visit, name):
    """Whoever scrolls once knows by how much, and what to use; however many warnings cannot change the order."""
    page = visit(name, width=360, height=640, opened=False)

    for part in (page.locator("figure").first, page.locator(".advice").first):
        box = part.bounding_box()
        assert box["y"] + box["height"] <= 2 * 640


def test_what_is_folded_is_printed(visit):
    """Paper cannot be clicked on."""
    page = visit("ordinary", width=700, opened=False)
    assert not page.get_by_role("cell", name="3,870").is_visible()

    page.emulate_media(media="print")

    assert page.get_by_role("cell", name="3,870").is_visible()


def test_loop_verdict_and_speed_fit_a_phone_side_by_side(visit):
    """The first three columns need no sideways scrolling at 320 px."""
    page = visit("ordinary", width=320)
    boxes = [
        cell.bounding_box() for cell in page.locator("table").first.locator("tbody tr").first.locator("th, td").all()
    ]

    assert boxes[2]["x"] + boxes[2]["width"] <= 320


def test_tables_scroll_by_keyboard_and_keep_their_first_column(visit):
    """A region that scrolls can be focused, and its row names stay in view."""
    page = visit("ordinary", width=320)
    region = page.locator(".scroll").first
    region.focus()

    region.evaluate("element => { element.scrollLeft = 300; }")

    assert region.evaluate("element => element.scrollLeft > 100 && element === document.activeElement")
    name = region.locator("tbody th").first.bounding_box()
    assert region.bounding_box()["x"] == pytest.approx(name["x"], abs=1)


@pytest.mark.parametrize("name", ["ordinary", "trouble", "groups"])
def test_rows_and_plots_agree_with_the_model(visit, pages, name):
    """One row per loop and group, and the same data inside the page as beside it."""
    model = json.loads((pages[name].parent / "report.json").read_text(encoding="utf-8"))
    page = visit(name)

    tables = page.locator("section.group").all()
    shown = [table.locator("table").first.locator("tbody tr").count() for table in tables]
    assert [len(group["rows"]) for group in model["groups"]] == shown
    assert model == json.loads(page.locator("#bench-data").text_content())
    dots = page.locator(".wide svg[aria-label^='Milliseconds'] g:has(use + use) > use").count()
    assert dots == sum(len(cell["process_steps"]) for group in model["groups"] for cell in group["cells"])


def test_assistive_technology_gets_verdict_and_numbers(visit):
    """Plots have names with numbers, tables have headers, nothing is told by colour."""
    snapshot = visit("ordinary").locator("body").aria_snapshot()

    assert "tf-function is the fastest loop: 21.7x faster than tf-eager" in snapshot
    assert 'img "Speed against tf-eager, 95 % interval in brackets: tf-function 21.7x faster' in snapshot
    assert 'columnheader "Verdict"' in snapshot
    assert 'rowheader "1 tf-function"' in snapshot
    assert 'cell "▲ faster"' in snapshot


def test_print_is_light_and_wide(visit):
    """Paper is white, also for those who read in the dark."""
    page = visit("ordinary", width=700, scheme="dark")

    page.emulate_media(media="print")

    assert BACKGROUNDS["light"] == page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.locator(".wide svg").first.is_visible()
