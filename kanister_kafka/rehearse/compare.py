"""Whether everything is as it was found."""

from __future__ import annotations

from kanister_kafka.kube.connection import PODS, Connection
from kanister_kafka.rehearse.setting import LABEL, Setting, look, writer_now


def differences(connection: Connection, setting: Setting) -> tuple[str, ...]:
    """Say how the cluster differs from how it was found; empty where it does not."""
    before, target = setting.before, setting.target
    now = look(connection, setting.kafka, target)
    found = []
    if now.paused:
        found.append(f"Kafka {target} is paused")
    if before.ready and not now.ready:
        found.append(f"Kafka {target} is not Ready")
    if now.armed and not before.armed:
        found.append("the dead man's switch is still armed")
    if now.state != before.state and not now.settled:
        found.append(f"the record of backups says {now.state}")
    if missing := sorted({*before.nodes} - {*now.nodes}):
        found.append(f"not Ready any more: {', '.join(missing)}")
    if now.claims != before.claims:
        found.append("its claims are not the same ones")
    if before.cluster_id and now.cluster_id and now.cluster_id != before.cluster_id:
        found.append(f"its cluster id is {now.cluster_id} and was {before.cluster_id}")
    for was in setting.writers:
        is_now = writer_now(connection, was.kind, was.namespace, was.name)
        if is_now.replicas != was.replicas:
            found.append(f"{was} has spec.replicas {is_now.replicas} and had {was.replicas}")
        elif was.ready and not is_now.ready:
            found.append(f"{was} is not Ready")
    label = f"{LABEL}={setting.id}"
    left = connection.items(PODS, target.namespace, label)
    found += (f"Pod {target.namespace}/{pod['metadata']['name']} is there" for pod in left)
    return tuple(found)
