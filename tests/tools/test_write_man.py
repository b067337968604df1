"""The manual pages."""

import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool():
    """Return the tool as a module."""
    pytest.importorskip("click_man")
    spec = spec_from_file_location("write_man", ROOT / "tools" / "write_man.py")
    module = module_from_spec(spec)
    sys.modules["write_man"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("tool")
def test_the_pages_say_what_help_says():
    """`python tools/write_man.py` writes them again; in a process of its own, for click keeps what it was asked."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "write_man.py"), "--check"], capture_output=True, text=True, check=False
    )

    assert (0, "nothing differs\n") == (done.returncode, done.stdout), done.stderr
    assert {"bench.1", "bench-run.1", "bench-runs-merge.1"} <= {path.name for path in (ROOT / "man").iterdir()}


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_troff_reads_them_without_a_warning():
    """A line that begins with a quote or a dot would be a command of its own."""
    pages = sorted(str(path) for path in (ROOT / "man").iterdir())

    done = subprocess.run(["groff", "-man", "-z", "-ww", "-Kutf8", *pages], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


def test_a_line_that_begins_with_a_quote_is_text(tool):
    """And examples stay one below the other."""
    head, described = '.TH "BENCH X" "1" "2026-01-01" "0" "x"', "'bench new' is\n.PP\n\nExamples:\n  a\n  b"
    page = f"{head}\n.SH DESCRIPTION\n{described}\n.SH OPTIONS\n"

    assert [".SH DESCRIPTION", r"\&'bench new' is", ".PP", "Examples:", ".nf", "  a", "  b", ".fi", ".SH OPTIONS"] == (
        tool.mended(page).splitlines()[1:]
    )
