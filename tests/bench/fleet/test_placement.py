"""Which machines measure: from facts to a plan, without a cluster."""

import pytest

from bench.errors import UsageError
from bench.fleet import placement
from bench.fleet.placement import Work


def names(plan):
    """Return who does what."""
    return [(work.name, node.node_id) for work, node in plan]


def test_one_machine_of_each_kind_measures_unless_more_are_asked_for(make_node):
    """Two machines that are alike have the same answer; the first by name gives it."""
    nodes = [make_node("a"), make_node("b"), make_node("c", "y")]

    assert [("a", "id-a"), ("c", "id-c")] == names(placement.placed(nodes, machines=["one-of-each-kind"], where="any"))
    everyone = placement.placed(nodes, machines=["all"], where="any")
    assert ["id-a", "id-b", "id-c"] == [node.node_id for _, node in everyone]


def test_machines_that_are_alike_are_told_apart_by_name_in_their_runs(make_node):
    """Where one of a kind measures, its passport says which machine that is."""
    plan = placement.placed([make_node("a"), make_node("b"), make_node("c", "y")], machines=["all"], where="any")

    assert [("a", True), ("b", True), ("c", False)] == [(work.name, work.named) for work, _ in plan]


def test_machines_can_be_named_each_once(make_node):
    """In the order in which they were named."""
    nodes = [make_node("a"), make_node("b"), make_node("c")]

    assert [("c", "id-c"), ("a", "id-a")] == names(placement.placed(nodes, machines=["c", "a", "c"], where="any"))


def test_a_gpu_can_be_asked_for(make_node):
    """Machines without one are left out before one of each kind is taken."""
    nodes = [make_node("a"), make_node("b", "y", gpus=1.0)]

    assert [("b", "id-b")] == names(placement.placed(nodes, machines=["one-of-each-kind"], where="gpu"))


def test_a_machine_that_gives_no_processor_away_measures_nothing(make_node):
    """As heads of clusters often do not."""
    nodes = [make_node("head", "h", cpus=0.0), make_node("a")]

    assert [("a", "id-a")] == names(placement.placed(nodes, machines=["all"], where="any"))


@pytest.mark.parametrize(
    ("machines", "where", "sentence"),
    [
        (["z"], "any", "--machines: z is not among the machines; there are: a, head"),
        (["head"], "any", "--machines: head cannot be used for this; there are: a, head"),
        (["all"], "gpu", "no machine of the cluster has a GPU; there are: a, head"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(make_node, machines, where, sentence):
    """A typing mistake is seen at once."""
    nodes = [make_node("a"), make_node("head", cpus=0.0)]

    with pytest.raises(UsageError) as raised:
        placement.placed(nodes, machines=machines, where=where)

    assert sentence == str(raised.value)


def test_nodes_of_one_host_are_numbered(make_node):
    """Containers and tests have several; a name stands for one machine."""
    nodes = [make_node("vm", node_id="2"), make_node("vm", node_id="1"), make_node("a")]

    assert [("a", "id-a"), ("vm", "1"), ("vm-2", "2")] == [(n.name, n.node_id) for n in placement.told_apart(nodes)]


def test_lost_work_goes_back_to_its_machine_then_to_an_idle_one_then_to_any(make_node):
    """Going on is worth more than starting again; and nothing but its kind will do."""
    work = Work(name="a", kind="x", title="")
    back, idle, other = make_node("a", node_id="new"), make_node("b"), make_node("c", "y")

    def stand_in(*nodes, busy=(), lost=()):
        found = placement.stand_in(work, nodes, busy=busy, lost=lost)
        return found and found.node_id

    assert "new" == stand_in(idle, back, other)
    assert "id-d" == stand_in(idle, make_node("d"), busy={"id-b"})
    assert "id-b" == stand_in(idle, other, busy={"id-b"})
    assert "id-b" == stand_in(make_node("a"), idle, lost={"id-a"})
    assert stand_in(other) is None


def test_versions_that_differ_are_told_once_each(make_node):
    """Numbers of two versions of a framework are not those of two machines."""
    nodes = [
        make_node("a", facts={"torch version": "2.6", "python": "CPython 3.11.1"}),
        make_node("b", facts={"torch version": "2.7", "python": "CPython 3.11.1"}),
        make_node("c", facts={"torch version": "2.6", "python": "CPython 3.11.1"}),
    ]

    assert ["torch version differs: 2.6 on a, c; 2.7 on b"] == placement.differences(nodes)
    assert [] == placement.differences(nodes[:1])
