"""The notebook of the examples, executed in a real kernel from its first cell to its last."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parent.parent.parent / "examples" / "measure_a_model.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_shows_table_and_plot(session, monkeypatch):
    """A model in memory, measured by two loops; what it shows is safe to keep."""
    monkeypatch.setenv("BENCH_CACHE_DIR", session.environment["BENCH_CACHE_DIR"])
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": session.folder}}).execute()

    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    shown = [output for output in outputs if output.output_type == "execute_result"]
    page = shown[0]["data"]["text/html"]
    assert "torch-native" in page
    assert "<script" not in page
    assert any("image/png" in one["data"] for one in shown)
    assert (session.folder / "report" / "index.html").exists()


def test_the_notebook_is_stored_without_what_it_printed():
    """Numbers of somebody's machine belong nowhere but in results."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells

    assert [] == [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
