"""Files of client properties as Kafka's own tools read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.topics.client import ClientAccess, KafkaConsumer
from kanister_kafka.topics.client_properties import read_properties, write_properties

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"


def read(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "client.properties"
    path.write_text(text, encoding="latin-1")
    return read_properties(path)


@pytest.mark.parametrize(
    ("text", "settings_"),
    [
        ("", {}),
        ("# a comment\n! another\n\nclient.id: me\n", {"client.id": "me"}),
        ("no.such.property=x", {"no.such.property": "x"}),
        ("group.id=g\nauto.offset.reset=earliest\nmax.poll.records=5", {}),
        (
            "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=/ca.crt\n"
            "ssl.truststore.password=secret",
            {"security.protocol": "SSL", "ssl.ca.location": "/ca.crt"},
        ),
        (
            "ssl.truststore.type=pem\nssl.truststore.certificates=a\\n\\\n  b",
            {"ssl.ca.pem": "a\nb"},
        ),
        (
            "ssl.keystore.type=PEM\nssl.keystore.location=/user.pem\nssl.key.password=p",
            {
                "ssl.certificate.location": "/user.pem",
                "ssl.key.location": "/user.pem",
                "ssl.key.password": "p",
            },
        ),
        (
            "ssl.keystore.type=PKCS12\nssl.keystore.location=/u.p12\nssl.keystore.password=p",
            {"ssl.keystore.location": "/u.p12", "ssl.keystore.password": "p"},
        ),
        (
            "ssl.keystore.certificate.chain=c\nssl.keystore.key=k",
            {"ssl.certificate.pem": "c", "ssl.key.pem": "k"},
        ),
        (
            "ssl.endpoint.identification.algorithm=",
            {"ssl.endpoint.identification.algorithm": "none"},
        ),
        (
            f'sasl.mechanism=PLAIN\nsasl.jaas.config={PLAIN} username="u" password="p";',
            {"sasl.mechanism": "PLAIN", "sasl.username": "u", "sasl.password": "p"},
        ),
        (
            f'sasl.jaas.config={SCRAM} \\\n  password = "a \\\\"b\\\\" \\\\\\\\;=" '
            '\\\n username="u";',
            {"sasl.username": "u", "sasl.password": 'a "b" \\;='},
        ),
        (
            f'sasl.jaas.config={SCRAM} username="u" password="username=\\\\"x\\\\"";',
            {"sasl.username": "u", "sasl.password": 'username="x"'},
        ),
    ],
)
def test_properties_are_carried_over(tmp_path: Path, text: str, settings_: dict[str, str]) -> None:
    assert read(tmp_path, text) == settings_


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ssl.truststore.location=/x.jks", ["ssl.truststore.location"]),
        (
            "ssl.truststore.type=PKCS12\nssl.truststore.location=/x",
            ["ssl.truststore.location"],
        ),
        ("ssl.keystore.location=/x.jks", ["ssl.keystore.location"]),
        ("ssl.keystore.type=JKS\nssl.keystore.location=/x", ["ssl.keystore.location"]),
        ("sasl.jaas.config=", ["sasl.jaas.config"]),
        (f'sasl.jaas.config={PLAIN} username="u";', ["sasl.jaas.config"]),
        (
            'sasl.jaas.config=a.b.OAuthBearerLoginModule required secret="SECRET";',
            ["sasl.jaas.config"],
        ),
        (
            f"ssl.keystore.location=/x\nssl.keystore.password=SECRET\nssl.truststore.location=/x\n"
            f'sasl.jaas.config={PLAIN} password="SECRET";',
            ["ssl.keystore.location", "ssl.truststore.location", "sasl.jaas.config"],
        ),
    ],
)
def test_what_cannot_be_carried_over_is_reported_without_secrets(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert [problem.path for problem in caught.value.problems] == names
    assert "SECRET" not in str(caught.value)


def test_a_file_out_of_reach_is_reported(tmp_path: Path) -> None:
    for path in (tmp_path / "none.properties", tmp_path):
        with pytest.raises(UnreachableError, match=path.name):
            read_properties(path)


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a file of properties"):
        read(tmp_path, "sasl.password=SECRET\\uXYZ")


@settings(max_examples=30, derandomize=True)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){1,2}", fullmatch=True), st.text(max_size=20)
    )
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.properties"
    path.write_text(write_properties(wanted), encoding="latin-1")
    assert read_properties(path) == wanted


@pytest.mark.parametrize(
    "wrong",
    [
        {"no.such.property": "SECRET"},
        {"ssl.key.pem": "SECRET", "security.protocol": "SSL"},
        {"socket.timeout.ms": "SECRET"},
        {"ssl.keystore.location": "/none.p12", "security.protocol": "SSL"},
    ],
)
def test_settings_that_the_client_refuses_are_reported_without_secrets(
    wrong: dict[str, str],
) -> None:
    access = ClientAccess(
        "mine", {"bootstrap.servers": "127.0.0.1:1", "sasl.password": "SECRET", **wrong}
    )
    assert "SECRET" not in repr(access)
    with pytest.raises(UnreachableError, match="mine: cannot connect: ") as caught:
        KafkaConsumer(access)
    assert "sasl.password" not in str(caught.value)
    assert "SECRET" not in str(caught.value)
