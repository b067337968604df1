"""Where a run tells what it does."""

import sys
from types import SimpleNamespace

import pytest

from bench.runs import console
from bench.runs.progress import Lines, NotebookBar


@pytest.fixture
def notebook(monkeypatch):
    """Have this process look like the kernel of a notebook; return what changes that."""
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=lambda *_, **__: None))
    return shell


def test_a_notebook_gets_a_bar_of_its_own(notebook, make_run):
    """Which is drawn by IPython, if that is imported, and never imports it."""
    assert notebook.kernel

    here = console.console_here()

    assert isinstance(here.display(make_run(rounds=1).header.plan, done=0), NotebookBar)


def test_elsewhere_it_is_a_terminal_or_a_log(notebook, make_run, monkeypatch):
    """IPython in a terminal has no kernel; most programs have no IPython."""
    notebook.kernel = None
    assert type(console.console_here()) is console.Terminal
    monkeypatch.delitem(sys.modules, "IPython")

    here = console.console_here()

    assert type(here) is console.Terminal
    assert isinstance(here.display(make_run(rounds=1).header.plan, done=0), Lines)


def test_notices_go_to_stderr_as_they_are(capfd):
    """No markup, no wrapping, no colours of rich."""
    console.console_here().notice("warning: [bold]x[/bold] " + "long " * 60)

    out, err = capfd.readouterr()
    assert ("", 1) == (out, err.count("\n"))
    assert "[bold]x[/bold]" in err
