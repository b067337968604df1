"""The working tree against a run that is stored, and what is suspected beside the commit that it measured."""

from dataclasses import replace
from pathlib import Path

from bench.errors import BuildFailed, UsageError
from bench.gate import judge, listed, sides, stored
from bench.gate.comparison import Comparison, Measure, Measured, Options, Surroundings, measure_one
from bench.gate.with_sides import side_by_side
from bench.records import journal, loading
from bench.records.stored_run import Run
from bench.report import changes
from bench.runs import options as run_options
from bench.sides import recipe
from loops import registry, selection


def against_stored(options: Options, *, around: Surroundings) -> Comparison:
    """Find the stored run, and return what measures its loops here."""
    measuring, settings = options.measuring, options.settings
    base = loading.load(journal.find(measuring.results, options.baseline))
    around.admit(base, measuring=measuring, environment=around.environment)
    cells = base.header.plan.cells
    registry.register(_files_of(base, around=around))
    known = set(registry.loop_names())
    stored_loops = tuple(dict.fromkeys(cell.loop for cell in cells))
    wanted = measuring.loops or tuple(map(listed.name_of, settings.loops))
    asked = stored_loops if not wanted or registry.EVERY in wanted else wanted
    if not measuring.loops:  # what it had and nobody knows here any more was renamed, or is gone
        asked = tuple(dict.fromkeys((*asked, *(loop for loop in stored_loops if loop not in known))))
    left_out = selection.left_out(measuring.exclude)
    asked = tuple(loop for loop in asked if loop not in left_out)
    # A loop that the stored run has and this tree has not cannot be measured; the comparison says that it is gone.
    here = tuple(loop for loop in asked if loop in known or loop not in stored_loops)
    gone = (
        listed.gone(loop, workload=cells[0].workload, budget=settings.budget(loop), reason="in the stored run only")
        for loop in asked
        if loop not in here
    )

    earlier: list[Run] = []

    def measure(these: run_options.Options, suspects: tuple[str, ...] = ()) -> Measured:
        if suspects and (anew := _anew(base, earlier[0], suspects=suspects, options=options, around=around)):
            return anew(these)
        resume = None if suspects else options.resume
        run, folder = measure_one(replace(these, loops=suspects or here), around=around, resume=resume)
        earlier.append(run)
        kept = tuple(cell for cell in cells if cell.loop in (suspects or here))
        only = replace(base, header=replace(base.header, plan=replace(base.header.plan, cells=kept)))
        compared = [one.header.run_id for one in (base, *earlier)]
        apart = changes.sessions_beside(run, results=measuring.results, but=compared)
        return judge.of_stored(only, run, settings=settings, apart=apart), (run, folder)

    if settings.anchor is not None:
        around.console.notice(sides.ANCHOR_LEFT_OUT.format(settings.anchor))
    return Comparison(
        measure=measure if here else None,
        in_fresh_rounds=True,
        base=f"run {base.header.run_id}",
        head="this working tree",
        removed=tuple(gone),
    )


def _anew(base: Run, head: Run, *, suspects: tuple[str, ...], options: Options, around: Surroundings) -> Measure | None:
    """Return what measures the commit of a stored run beside the working tree; None, and why, where that cannot be."""
    why_not = stored.why_not_anew(base, head)
    beside = None
    if why_not is None:
        wanted = replace(
            options,
            base=f"ref={base.header.environment[stored.COMMIT]}",
            head=recipe.UNCHANGED,
            from_merge_base=False,
            resume=None,
            settings=replace(options.settings, anchor=None, anchor_budget=None),
            measuring=replace(options.measuring, loops=suspects),
        )
        try:
            beside = side_by_side(wanted, around=around).measure
        except (UsageError, BuildFailed) as error:
            why_not = str(error)
    if why_not is not None:
        around.console.notice(f"the commit of run {base.header.run_id} is not measured anew: {why_not}")
    return beside


def _files_of(base: Run, *, around: Surroundings) -> list[str]:
    """Return the files of loops and workloads that a baseline names and that are run: those of this project only."""
    there = [path for path in base.header.plan.files_here if Path(path).exists()]
    own = [path for path in there if Path(path).resolve().is_relative_to(around.folder.resolve())]
    for path in there:
        if path in own:
            around.console.notice(f"the baseline names {path}, which is run as it is here")
        else:
            around.console.notice(
                f"warning: the baseline names {path}, which lies outside {around.folder} and is not run"
            )
    return own
