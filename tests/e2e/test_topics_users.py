"""Topics of a Kafka that lets nobody in without a certificate or a password of a KafkaUser.

Both ways are taken as Strimzi's custom resources tell them, by a Job in the cluster, and as the
properties of Kafka's own tools. The Secrets are made here as the User Operator makes them, so that
a cluster without its image has them too (KafkaUserModel.java, ScramShaCredentials.java).
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kanister_kafka.cli.topic_connection import IMAGE

from . import lab
from .lab import Kafka, is_ready, kubectl, wait_until

HOME = "kanister-kafka-e2e-users"
KAFKA = Kafka(HOME, "users")
TOPIC = "orders"
PASSWORD = "correct-horse"  # noqa: S105 - of a cluster that is gone after the test
WAYS = {"password": "by-password", "certificate": "by-certificate"}
"""Listener, and the KafkaUser that it is for."""

pytestmark = pytest.mark.e2e


def manifests() -> str:
    labels = {"strimzi.io/cluster": KAFKA.name}
    strimzi = lab.strimzi_api()
    tls = {"type": "internal", "tls": True}
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}},
        {
            "apiVersion": strimzi,
            "kind": "KafkaNodePool",
            "metadata": {"name": "node", "labels": labels},
            "spec": {
                "replicas": 1,
                "roles": ["controller", "broker"],
                "storage": {"type": "ephemeral"},
                "resources": {"requests": {"cpu": "20m", "memory": "300Mi"}},
                "jvmOptions": {"-Xms": "200m", "-Xmx": "256m"},
            },
        },
        {
            "apiVersion": strimzi,
            "kind": "Kafka",
            "metadata": {
                "name": KAFKA.name,
                "annotations": {"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"},
            },
            "spec": {
                "kafka": {
                    "listeners": [
                        {"name": "plain", "port": 9092, "type": "internal", "tls": False},
                        {
                            "name": "certificate",
                            "port": 9093,
                            **tls,
                            "authentication": {"type": "tls"},
                        },
                        {
                            "name": "password",
                            "port": 9094,
                            **tls,
                            "authentication": {"type": "scram-sha-512"},
                        },
                    ],
                    "config": {"offsets.topic.replication.factor": 1},
                },
            },
        },
        *(
            {
                "apiVersion": strimzi,
                "kind": "KafkaUser",
                "metadata": {"name": name, "labels": labels},
                "spec": {"authentication": {"type": kind}},
            }
            for name, kind in (
                (WAYS["password"], "scram-sha-512"),
                (WAYS["certificate"], "tls"),
            )
        ),
    ]
    for item in objects[1:]:
        item["metadata"]["namespace"] = HOME  # type: ignore[index]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if not os.environ.get(IMAGE):
        pytest.skip(f"{IMAGE} names no image with this command")
    if shutil.which("openssl") is None:
        pytest.skip("no openssl, which signs the certificate of a user")
    kubectl("apply", "-f", "-", stdin=manifests())
    try:
        wait_until(f"{KAFKA} is Ready", lambda: is_ready(KAFKA.resource()))
        folder = tmp_path_factory.mktemp("users")
        make_users(folder)
        KAFKA.tool(
            "kafka-topics.sh",
            *("--bootstrap-server", "localhost:9092", "--create", "--topic", TOPIC),
        )
        KAFKA.write(TOPIC, [f"order {number}" for number in range(100)])
        yield folder
    finally:
        kubectl("delete", "kafka,knp,kafkauser", "--all", "-n", HOME, "--wait=false")
        kubectl("delete", "namespace", HOME, "--wait=false", "--ignore-not-found")


def make_users(folder: Path) -> None:
    scram = f"'SCRAM-SHA-512=[iterations=8192,password={PASSWORD}]'"
    KAFKA.tool(
        "kafka-configs.sh",
        *("--bootstrap-server", "localhost:9092", "--alter", "--add-config", scram),
        *("--entity-type", "users", "--entity-name", WAYS["password"]),
    )
    store(WAYS["password"], {"password": PASSWORD})
    for name, secret, key in (
        ("ca.key", f"{KAFKA.name}-clients-ca", "ca.key"),
        ("ca.crt", f"{KAFKA.name}-clients-ca-cert", "ca.crt"),
        ("trusted.crt", f"{KAFKA.name}-cluster-ca-cert", "ca.crt"),
    ):
        data = lab.get("secret", secret, "-n", HOME)["data"]
        (folder / name).write_bytes(base64.b64decode(data[key]))
    openssl(folder, "genrsa", "-out", "user.key", "2048")
    subject = f"/CN={WAYS['certificate']}"
    openssl(folder, "req", "-new", "-key", "user.key", "-subj", subject, "-out", "user.csr")
    openssl(
        folder,
        *("x509", "-req", "-in", "user.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
        *("-CAcreateserial", "-days", "1", "-out", "user.crt"),
    )
    files = {name: (folder / name).read_text() for name in ("user.crt", "user.key", "ca.crt")}
    store(WAYS["certificate"], files)


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def store(name: str, data: dict[str, str]) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": HOME,
            "labels": {"strimzi.io/kind": "KafkaUser", "strimzi.io/cluster": KAFKA.name},
        },
        "stringData": data,
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(secret))


def total(*words: str) -> subprocess.CompletedProcess[str]:
    inside = ("-n", HOME, "--in-cluster", "-o", "json")
    return lab.command("topics", "total", *words, TOPIC, *inside)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("listener", WAYS)
def test_a_listener_with_its_user(listener: str) -> None:
    done = total("--kafka", KAFKA.name, "--listener", listener)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["records"] == 100
    assert PASSWORD not in done.stderr


def properties(folder: Path, listener: str) -> dict[str, str]:
    def line(name: str) -> str:
        return (folder / name).read_text().replace("\n", "\\n")

    trust = {
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": line("trusted.crt"),
    }
    if listener == "password":
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        return trust | {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": f'{module} required username="{WAYS[listener]}" '
            f'password="{PASSWORD}";',
        }
    return trust | {
        "security.protocol": "SSL",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.key": line("user.key"),
        "ssl.keystore.certificate.chain": line("user.crt"),
    }


@pytest.mark.parametrize("listener", WAYS)
def test_the_properties_of_kafkas_own_tools(home: Path, listener: str) -> None:
    file = home / f"{listener}.properties"
    file.write_text(
        "".join(f"{key}={value}\n" for key, value in properties(home, listener).items())
    )
    ports = {"certificate": 9093, "password": 9094}
    servers = f"{KAFKA.name}-kafka-bootstrap.{HOME}.svc:{ports[listener]}"
    done = total("--bootstrap-server", servers, "--command-config", str(file))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["records"] == 100


def test_a_wrong_password_is_refused_and_not_shown(home: Path) -> None:
    file = home / "wrong.properties"
    right = properties(home, "password")
    wrong = {key: value.replace(PASSWORD, "battery-staple") for key, value in right.items()}
    file.write_text("".join(f"{key}={value}\n" for key, value in wrong.items()))
    servers = f"{KAFKA.name}-kafka-bootstrap.{HOME}.svc:9094"
    done = total("--bootstrap-server", servers, "--command-config", str(file))
    assert done.returncode == 2, done.stdout
    assert "uthentication" in done.stderr
    assert "battery-staple" not in done.stderr + done.stdout
