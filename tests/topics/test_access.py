"""From the resources of Strimzi to a way into a Kafka."""

from __future__ import annotations

import base64

import pytest

from kanister_kafka.errors import ForbiddenError, InputError, NotFoundError, UnreachableError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.topics.access import (
    AccessRequest,
    TopicRef,
    find_access,
    mirror_candidates,
    parse_topic_ref,
)
from kanister_kafka.topics.job import is_secret
from tests.fakes.cluster import serving


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("blogs", TopicRef(topic="blogs")),
        ("kafka/my-cluster/blogs", TopicRef(topic="blogs", namespace="kafka", kafka="my-cluster")),
        ("kafka/my-cluster/", TopicRef(namespace="kafka", kafka="my-cluster")),
        ("h:9092/my.blogs", TopicRef(topic="my.blogs", servers="h:9092")),
        ("h:9092,[::1]:9093/b", TopicRef(topic="b", servers="h:9092,[::1]:9093")),
        ("h:9092/", TopicRef(servers="h:9092")),
    ],
)
def test_forms(text: str, place: TopicRef) -> None:
    assert parse_topic_ref(text) == place


@pytest.mark.parametrize(
    "text", ["", "a b", ".", "..", "x" * 250, "kafka/blogs", "a/b/c/d", "/k/t", "n//t", "h:1/a$"]
)
def test_what_is_not_a_topic(text: str) -> None:
    with pytest.raises(InputError):
        parse_topic_ref(text)


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (("blogs", "a.blogs"), ("blogs", "a.blogs")),
        (("my-source.blogs", "other"), ("my-source.blogs",)),
        (("blogs.copy", "myblogs"), ()),
    ],
)
def test_names_of_a_mirror(known: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert mirror_candidates("blogs", known) == found


PLAIN = {"name": "plain", "type": "internal", "port": 9092, "tls": False}
TLS = {"name": "tls", "type": "internal", "port": 9093, "tls": True}
MUTUAL = {**TLS, "name": "mutual", "authentication": {"type": "tls"}}
SCRAM = {**TLS, "name": "scram", "authentication": {"type": "scram-sha-512"}}
OAUTH = {**TLS, "name": "oauth", "authentication": {"type": "oauth"}}
OUTSIDE = {"name": "outside", "type": "nodeport", "port": 9094, "tls": False}
INSIDE = AccessRequest(namespace="kafka", kafka="my-cluster", inside=True)


@pytest.fixture
def cluster(configure):
    with serving() as cluster:
        configure(cluster.url)
        yield cluster


def kafka(cluster, *listeners, certificates=("PEM",)):
    told = [
        {
            "name": one["name"],
            "bootstrapServers": f"{one['name']}.example:{one['port']}",
            **({"certificates": list(certificates)} if one["tls"] and certificates else {}),
        }
        for one in listeners
    ]
    cluster.add(
        "kafkas",
        "kafka",
        "my-cluster",
        spec={"kafka": {"listeners": list(listeners)}},
        status={"listeners": told},
    )


def secret(cluster, name, **data):
    coded = {
        key.replace("_", "."): base64.b64encode(text.encode()).decode()
        for key, text in data.items()
    }
    cluster.add("secrets", "kafka", name, data=coded)


def user(cluster, name, kind, status=None):
    cluster.add(
        "kafkausers",
        "kafka",
        name,
        labels={"strimzi.io/cluster": "my-cluster"},
        spec={"authentication": {"type": kind}},
        status=status or {},
    )


@pytest.mark.parametrize(
    ("listeners", "wish", "servers", "protocol"),
    [
        ((TLS, PLAIN), INSIDE, "plain.example:9092", "PLAINTEXT"),
        ((SCRAM, TLS), INSIDE, "tls.example:9093", "SSL"),
        (
            (PLAIN, OUTSIDE),
            AccessRequest(namespace="kafka", kafka="my-cluster", inside=False),
            "outside.example:9094",
            "PLAINTEXT",
        ),
        (
            (PLAIN, TLS),
            AccessRequest(namespace="kafka", kafka="my-cluster", listener="tls", inside=True),
            "tls.example:9093",
            "SSL",
        ),
        (
            (PLAIN,),
            AccessRequest(namespace="kafka", inside=True),
            "plain.example:9092",
            "PLAINTEXT",
        ),
    ],
    ids=["plain-first", "no-user-first", "outside", "named", "the-only-kafka"],
)
def test_the_listener_that_needs_least(cluster, listeners, wish, servers, protocol) -> None:
    kafka(cluster, *listeners)
    found = find_access(KubeClient(), wish)
    assert found.label == "kafka/my-cluster"
    assert found.settings["bootstrap.servers"] == servers
    assert found.settings["security.protocol"] == protocol
    assert found.settings.get("ssl.ca.pem") == ("PEM" if protocol == "SSL" else None)


def test_trust_from_the_secret_where_the_status_has_none(cluster) -> None:
    kafka(cluster, TLS, certificates=())
    secret(cluster, "my-cluster-cluster-ca-cert", ca_crt="NEW", ca_old_crt="OLD", ca_p12="x")
    assert find_access(KubeClient(), INSIDE).settings["ssl.ca.pem"] == "NEW\nOLD"


def test_the_only_user_with_a_certificate(cluster) -> None:
    kafka(cluster, MUTUAL)
    user(cluster, "reader", "tls", {"username": "CN=reader", "secret": "kafka-reader"})
    user(cluster, "other", "scram-sha-512")
    secret(cluster, "kafka-reader", user_crt="CRT", user_key="KEY")
    settings = find_access(KubeClient(), INSIDE).settings
    assert settings["ssl.certificate.pem"] == "CRT"
    assert settings["ssl.key.pem"] == "KEY"
    assert is_secret(settings)


@pytest.mark.parametrize("with_pkcs12", [True, False])
def test_no_pkcs12_store_is_needed(cluster, *, with_pkcs12: bool) -> None:
    """From Strimzi 1.1 on, STRIMZI_PKCS12_KEYSTORE_GENERATION leaves these keys out."""
    kafka(cluster, MUTUAL, certificates=())
    user(cluster, "reader", "tls")
    of_authority = {"ca_p12": "STORE", "ca_password": "p"} if with_pkcs12 else {}
    of_user = {"user_p12": "STORE", "user_password": "p"} if with_pkcs12 else {}
    secret(cluster, "my-cluster-cluster-ca-cert", ca_crt="CA", **of_authority)
    secret(cluster, "reader", ca_crt="CA", user_crt="CRT", user_key="KEY", **of_user)
    settings = find_access(KubeClient(), INSIDE).settings
    assert settings == {
        "bootstrap.servers": "mutual.example:9093",
        "security.protocol": "SSL",
        "ssl.ca.pem": "CA",
        "ssl.certificate.pem": "CRT",
        "ssl.key.pem": "KEY",
    }


def test_a_named_user_with_a_password(cluster) -> None:
    kafka(cluster, SCRAM)
    for name in ("one", "two"):
        user(cluster, name, "scram-sha-512", {"username": name, "secret": name})
        secret(cluster, name, password=f"of-{name}")
    request = AccessRequest(namespace="kafka", kafka="my-cluster", user="two", inside=True)
    found = find_access(KubeClient(), request)
    assert found.settings["sasl.username"] == "two"
    assert found.settings["sasl.password"] == "of-two"
    assert found.settings["security.protocol"] == "SASL_SSL"
    assert "of-two" not in repr(found)
    with pytest.raises(NotFoundError, match=r"name one with --user \(there is one, two\)"):
        find_access(KubeClient(), INSIDE)


@pytest.mark.parametrize(
    ("listeners", "wish", "error", "words"),
    [
        (
            (PLAIN,),
            AccessRequest(namespace="kafka", kafka="my-cluster", inside=False),
            UnreachableError,
            "only from inside its cluster .* --in-cluster",
        ),
        ((OUTSIDE,), INSIDE, UnreachableError, "no internal listener; it has outside"),
        ((OAUTH,), INSIDE, UnreachableError, "not Strimzi's .oauth: oauth.: .*--command-config"),
        (
            (PLAIN,),
            AccessRequest(namespace="kafka", kafka="my-cluster", listener="x", inside=True),
            NotFoundError,
            "no listener x; it has plain",
        ),
        ((MUTUAL,), INSIDE, NotFoundError, "wants a KafkaUser .*there is none"),
    ],
)
def test_access_without_a_usable_listener_or_user_is_an_error(
    cluster, listeners, wish, error, words
) -> None:
    kafka(cluster, *listeners)
    with pytest.raises(error, match=words):
        find_access(KubeClient(), wish)


def test_a_kafka_without_addresses_in_its_status_is_an_error(cluster) -> None:
    kafka(cluster, PLAIN)
    cluster.change("kafkas", "kafka", "my-cluster", {"status": {"listeners": None}})
    with pytest.raises(UnreachableError, match="has no address of plain: is the Kafka Ready"):
        find_access(KubeClient(), INSIDE)


@pytest.mark.parametrize(
    ("listener", "kind", "name"), [(SCRAM, "scram-sha-512", "reader"), (MUTUAL, "tls", "reader")]
)
def test_a_secret_that_is_not_text(cluster, listener, kind, name) -> None:
    kafka(cluster, listener)
    user(cluster, name, kind)
    data = dict.fromkeys(("password", "user.crt", "user.key"), base64.b64encode(b"\xff").decode())
    cluster.add("secrets", "kafka", name, data=data)
    with pytest.raises(UnreachableError, match="is not UTF-8 text") as refused:
        find_access(KubeClient(), INSIDE)
    assert "xff" not in str(refused.value)


def test_a_secret_that_may_not_be_read(cluster) -> None:
    kafka(cluster, MUTUAL)
    user(cluster, "reader", "tls")
    cluster.refusals.append(("GET", "/secrets/", 403))
    with pytest.raises(ForbiddenError):
        find_access(KubeClient(), INSIDE)
