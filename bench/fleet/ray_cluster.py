"""The machines of a Ray cluster: `bench.fleet.campaign.Cluster` for real.

Ray is imported only here, and only where `--on` asks for it.
"""

import os
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

import psutil

from bench.errors import UsageError
from bench.fleet import node as on_node
from bench.fleet.campaign import Job, News, NodeLost
from bench.fleet.placement import Node, told_apart
from bench.machine import cpus
from bench.records.machine import machine_of
from bench.units import Seconds

LOCAL, AROUND = "local", "ray"
KIND_LABEL, NAME_LABEL = "bench-kind", "bench-name"
"""Labels of a node by which its user says what no passport can: `ray start --labels bench-kind=spot,bench-name=a`."""
_ANSWER_WITHIN: Seconds = on_node.FACTS_WITHIN + 30.0
_PATIENCE: Seconds = 5.0
_THREADS = 4
_LOOK_ON = {"dashboard.py", "log_monitor.py", "monitor.py"}
"""What Ray starts beside what it works with: nothing waits for an answer of theirs."""


def require() -> None:
    """Refuse in one line where Ray is not installed.

    Raises:
        UsageError: With the command that installs it.
    """
    if find_spec("ray") is None:
        raise UsageError("--on needs Ray; install it: pip install 'loopbench[ray]'")


@contextmanager
def connected(on: str, *, parcel: bytes, tell: Callable[[str], None]) -> Iterator["RayCluster"]:
    """Connect to a cluster while the body runs.

    Args:
        on: "local", "ray", or "ray://HOST:PORT".
        parcel: What is sent to every machine.
        tell: Is told in one line which machines cannot be used.

    Raises:
        UsageError: If Ray is not installed, or no cluster answers.
    """
    require()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray  # noqa: PLC0415 - an extra, and seconds to import

    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if on == LOCAL:
        settings |= {"address": "local", "include_dashboard": False}
    else:
        settings |= {"address": "auto" if on == AROUND else on}
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # what they say, the error says
            ray.init(**settings)
    except (ConnectionError, RuntimeError, TimeoutError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        token = "; where it asks for a token, set RAY_AUTH_MODE=token" if on.startswith("ray://") else ""
        raise UsageError(f"--on {on}: no Ray cluster can be used there: {first}{token}") from error
    if on == LOCAL:
        _have_step_aside(_LOOK_ON)
    try:
        yield RayCluster(ray, parcel=parcel, tell=tell)
    except (ray.exceptions.RayError, ConnectionError) as error:
        raise UsageError(
            f"--on {on}: the cluster does not answer any more: {_first_line(error)}; what has arrived is stored, "
            "go on with 'bench run --resume' and the name of the campaign"
        ) from error
    finally:
        ray.shutdown()


@final
class RayCluster:
    """Asks a cluster what it has, and starts runs there."""

    def __init__(self, ray: Any, *, parcel: bytes, tell: Callable[[str], None]) -> None:
        """Send what every machine needs, once.

        Args:
            ray: The module, connected.
            parcel: What is sent to every machine.
            tell: Is told which machines cannot be used.
        """
        ray.cloudpickle.register_pickle_by_value(on_node)
        self._ray = ray
        self._parcel = ray.put(parcel)
        self._tell = tell
        self._known: dict[str, Node | None] = {}
        self._waited_for: list[Any] = []

    def nodes(self) -> tuple[Node, ...]:
        """Return the machines that are there; each is asked once what it is."""
        alive = {one["NodeID"]: one for one in self._ray.nodes() if one["Alive"]}
        new = {identity: one for identity, one in alive.items() if identity not in self._known}
        actors = {identity: self._actor(identity, cpus=0, gpus=0) for identity in new}
        asked = {identity: actor.facts.remote(self._parcel) for identity, actor in actors.items()}
        if asked:
            self._ray.wait(list(asked.values()), num_returns=len(asked), timeout=_ANSWER_WITHIN)
        for identity, answer in asked.items():
            self._known[identity] = self._described(new[identity], answer)
            self._ray.kill(actors[identity])
        return told_apart(node for identity in alive if (node := self._known.get(identity)) is not None)

    def start(self, node: Node, job: Job) -> "RayWorker":
        """Start a run on a machine, which does nothing else meanwhile; it waits there until the machine is free."""
        actor = self._actor(node.node_id, cpus=node.cpus, gpus=node.gpus)
        return RayWorker(self._ray, actor=actor, parcel=self._parcel, job=job)

    def pause(self, workers: Mapping[str, "RayWorker"], *, patience: Seconds) -> None:
        """Wait until one of them may have something new."""
        pending = [worker.pending for worker in workers.values()]
        if pending:
            self._ray.wait(pending, num_returns=1, timeout=patience)

    def _actor(self, identity: str, *, cpus: float, gpus: float) -> Any:
        """Start our end on a node, and on no other one."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415

        return (
            self._ray.remote(on_node.OnNode)
            .options(
                num_cpus=cpus,
                num_gpus=gpus,
                max_concurrency=_THREADS,
                scheduling_strategy=NodeAffinitySchedulingStrategy(identity, soft=False),
            )
            .remote()
        )

    def _described(self, found: Mapping[str, Any], answer: Any) -> Node | None:
        """Return a machine as its passport describes it; None where it cannot run anything, which is told."""
        labels, host = found.get("Labels") or {}, found["NodeManagerHostname"]
        name = labels.get(NAME_LABEL) or host
        try:
            facts = self._ray.get(answer, timeout=0)
        except self._ray.exceptions.GetTimeoutError:
            facts = {"trouble": "it did not say in time what it is"}
        except self._ray.exceptions.RayError as error:
            facts = {"trouble": _first_line(error)}
        if "trouble" in facts:
            self._tell(f"warning: {name} is left out: bench does not run there: {facts['trouble']}")
            return None
        machine = machine_of(facts["passport"])
        kind = " ".join(filter(None, (machine.fingerprint, labels.get(KIND_LABEL))))
        accelerators = f", {', '.join(machine.accelerators)}" if machine.accelerators else ""
        return Node(
            node_id=found["NodeID"],
            name=name,
            kind=kind,
            title=f"{machine.processor}, {machine.cores} cores{accelerators}",
            cpus=found["Resources"].get("CPU", 0.0),
            gpus=found["Resources"].get("GPU", 0.0),
            facts=facts["passport"],
        )


@final
class RayWorker:
    """One run on one machine; it is asked for news without end, one question at a time."""

    def __init__(self, ray: Any, *, actor: Any, parcel: Any, job: Job) -> None:
        """Have the run begin."""
        self._ray = ray
        self._actor = actor
        self._lost = (ray.exceptions.RayActorError, ray.exceptions.ActorUnschedulableError)
        self.pending = actor.begin.remote(parcel, job.content)
        self._asking: Callable[[], Any] | None = None

    def news(self) -> News | None:
        """Return what is new, or None where nothing is; then `ask` for more.

        Raises:
            NodeLost: If the machine is gone.
            UsageError: If it refuses.
        """
        ready, _ = self._ray.wait([self.pending], timeout=0)
        return self._answered(self.pending, timeout=None) if ready else None

    def ask(self, *, known: int, heard: int) -> None:
        """Ask for what comes after so many bytes of the journal, and of standard error."""
        if self._asking is None:  # the run has begun
            self._actor.step_aside.remote()
        self._asking = partial(self._actor.news.remote, known, heard, patience=_PATIENCE)
        self.pending = self._asking()

    def end(self, *, known: int, heard: int) -> Callable[[Seconds], News | None]:
        """Have the run end at once, and return what waits for its last news: none where the machine does not answer."""
        answer = self._actor.end.remote(known, heard)

        def last(patience: Seconds) -> News | None:
            with suppress(NodeLost, UsageError, self._ray.exceptions.GetTimeoutError):
                return self._answered(answer, timeout=patience)
            return None

        return last

    def beside(self) -> bytes:
        """Return what else the run has left, and have the machine forget it; nothing where the machine is gone."""
        try:
            archived: bytes = self._ray.get(self._actor.beside.remote(), timeout=_ANSWER_WITHIN)
            self._ray.get(self._actor.clear.remote(), timeout=_ANSWER_WITHIN)
        except self._ray.exceptions.RayError:
            return b""
        return archived

    def let_go(self) -> None:
        """Give the machine back; whatever still runs there ends."""
        self._ray.kill(self._actor)

    def _answered(self, answer: Any, *, timeout: Seconds | None) -> News | None:
        """Return what a machine answered.

        Raises:
            NodeLost: If it is gone.
            UsageError: If it refuses.
        """
        try:
            found = self._ray.get(answer, timeout=timeout)
        except self._ray.exceptions.ActorUnavailableError:  # for now: a connection that broke
            if self._asking is not None:
                self.pending = self._asking()
            return None
        except self._lost as error:
            raise NodeLost(_first_line(error)) from error
        except self._ray.exceptions.RayTaskError as error:
            raise UsageError(f"a machine cannot begin: {str(error).strip().splitlines()[-1]}") from error
        return News(**found)


def _have_step_aside(scripts: Collection[str]) -> None:
    """Have those of this process's children that run one of these scripts leave the processors to what is measured."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if not {Path(word).name for word in child.cmdline()}.isdisjoint(scripts):
                cpus.step_aside(child.pid)


def _first_line(error: Exception) -> str:
    """Return what Ray says, short enough for a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
