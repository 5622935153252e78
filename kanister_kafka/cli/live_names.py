"""Values of the command line that a live cluster has: completed by asking it, and by no more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from kanister_kafka.errors import KanisterKafkaError

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient

ACCESS = f"{__name__}.access"
"""In the meta of a context: the connection to the API server, by fields of Access."""
PATIENCE = 3.0
"""Seconds for each answer while a user waits for a completion."""


class _LiveName(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from click 8.5 on
    """A name that a cluster knows."""

    name = "text"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete it; with nothing if the cluster does not answer, or may not be asked."""
        from kanister_kafka.kube.kubeconfig import reset_access, set_access

        set_access(**{"timeout": PATIENCE, **ctx.meta.get(ACCESS, {})})
        try:
            return [
                CompletionItem(one)
                for one in self._names(ctx, incomplete)
                if one.startswith(incomplete)
            ]
        except KanisterKafkaError:
            return []
        finally:
            reset_access()

    def _names(self, ctx: click.Context, incomplete: str) -> Iterable[str]:
        raise NotImplementedError


class NamespaceName(_LiveName):
    """The name of a namespace."""

    def _names(self, ctx: click.Context, incomplete: str) -> Iterable[str]:  # noqa: ARG002
        from kanister_kafka.kube.client import NAMESPACES

        return sorted(item["metadata"]["name"] for item in _connection(ctx).items(NAMESPACES))


class KafkaName(_LiveName):
    """The name of a Kafka, or NAMESPACE/NAME; behind -f it may be a further file."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete it from the cluster, or as a file where files are read."""
        if ctx.params.get("paths"):
            return [CompletionItem(incomplete, type="file")]
        return super().shell_complete(ctx, param, incomplete)

    def _names(self, ctx: click.Context, incomplete: str) -> Iterable[str]:
        from kanister_kafka.strimzi.discovery import find_resource

        connection = _connection(ctx)
        resource = find_resource(connection, "Kafka")
        if resource is None:
            return ()
        home, slash, _ = incomplete.rpartition("/")
        namespace = home or _namespace(ctx) or connection.namespace
        items = connection.items(resource, namespace)
        return sorted(f"{home}{slash}{item['metadata']['name']}" for item in items)


def completes_names(command: click.Command) -> None:
    """Let a command that talks to an API server complete its namespaces and Kafkas."""
    for option in command.params:
        is_argument = isinstance(option, click.Argument)
        if option.name in ("namespace", "namespaces") and not is_argument:
            option.type = NamespaceName()
        elif (is_argument and option.name in ("kafka", "kafkas", "name")) or (
            isinstance(option, click.Option)
            and option.name in ("kafka", "from_cluster")
            and not option.is_flag
        ):
            option.type = KafkaName()


def _connection(ctx: click.Context) -> KubeClient:
    from kanister_kafka.kube.client import KubeClient

    return KubeClient(str(ctx.params.get("context") or ""))


def _namespace(ctx: click.Context) -> str:
    several = ctx.params.get("namespaces") or ()
    return str(ctx.params.get("namespace") or (several[-1] if several else ""))
