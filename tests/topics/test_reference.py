"""How a topic is named on the command line."""

from __future__ import annotations

import pytest

from kanister_kafka.errors import InputError
from kanister_kafka.topics.reference import TopicRef, mirror_candidates, parse_topic_ref


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
def test_what_is_no_topic(text: str) -> None:
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
