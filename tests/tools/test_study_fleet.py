"""A campaign over machines that are not there, in small."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "study_fleet.py"


def test_a_few_machines_of_which_one_is_killed_lose_nothing(tmp_path):
    """As a thousand do; what it prints is what the documents quote."""
    asked = ["--nodes", "4", "--rounds", "3", "--killed", "1", "--blocks", "2"]

    done = subprocess.run(
        [sys.executable, str(TOOL), str(tmp_path), *asked], capture_output=True, text=True, check=True
    )

    assert "4 machines, 60 trials, 1 machines killed in the middle of a round" in done.stdout
    assert "complete: True; lost: 0; twice: 0;" in done.stdout
    assert (tmp_path / "reports" / "matrix" / "index.html").is_file()
