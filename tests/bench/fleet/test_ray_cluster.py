"""What is said where there is no Ray, or no cluster; the real thing is in tests/cli/test_many_machines.py."""

import pytest

from bench.errors import UsageError
from bench.fleet import ray_cluster


def test_without_ray_the_command_that_installs_it_is_named(monkeypatch):
    """The harness stays as light as it is."""
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)

    with pytest.raises(UsageError, match=r"--on needs Ray; install it: pip install 'loopbench\[ray\]'"):
        ray_cluster.require()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there_is_said_in_one_line(monkeypatch):
    """With what was typed."""
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    with (
        pytest.raises(UsageError, match=r"^--on ray: no Ray cluster can be used there: [^\n]+$"),
        ray_cluster.connected("ray", parcel=b"", tell=print),
    ):
        pass
