"""The live cluster; the only room that imports the kubernetes client."""

from kanister_kafka.kube.connection import Connection, Resource
from kanister_kafka.kube.read import (
    Fetched,
    Live,
    fetch,
    fetch_each,
    fetch_object,
    server_minor,
)

__all__ = [
    "Connection",
    "Fetched",
    "Live",
    "Resource",
    "fetch",
    "fetch_each",
    "fetch_object",
    "server_minor",
]
