"""Which machines of a cluster measure: a pure function from what they are to a plan of work.

What is placed is a whole run: loops are compared within a round, so all its rounds need one machine.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bench.errors import UsageError

ONE_OF_EACH_KIND, ALL = "one-of-each-kind", "all"
Where = Literal["any", "gpu"]

COMPARED_FACTS = (
    "python",
    "numpy version",
    "keras version",
    "tensorflow version",
    "torch version",
    "jax version",
)
"""Facts of a passport that change what is measured on otherwise equal machines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One machine of a cluster, as it is now."""

    node_id: str
    """The cluster's; a machine that was away and came back has another one."""
    name: str
    kind: str
    """What machines have in common that may stand in for each other."""
    title: str
    """What people are shown."""
    cpus: float
    gpus: float
    facts: Mapping[str, str] = field(default_factory=dict)
    """Its passport."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One run that is to be done on one machine."""

    name: str
    """Of the machine that it was given to first."""
    kind: str
    title: str
    named: bool = False
    """Whether its run carries the machine's name: others of its kind are measured beside it."""


def told_apart(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return the nodes in the order of their names, with a number behind those that share a name.

    Several nodes of a cluster may run on one host, as in tests and in containers.
    """
    ordered = sorted(nodes, key=lambda node: (node.name, node.kind, node.node_id))
    seen: Counter[str] = Counter()
    found = []
    for node in ordered:
        seen[node.name] += 1
        number = seen[node.name]
        found.append(replace(node, name=f"{node.name}-{number}") if number > 1 else node)
    return tuple(found)


def placed(nodes: Sequence[Node], *, machines: Sequence[str], where: Where) -> tuple[tuple[Work, Node], ...]:
    """Return which work is done, each with the node that it is given to.

    Args:
        nodes: All that are there.
        machines: "one-of-each-kind", "all", or names.
        where: "gpu" leaves out machines without one.

    Raises:
        UsageError: If a name is not there, or nothing is left.
    """
    usable = [node for node in nodes if node.cpus >= 1 and (where == "any" or node.gpus >= 1)]
    there = ", ".join(node.name for node in nodes) or "none"
    if tuple(machines) == (ALL,):
        chosen = usable
    elif tuple(machines) == (ONE_OF_EACH_KIND,):
        first: dict[str, Node] = {}
        for node in usable:
            first.setdefault(node.kind, node)
        chosen = list(first.values())
    else:
        known = {node.name: node for node in usable}
        unknown = [name for name in machines if name not in known]
        if unknown:
            why = "is not among the machines" if unknown[0] not in there.split(", ") else "cannot be used for this"
            raise UsageError(f"--machines: {unknown[0]} {why}; there are: {there}")
        chosen = [known[name] for name in dict.fromkeys(machines)]
    if not chosen:
        lacking = "a GPU" if where == "gpu" else "a processor to give away"
        raise UsageError(f"no machine of the cluster has {lacking}; there are: {there}")
    of_kind = Counter(node.kind for node in chosen)
    return tuple(
        (
            Work(
                name=node.name,
                kind=node.kind,
                title=node.title,
                named=of_kind[node.kind] > 1,
            ),
            node,
        )
        for node in chosen
    )


def stand_in(work: Work, nodes: Iterable[Node], *, busy: Collection[str], lost: Collection[str]) -> Node | None:
    """Return where lost work goes on or starts again; None where no machine of its kind is there.

    The machine itself comes first, once it is back: there its run goes on. Then one that does nothing else, then any.

    Args:
        work: What was lost.
        nodes: All that are there.
        busy: Identities of nodes that do other work of this campaign.
        lost: Identities of nodes that are gone, which a cluster may list for some seconds more.
    """
    alike = [node for node in nodes if node.kind == work.kind and node.cpus >= 1 and node.node_id not in lost]
    return min(alike, key=lambda node: (node.name != work.name, node.node_id in busy), default=None)


def differences(nodes: Sequence[Node]) -> list[str]:
    """Return a line for each fact that matters and is not the same on all machines."""
    lines = []
    for fact in COMPARED_FACTS:
        machines: dict[str, list[str]] = {}
        for node in nodes:
            machines.setdefault(node.facts.get(fact, "unknown"), []).append(node.name)
        if len(machines) > 1:
            told = "; ".join(f"{value} on {', '.join(names)}" for value, names in sorted(machines.items()))
            lines.append(f"{fact} differs: {told}")
    return lines
