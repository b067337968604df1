"""Many runs of one machine: since when is a loop slower, by how much, and how sure is that?"""

FOLDER, RUNS = "history", "runs.html"
"""Where pages go, among those of runs: the folder, and in it the list of all runs beside the histories."""
