"""What half as many blocks would have cost stored runs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_published_runs_have_an_answer():
    """A line for each setting, and the typical one."""
    run = str(ROOT / "results" / "reference" / "compute")

    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "fewer_blocks.py"), run], capture_output=True, text=True, check=True
    )

    *settings, typical = done.stdout.splitlines()
    assert 6 == len(settings)
    assert typical.startswith("typical: +")
