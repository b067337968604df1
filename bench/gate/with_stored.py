"""The working tree against a run that is stored, and what is suspected beside the commit that it measured."""

from dataclasses import replace

from bench.errors import BuildFailed, UsageError
from bench.gate import judge, listed, sides, stored
from bench.gate.as_stored import as_stored, brings_its_own, measured_as
from bench.gate.comparison import Comparison, Measure, Measured, Options, Surroundings, measure_one
from bench.gate.with_sides import side_by_side
from bench.records import journal, loading
from bench.records.stored_run import Run
from bench.report import changes
from bench.runs import options as run_options
from bench.sides import recipe


def against_stored(options: Options, *, around: Surroundings) -> Comparison:
    """Find the stored run, and return what measures its loops here."""
    settings = options.settings
    base = loading.load(journal.find(options.measuring.results, options.baseline))
    wanted = as_stored(
        base, asked=options.measuring, settings=settings, folder=around.folder, tell=around.console.notice
    )
    measuring = measured_as(options.measuring, wanted)
    around.admit(base, measuring=measuring, environment=around.environment)
    gone = (
        listed.gone(
            loop, workload=measuring.workloads[0], budget=settings.budget(loop), reason="in the stored run only"
        )
        for loop in wanted.gone
    )

    earlier: list[Run] = []

    def measure(these: run_options.Options, suspects: tuple[str, ...] = ()) -> Measured:
        these = measured_as(these, wanted)
        if suspects:
            # Another seed, so that nothing about the order of blocks is repeated; but for what is made with it.
            seed = these.seed if brings_its_own(base) else these.seed + 1
            these = replace(these, loops=suspects, seed=seed)
            if anew := _anew(base, earlier[0], options=replace(options, measuring=these), around=around):
                return anew(these)
        resume = None if suspects else options.resume
        run, folder = measure_one(these, around=around, resume=resume)
        earlier.append(run)
        kept = tuple(
            cell for cell in base.header.plan.cells if cell.loop in these.loops and cell.workload in measuring.workloads
        )
        only = replace(base, header=replace(base.header, plan=replace(base.header.plan, cells=kept)))
        compared = [one.header.run_id for one in (base, *earlier)]
        apart = changes.sessions_beside(run, results=measuring.results, but=compared)
        return judge.of_stored(only, run, settings=settings, apart=apart), (run, folder)

    if settings.anchor is not None:
        around.console.notice(sides.ANCHOR_LEFT_OUT.format(settings.anchor))
    return Comparison(
        measure=measure if wanted.loops else None,
        in_fresh_rounds=True,
        base=f"run {base.header.run_id}",
        head="this working tree",
        removed=tuple(gone),
    )


def _anew(base: Run, head: Run, *, options: Options, around: Surroundings) -> Measure | None:
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
        )
        try:
            beside = side_by_side(wanted, around=around).measure
        except (UsageError, BuildFailed) as error:
            why_not = str(error)
    if why_not is not None:
        around.console.notice(f"the commit of run {base.header.run_id} is not measured anew: {why_not}")
    return beside
