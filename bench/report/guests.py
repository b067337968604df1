"""What is said of processes that hold another framework beside their own."""

from bench.records.stored_run import Run
from bench.report import wording

_NAMES = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}


def notices(run: Run) -> list[str]:
    """Return one sentence for each framework that was a guest, with the loops whose processes it was in."""
    loops: dict[str, list[str]] = {}
    for trial in run.trials:
        for guest in trial.guests:
            loops.setdefault(guest, []).append(wording.display_name(trial.cell.loop))
    return [
        f"{_NAMES.get(guest, guest)} is in the processes of {wording.listing(list(dict.fromkeys(names)))} as well, "
        f"imported there by a file or a package of this run: its threads and its memory are beside theirs. Keras' "
        f"`keras.ops`, or an import within the function that needs it, leaves each framework alone."
        for guest, names in loops.items()
    ]
