"""Objects of a healthy Kafka and of what it runs on, as the API server returns them."""

from __future__ import annotations

NAMESPACE = "kafka"
CLUSTER = {"strimzi.io/cluster": "my-cluster"}
TRUE = {"status": "True"}
SNAPSHOT_DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"


def thing(kind, name, namespace=NAMESPACE, labels=None, annotations=None, **fields):
    metadata = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def status(*true, generation=1, **fields):
    conditions = [{"type": name, "status": "True"} for name in true]
    return {"conditions": conditions, "observedGeneration": generation, **fields}


def kafka(annotations=None, state=None, **spec):
    state = state or status("Ready", kafkaVersion="3.9.2", kafkaMetadataState="KRaft")
    item = thing(
        "Kafka",
        "my-cluster",
        annotations={
            "strimzi.io/kraft": "enabled",
            "strimzi.io/node-pools": "enabled",
            **(annotations or {}),
        },
        spec={"kafka": {"version": "3.9.2", **spec}},
        status=state,
    )
    item["apiVersion"] = "kafka.strimzi.io/v1beta2"
    item["metadata"]["generation"] = 1
    return item


def pool(ids=(0,), replicas=1, generation=1):
    item = thing(
        "KafkaNodePool",
        "dual",
        labels=CLUSTER,
        spec={
            "replicas": replicas,
            "roles": ["controller", "broker"],
            "storage": {"type": "persistent-claim", "size": "1Gi"},
        },
        status=status(nodeIds=list(ids), generation=1),
    )
    item["apiVersion"] = "kafka.strimzi.io/v1beta2"
    item["metadata"]["generation"] = generation
    return item


def pod(name="my-cluster-dual-0", *ready, revision="a", labels=None, annotations=None, **fields):
    return thing(
        "Pod",
        name,
        labels={**CLUSTER, "strimzi.io/name": "my-cluster-kafka", **(labels or {})},
        annotations={"strimzi.io/revision": revision, **(annotations or {})},
        status=status(*ready),
        **fields,
    )


def pod_set(*names, revision="a", annotations=None):
    meta = {"annotations": {"strimzi.io/revision": revision}}
    pods = [{"metadata": {"name": name, **meta}} for name in names or ("my-cluster-dual-0",)]
    return thing("StrimziPodSet", "my-cluster-dual", annotations=annotations, spec={"pods": pods})


def claim(name="data-0", phase="Bound", volume="pv-0"):
    spec = {"volumeName": volume, "storageClassName": "fast"}
    return thing("PersistentVolumeClaim", name, spec=spec, status={"phase": phase})


def volume(name="pv-0", annotations=None, **source):
    spec = source or {"csi": {"driver": "csi.example.com"}}
    return thing("PersistentVolume", name, "", annotations=annotations, spec=spec)


def snapshot_class(name="snap", driver="csi.example.com", **annotations):
    return {**thing("VolumeSnapshotClass", name, "", annotations=annotations), "driver": driver}


def operator_pod(*ready, image="quay.io/strimzi/operator:0.45.2", annotations=None, **variables):
    env = [
        {"name": name, **({"value": value} if isinstance(value, str) else value)}
        for name, value in {"STRIMZI_NAMESPACE": "*", **variables}.items()
    ]
    spec = {"containers": [{"name": "side"}, {"image": image, "env": env}]}
    item = thing("Pod", "operator-0", "strimzi", annotations=annotations, spec=spec)
    return {**item, "status": status(*ready)}


def deployment(name="kanister", image="ghcr.io/kanisterio/controller:0.119.0", available=1):
    spec = {"template": {"spec": {"containers": [{"image": image}]}}}
    state = {"availableReplicas": available}
    return thing("Deployment", name, "kasten-io", spec=spec, status=state)


def action_set(name, action, state, seconds=30, blueprint="kafka.my-cluster", defer=""):
    item = thing("ActionSet", name, "kasten-io")
    item["metadata"]["creationTimestamp"] = f"2026-01-02T03:0{name[-1]}:00Z"
    item["spec"] = {"actions": [{"name": action, "blueprint": blueprint}]}
    minutes, rest = divmod(seconds, 60)
    end = f"2026-01-02T03:{int(name[-1]) + minutes:02}:{rest:02}Z"
    item["status"] = {
        "state": state,
        "progress": {"lastTransitionTime": end},
        "actions": [{"deferPhase": {"state": defer}}],
    }
    return item


def node(name, *images, ready="Ready", **spec):
    reported = [{"names": [image]} for image in images]
    return thing("Node", name, "", spec=spec, status={**status(ready), "images": reported})


def group_class(name="groups", driver="csi.example.com"):
    return {**thing("VolumeGroupSnapshotClass", name, ""), "driver": driver}
