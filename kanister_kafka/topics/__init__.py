"""The content of topics: sizes, rates, last records, and comparisons.

The only package that imports confluent_kafka and aiokafka, which come with the extra `topics`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kanister_kafka.errors import UnreachableError

EXTRA = ("aiokafka", "confluent_kafka", "cramjam", "google_crc32c", "javaproperties")
"""Packages of the extra."""


@contextmanager
def require_extra() -> Iterator[None]:
    """Turn a missing package of the extra into an error with the remedy."""
    try:
        yield
    except ImportError as failure:
        if (failure.name or "").partition(".")[0] not in EXTRA:
            raise
        raise UnreachableError(
            f"{failure.name} is not installed: pip install 'kanister-kafka[topics]'"
        ) from failure
