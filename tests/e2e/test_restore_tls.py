"""Clients that authenticate by certificate still connect after a restore over a Kafka made anew.

Where there is no image of a user operator, the user's Secret is made here as that operator makes it
(KafkaUserModel.java): a certificate of the clients authority. The rest is the same.
"""

from __future__ import annotations

import base64
import functools
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import lab
from .lab import Kafka, is_ready, kubectl, run_action, wait_until
from .test_restore import SETTLING

pytestmark = pytest.mark.e2e

HOME = "kanister-kafka-e2e-restore-tls"
NAME = "secured"
TOPIC = "letters"
USER = "writer"
LABELS = {"strimzi.io/cluster": NAME}
FIRST = (1, 2)
"""Version of Strimzi from which on the small clusters have the image of a user operator."""


@functools.cache
def has_user_operator() -> bool:
    label = "strimzi.io/kind=cluster-operator"
    pods = lab.get("pods", "--all-namespaces", "-l", label)["items"]
    images = [c["image"] for pod in pods for c in pod["spec"]["containers"]]
    found = [re.search(r":v?(\d+)\.(\d+)", image) for image in images]
    return max(((int(m[1]), int(m[2])) for m in found if m), default=(0, 0)) >= FIRST


def resource(kind: str, name: str, spec: dict, **metadata: dict) -> dict:
    place = {"name": name, "namespace": HOME, **metadata}
    return {"apiVersion": lab.strimzi_api(), "kind": kind, "metadata": place, "spec": spec}


def manifests() -> str:
    # Volumes of before have another cluster id: on these a Kafka that is made anew starts no node.
    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi", "deleteClaim": True}
    listener = {"name": "tls", "port": 9093, "type": "internal", "tls": True}
    plain = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
    memory = {"jvmOptions": {"-Xmx": "128m"}}
    factors = ("offsets.topic", "transaction.state.log", "default")
    kafka = {
        "kafka": {
            "listeners": [plain, {**listener, "authentication": {"type": "tls"}}],
            "config": {
                **{f"{one}.replication.factor": 1 for one in factors},
                "transaction.state.log.min.isr": 1,
                "min.insync.replicas": 1,
            },
        },
        "entityOperator": {
            "topicOperator": memory,
            **({"userOperator": memory} if has_user_operator() else {}),
        },
    }
    modes = {"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"}
    pool = {
        "replicas": 1,
        "roles": ["controller", "broker"],
        "storage": {"type": "jbod", "volumes": [{**volume, "kraftMetadata": "shared"}]},
        "resources": {"requests": {"cpu": "20m", "memory": "300Mi"}},
        "jvmOptions": {"-Xms": "200m", "-Xmx": "256m"},
    }
    items = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}},
        resource("KafkaNodePool", "node", pool, labels=LABELS),
        resource("Kafka", NAME, kafka, annotations=modes),
        resource("KafkaTopic", TOPIC, {"partitions": 1, "replicas": 1}, labels=LABELS),
        resource("KafkaUser", USER, {"authentication": {"type": "tls"}}, labels=LABELS),
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def uid(kafka: Kafka) -> str:
    return kafka.resource()["metadata"]["uid"]


def all_ready(kafka: Kafka) -> bool:
    parts = [("kt", TOPIC), *([("kafkauser", USER)] if has_user_operator() else [])]
    return is_ready(kafka.resource()) and all(is_ready(lab.get(*p, "-n", HOME)) for p in parts)


@pytest.fixture(scope="module")
def secured() -> Iterator[Kafka]:
    if lab.why_not():
        pytest.skip(lab.why_not())
    kafka = Kafka(HOME, NAME)
    kubectl("apply", "-f", "-", stdin=manifests())
    try:
        wait_until(f"{kafka} and its user are Ready", lambda: all_ready(kafka))
        if not has_user_operator():
            make_user()
        yield kafka
    finally:
        kubectl("delete", "kafka,knp,kafkauser", "--all", "-n", HOME, "--wait=false")
        patch = '-p={"metadata":{"finalizers":null}}'  # their operator may be gone before them
        for topic in lab.get("kt", "-n", HOME)["items"]:
            kubectl("patch", "kt", topic["metadata"]["name"], "-n", HOME, "--type=merge", patch)
        kubectl("delete", "namespace", HOME, "--wait=false", "--ignore-not-found")


def make_user() -> None:
    """Sign a certificate by the clients authority, and store it as the user operator does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ca.key").write_text(secret(f"{NAME}-clients-ca")["ca.key"])
        (folder / "ca.crt").write_text(secret(f"{NAME}-clients-ca-cert")["ca.crt"])
        for words in (
            "genrsa -out user.key 2048",
            f"req -new -key user.key -subj /CN={USER} -out user.csr",
            "x509 -req -in user.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -out user.crt",
        ):
            subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)
        texts = {one: (folder / one).read_text() for one in ("ca.crt", "user.crt", "user.key")}
    labels = {**LABELS, "strimzi.io/kind": "KafkaUser"}
    place = {"name": USER, "namespace": HOME, "labels": labels}
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": place, "stringData": texts}
    kubectl("apply", "-f", "-", stdin=json.dumps(made))


def secret(name: str) -> dict[str, str]:
    """Return the texts of a Secret: its PKCS 12 stores are none."""
    found = lab.get("secret", name, "-n", HOME)["data"]
    texts = {key: value for key, value in found.items() if not key.endswith(".p12")}
    return {key: base64.b64decode(value).decode() for key, value in texts.items()}


def credentials() -> str:
    """Return what a client of before keeps: it knows nothing of a restore."""
    user, authority = secret(USER), secret(f"{NAME}-cluster-ca-cert")

    def one_line(text: str) -> str:
        return text.strip().replace("\n", "\\n")

    return "\n".join(
        (
            "security.protocol=SSL",
            "ssl.keystore.type=PEM",
            f"ssl.keystore.certificate.chain={one_line(user['user.crt'])}",
            f"ssl.keystore.key={one_line(user['user.key'])}",
            "ssl.truststore.type=PEM",
            f"ssl.truststore.certificates={one_line(authority['ca.crt'])}",
        )
    )


def offsets_by_tls(kafka: Kafka, properties: str) -> str:
    """Ask over the listener with certificates how far the topic is; the tool reads stdin."""
    server = f"{NAME}-kafka-bootstrap.{HOME}.svc:9093"
    words = f"--bootstrap-server {server} --topic {TOPIC} --command-config /tmp/client.properties"
    script = (
        "umask 077; cat > /tmp/client.properties; cd /opt/kafka; "
        f"KAFKA_HEAP_OPTS=-Xmx96m bin/kafka-get-offsets.sh {words}; "
        "code=$?; rm /tmp/client.properties; exit $code"
    )
    where = ("exec", "-i", kafka.broker(), "-n", HOME, "-c", "kafka", "--")
    return kubectl(*where, "bash", "-c", script, stdin=properties, timeout=300).strip()


def test_clients_of_before_connect_after_a_restore_over_a_kafka_made_anew(secured: Kafka) -> None:
    command = [sys.executable, "-m", "kanister_kafka", "render", "--from-cluster", NAME]
    done = subprocess.run(
        [*command, "-n", HOME, "--engine", "kanister"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    kubectl("apply", "--server-side", "-f", "-", stdin=done.stdout)
    blueprint = f"{HOME}.{NAME}"
    secured.write(TOPIC, [f"before-{i}" for i in range(50)])
    client = credentials()
    assert offsets_by_tls(secured, client) == f"{TOPIC}:0:50"
    backup = run_action("backup", blueprint, HOME)
    assert backup.done(), backup.error
    wait_until(f"{secured} is Ready", lambda: all_ready(secured))
    time.sleep(SETTLING)
    before = uid(secured)

    stop = threading.Event()

    def heal() -> None:
        while not stop.wait(2):
            kubectl("apply", "-f", "-", stdin=manifests())

    gitops = threading.Thread(target=heal)
    gitops.start()  # it makes again what is deleted, as Argo CD does
    try:
        kubectl("delete", "kafka,knp", "--all", "-n", HOME)  # the pods are the pool's
        wait_until("it is made anew", lambda: uid(secured) != before, every=0.5)
        wait_until(f"{secured} is Ready", lambda: all_ready(secured), timeout=900)
    finally:
        stop.set()  # suspended, as docs/gitops.md says
        gitops.join(60)
    assert secret(f"{NAME}-cluster-ca-cert")["ca.crt"] not in client.replace("\\n", "\n")
    options = {"overwrite": "true"}
    over = run_action("restore", blueprint, HOME, artifacts=backup.artifacts, options=options)
    assert over.done(), over.error
    assert is_ready(secured.resource())
    assert offsets_by_tls(secured, client) == f"{TOPIC}:0:50"
    made = resource("KafkaTopic", "later", {"partitions": 1, "replicas": 1}, labels=LABELS)
    kubectl("create", "-f", "-", stdin=json.dumps(made))
    wait_until("a topic can be made", lambda: is_ready(lab.get("kt", "later", "-n", HOME)))
    if not has_user_operator():
        return
    user = resource("KafkaUser", "new", {"authentication": {"type": "tls"}}, labels=LABELS)
    kubectl("create", "-f", "-", stdin=json.dumps(user))
    wait_until("a user can be made", lambda: is_ready(lab.get("kafkauser", "new", "-n", HOME)))
