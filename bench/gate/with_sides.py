"""Base and head as two sides of one run, which is measured until each loop is decided."""

from dataclasses import replace

from bench.analysis import sequential
from bench.errors import UsageError
from bench.gate import growth, identical, judge, listed, sides
from bench.gate.comparison import PATIENCE, Comparison, Measured, Options, Surroundings, measure_one
from bench.gate.result import LoopVerdict
from bench.gate.settings import Settings, is_gone
from bench.records import journal, loading
from bench.runs import options as run_options
from bench.sides import recipe
from loops import registry, selection


def side_by_side(options: Options, *, around: Surroundings) -> Comparison:
    """Make both sides ready, and return what measures them in the same rounds."""
    ready = _prepared(options, around=around)
    asked, settings = options.measuring.loops, options.settings
    loops = asked or tuple(loop for loop in settings.loops if not is_gone(loop))
    removed = () if asked else _removed(options, listed_then=ready.listed)

    def measure(measuring: run_options.Options, _: tuple[str, ...] = ()) -> Measured:
        these = replace(
            measuring,
            sides=ready.all,
            loops=loops,
            looks=sequential.looks_until(options.most_rounds),
            anchor_margin=None if ready.anchor is None else settings.anchor_budget,
        )
        if these.time_budget is None:
            these = replace(these, time_budget=PATIENCE * len(run_options.loops_of(these)))
        run, folder = measure_one(these, around=around, resume=options.resume)
        found = identical.pooled(run, results=measuring.results)
        finding = replace(judge.of_sides(run), identical=found)
        return growth.add(finding, found=growth.find(run, settings=settings)), (run, folder)

    return Comparison(
        # Nothing that is listed is left; without a list, the loops of the guides are meant.
        measure=measure if loops or not settings.loops else None,
        in_fresh_rounds=False,
        base=judge.told(ready.base.description, ready.base.facts),
        head=judge.told(ready.head.description, ready.head.facts),
        removed=removed,
        same=ready.same,
        base_commit=ready.base.facts.get("commit"),
        anchor=ready.anchor,
    )


def _prepared(options: Options, *, around: Surroundings) -> sides.Sides:
    """Make both sides ready, or find them in the run that is to be gone on with."""
    if options.resume is not None:
        found = loading.load(journal.find(options.measuring.results, options.resume)).header.plan.sides
        if len(found) < len(sides.NAMES):
            raise UsageError(
                f"{options.resume} is no run of a gate of two sides; give its --baseline too, if it had one"
            )
        return sides.again(found, settings=options.settings)
    wanted = sides.Wanted(
        base=options.base,
        head=options.head,
        from_merge_base=options.from_merge_base,
        settings=options.settings,
        outputs=options.outputs,
    )
    place = recipe.Place(folder=around.folder, cache=options.measuring.cache, environment=around.environment)
    return sides.prepare(wanted, place=place, tell=around.console.notice)


def _removed(options: Options, *, listed_then: Settings | None) -> tuple[LoopVerdict, ...]:
    """Return the loops that the base lists and the head has no more.

    Raises:
        InvalidSource: If the head lists a file that is not there, and the base knew nothing of it.
    """
    settings = options.settings
    workload = (*options.measuring.workloads, run_options.DEFAULT_WORKLOAD)[0]
    left_out = selection.left_out(options.measuring.exclude)
    missing = listed.unique(listed.deleted(settings, base=listed_then, workload=workload))
    for loop in filter(is_gone, settings.loops):
        if listed.name_of(loop) not in {row.loop for row in missing}:
            registry.named("loop", loop)
    renamed = () if listed_then is None else listed.removed(listed_then, head=settings, workload=workload)
    return listed.unique(row for row in (*missing, *renamed) if row.loop not in left_out)
