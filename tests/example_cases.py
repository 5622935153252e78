"""The references in blueprints/: which example, which choices."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kanister_kafka import (
    BackupPlan,
    KastenOutput,
    Manifest,
    Options,
    QuiesceMethod,
    SnapshotProvider,
    Strategy,
    build_plan,
    load,
    parse_version,
    read_cluster,
    render,
)


@dataclass(frozen=True)
class Case:
    """One folder below blueprints/."""

    example: str
    cluster: str = ""
    options: Options = field(default_factory=Options)
    strimzi: str = ""

    def plan(self) -> BackupPlan:
        path = Path("examples") / self.example
        reading = read_cluster(
            load([path]).documents,
            cluster=self.cluster,
            strimzi_version=parse_version(self.strimzi),
        )
        assert reading.cluster is not None, reading.problems
        return build_plan(reading.cluster, self.options, reading.problems)

    def manifests(self) -> tuple[Manifest, ...]:
        return render(self.plan())


CASES = {
    "kraft-separate-pools": Case("kraft-separate-pools"),
    "kraft-separate-pools-hot": Case("kraft-separate-pools",
                                     options=Options(strategy=Strategy.HOT,
                                                     kasten=(KastenOutput.POLICY,))),
    "kraft-separate-pools-kanister": Case("kraft-separate-pools",
                                          options=Options(engine=SnapshotProvider.KANISTER,
                                                          kasten=(KastenOutput.RESTORE,),
                                                          restore_point="my-restore-point")),
    "kraft-combined": Case("kraft-combined", options=Options(kasten=(KastenOutput.BINDING,))),
    "kraft-broker-pools": Case("kraft-broker-pools"),
    "kraft-jbod": Case("kraft-jbod"),
    "kafka-connect": Case("kafka-connect"),
    "mirror-maker-2": Case("mirror-maker-2",
                           options=Options(kasten=(KastenOutput.POLICY,),
                                           quiesce_by=QuiesceMethod.PAUSE)),
    "mirror-maker-2-hot": Case("mirror-maker-2",
                               options=Options(strategy=Strategy.HOT,
                                               engine=SnapshotProvider.KANISTER,
                                               group_snapshot_class="csi-groups")),
    "mirror-maker-2-online": Case("mirror-maker-2",
                                  options=Options(strategy=Strategy.ONLINE,
                                                  engine=SnapshotProvider.KANISTER,
                                                  kasten=(KastenOutput.POLICY,))),
    "mirror-maker-2-two-sources": Case("mirror-maker-2-two-sources",
                                       options=Options(engine=SnapshotProvider.KANISTER)),
    "seed": Case("seed", "kafka-mirror/my-cluster", Options(kasten=(KastenOutput.POLICY,)), "0.23"),
    "stateful-sets": Case("stateful-sets"),
    "strimzi-v1": Case("strimzi-v1", options=Options(kasten=(KastenOutput.POLICY,))),
    "zookeeper-node-pools": Case("zookeeper-node-pools"),
    "zookeeper-pod-sets": Case("zookeeper-pod-sets",
                               options=Options(kasten=(KastenOutput.BINDING,))),
}  # fmt: skip
