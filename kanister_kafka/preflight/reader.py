"""Requests to the API server whose refusal is an answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from kanister_kafka.errors import NotFoundError
from kanister_kafka.preflight.model import Object, Objects, Seen, T, look

if TYPE_CHECKING:
    from kanister_kafka.kube import Connection

Versions = str | tuple[str, ...]
"""API versions of a kind; the first one that is served is asked for."""


class Reader:
    """Reads objects of one namespace, and of others where one is named."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self.connection = connection
        self.namespace = namespace

    def list_of(
        self, versions: Versions, kind: str, label: str, namespace: str = ""
    ) -> Seen[Objects]:
        """Return the objects of a namespace; none where the kind is not served."""
        home = namespace or self.namespace
        what = f"{kind}s in namespace {home}"
        return look(what, f"list {what}", lambda: self._items(versions, kind, home, label))

    def list_all(self, version: str, kind: str, label: str = "") -> Seen[Objects]:
        """Return the objects of all namespaces; none where the kind is not served."""
        what = f"{kind}s"
        everywhere = f"list {what} in all namespaces" if label else f"list {what}"
        return look(what, everywhere, lambda: self._items(version, kind, "", label))

    def find(self, version: str, kind: str, name: str, namespace: str) -> Seen[Object | None]:
        """Return one object, or None where there is none."""

        def ask() -> Object | None:
            try:
                return self.get(version, kind, name, namespace)
            except NotFoundError:
                return None

        place = f" in namespace {namespace}" if namespace else ""
        return look(f"{kind} {name}{place}", f"get {kind} {name}{place}", ask)

    def seek(self, version: str, kind: str, name: str) -> Seen[Object]:
        """Return one object of the whole cluster; raises NotFoundError."""
        return look(f"{kind} {name}", f"get {kind} {name}", partial(self.get, version, kind, name))

    def get(self, versions: Versions, kind: str, name: str, namespace: str = "") -> Object:
        """Return one object; raises ForbiddenError and NotFoundError."""
        return self._served(
            versions,
            kind,
            lambda at: {
                "kind": kind,
                **self.connection.get(at, name, namespace or self.namespace),
            },
        )

    def _items(self, versions: Versions, kind: str, namespace: str, label: str) -> Objects:
        try:
            return self._served(
                versions, kind, lambda at: self.connection.items(at, namespace, label)
            )
        except NotFoundError:
            return ()  # no such kind here, so there are none

    def _served(self, versions: Versions, kind: str, ask: Callable[..., T]) -> T:
        """Ask for a kind in the first version that is served; raises NotFoundError."""
        first, *rest = (versions,) if isinstance(versions, str) else versions
        try:
            found = self.connection.kind(first, kind)
        except NotFoundError:
            if not rest:
                raise
            return self._served(tuple(rest), kind, ask)
        return ask(found)

    def is_served(self, version: str, kind: str) -> bool:
        """Tell whether the cluster knows a kind."""
        try:
            self.connection.kind(version, kind)
        except NotFoundError:
            return False
        return True
