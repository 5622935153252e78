"""How a topic is named on the command line."""

from __future__ import annotations

import pytest

from kanister_kafka.errors import InputError
from kanister_kafka.topics.place import Place, mirrored, parse_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("blogs", Place(topic="blogs")),
        ("kafka/my-cluster/blogs", Place(topic="blogs", namespace="kafka", kafka="my-cluster")),
        ("kafka/my-cluster/", Place(namespace="kafka", kafka="my-cluster")),
        ("h:9092/my.blogs", Place(topic="my.blogs", servers="h:9092")),
        ("h:9092,[::1]:9093/b", Place(topic="b", servers="h:9092,[::1]:9093")),
        ("h:9092/", Place(servers="h:9092")),
    ],
)
def test_forms(text: str, place: Place) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize(
    "text", ["", "a b", ".", "..", "x" * 250, "kafka/blogs", "a/b/c/d", "/k/t", "n//t", "h:1/a$"]
)
def test_what_is_no_topic(text: str) -> None:
    with pytest.raises(InputError):
        parse_place(text)


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (("blogs", "a.blogs"), ("blogs", "a.blogs")),
        (("my-source.blogs", "other"), ("my-source.blogs",)),
        (("blogs.copy", "myblogs"), ()),
    ],
)
def test_names_of_a_mirror(known: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert mirrored("blogs", known) == found
