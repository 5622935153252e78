"""The benchmark of many nodes: its sizes and its limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.benchmarks import scale
from tests.benchmarks.scale import CREATES, NODES, PHASES, ManyNodes, Run
from tests.fakes.script_runner import cycle


def runs() -> list[Run]:
    """Return runs within all limits."""
    found = []
    for phase in PHASES:
        for nodes in NODES:
            requests = 50 + (nodes if phase == CREATES else 0)
            found.append(
                Run(
                    nodes=nodes,
                    phase=phase,
                    seconds=50.0,
                    cpu=2.0,
                    memory=50.0,
                    requests=requests,
                    sent=1000,
                )
            )
    return found


def changed(phase: str, nodes: int, **values: float) -> list[Run]:
    return [
        replace(run, **values) if (run.phase, run.nodes) == (phase, nodes) else run
        for run in runs()
    ]


def test_the_sizes_are_those_that_the_page_has() -> None:
    assert NODES == (3, 30, 300, 1000)
    assert list(scale.faults(runs())) == []


@pytest.mark.parametrize("nodes", NODES)
def test_each_size_has_brokers_and_controllers(nodes: int) -> None:
    server = ManyNodes(cycle(restart_after=0), nodes)
    pools = server.pools
    assert sum(pools.values()) == nodes
    assert min(pools.values()) > 0
    assert sum(plural == "pods" for plural, _, _ in server.objects) == nodes
    server.server_close()


@pytest.mark.parametrize("nodes", NODES)
def test_more_looks_a_second_than_the_limit_are_a_fault(nodes: int) -> None:
    at_limit = 50 / scale.LOOKS_PER_SECOND
    assert list(scale.faults(changed("backupStop", nodes, seconds=at_limit))) == []
    (fault,) = scale.faults(changed("backupStop", nodes, seconds=at_limit * 0.9))
    assert fault.startswith(f"backupStop, {nodes:,} nodes: 55.6 requests a second without")
    assert fault.endswith("at most 50")


def test_created_snapshots_have_a_limit_of_their_own() -> None:
    fits = 1050 / scale.REQUESTS_PER_SECOND
    assert list(scale.faults(changed(CREATES, 1000, seconds=fits))) == []
    (fault,) = scale.faults(changed(CREATES, 1000, seconds=fits * 0.98))
    assert fault == f"{CREATES}, 1,000 nodes: 250.0 requests a second, at most 245"


def test_requests_that_grow_with_the_nodes_are_a_fault() -> None:
    (fault,) = scale.faults(changed("backupStop", 1000, requests=71))
    assert fault == "backupStop: 21 more requests, at most 20"
    (fault,) = scale.faults(changed(CREATES, 1000, requests=1071))
    assert fault == f"{CREATES}: 21 more requests, at most 20"


def test_the_report_has_the_limits_and_whether_they_are_met() -> None:
    lines = scale.report(runs()).splitlines()
    assert lines[-2].endswith("the most: 1.0 (at most 50): met")
    assert lines[-1].endswith("the most: 21.0 (at most 245): met")
    lines = scale.report(changed("backupStop", 3, seconds=0.1)).splitlines()
    assert lines[-2].endswith("the most: 500.0 (at most 50): missed")
    assert lines[-1].endswith("the most: 500.0 (at most 245): missed")
